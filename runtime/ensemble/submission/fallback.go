package submission

import (
	"fmt"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/runtime/input"
)

// Fallback is the answer for images without prediction.
type Fallback struct {
	labels []int  // nil keeps the labels of the sample submission
	reason string // why these labels
}

// Fallback chooses the answer for images without prediction. known, the plan's answer,
// comes first. If it is empty, the choice is, in this order:
//
//   - the labels that more than half of the predicted images have,
//   - the label that most predicted images have,
//   - the class with the highest mean sum,
//   - the labels of the sample submission, if no image has a prediction.
func (s *Sum) Fallback(known []int) Fallback {
	if len(known) > 0 {
		return Fallback{known, "the best constant answer of the training table"}
	}
	counts, total := make([]int, s.classes), make([]float64, s.classes)
	images := 0
	for i, has := range s.has {
		if !has {
			continue
		}
		images++
		for c, v := range s.row(i) {
			total[c] += float64(v)
			if v > 0 {
				counts[c]++
			}
		}
	}
	if images == 0 {
		return Fallback{}
	}
	var common []int
	frequent, highest := 0, 0
	for c := range counts {
		if 2*counts[c] > images {
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
		return Fallback{common, "the labels of more than half of the predicted images"}
	case counts[frequent] > 0:
		return Fallback{[]int{frequent}, "the label that most predicted images have"}
	}
	return Fallback{[]int{highest}, "the class of the highest mean score"}
}

// of returns the labels for a row of the sample submission. There is always one: without
// labels of the sample it is class 0.
func (f Fallback) of(t *input.Table, row, classes int) []int {
	if len(f.labels) > 0 {
		return f.labels
	}
	if own, err := t.Classes(row, classes); err == nil && len(own) > 0 {
		return own
	}
	return []int{0}
}

// String describes the answer for a message.
func (f Fallback) String() string {
	if len(f.labels) == 0 {
		return "the labels of the sample, or class 0"
	}
	return fmt.Sprintf("the labels %q, %s", strings.Trim(fmt.Sprint(f.labels), "[]"), f.reason)
}
