package predict

import (
	"fmt"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/runtime/input"
)

// fallback is the answer for the rows that are not predicted.
type fallback struct {
	classes []int  // nil leaves the row as the sample has it
	from    string // where the answer comes from
}

// fallback chooses the answer for rows without prediction. The plan's own, the
// best constant answer of the training table, comes first. Without it, the labels
// that more than half of the predicted rows have are given; if there are none,
// the most frequent one; if no row has any, the class of the highest mean score.
func (s *sum) fallback(known []int) fallback {
	if len(known) > 0 {
		return fallback{known, "the best constant answer of the training table"}
	}
	counts, total := make([]int, s.classes), make([]float64, s.classes)
	rows := 0
	for i, has := range s.has {
		if !has {
			continue
		}
		rows++
		for c, v := range s.total[i*s.classes : (i+1)*s.classes] {
			total[c] += float64(v)
			if v > 0 {
				counts[c]++
			}
		}
	}
	if rows == 0 {
		return fallback{nil, "those of the sample"}
	}
	var common []int
	frequent, highest := 0, 0
	for c := range counts {
		if 2*counts[c] > rows {
			common = append(common, c)
		}
		if counts[c] > counts[frequent] {
			frequent = c
		}
		if total[c] > total[highest] {
			highest = c
		}
	}
	switch {
	case len(common) > 0:
		return fallback{common, "the labels of more than half of the predicted images"}
	case counts[frequent] > 0:
		return fallback{[]int{frequent}, "the label that most predicted images have"}
	}
	return fallback{[]int{highest}, "the class of the highest mean score"}
}

// labels returns the classes for a row of the sample: the fallback's, else the
// sample's own, else class 0. They are never none.
func (f fallback) labels(t *input.Table, row, classes int) []int {
	if len(f.classes) > 0 {
		return f.classes
	}
	if own, err := t.Classes(row, classes); err == nil && len(own) > 0 {
		return own
	}
	return []int{0}
}

// text shows the labels.
func (f fallback) text() string {
	if len(f.classes) == 0 {
		return "the labels of the sample, or class 0"
	}
	return fmt.Sprintf("the labels %q, %s", strings.Trim(fmt.Sprint(f.classes), "[]"), f.from)
}
