package simulate

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/deploy-kernel/deploy-kernel/runtime/input"
)

// maxProblems bounds the rows that are named for each kind of mistake.
const maxProblems = 3

// graded is the result of grade.
type graded struct {
	rows, given int // all rows, and rows with a label
	problems    []string
}

func (g *graded) problem(format string, args ...any) {
	g.problems = append(g.problems, fmt.Sprintf(format, args...))
}

// grade checks a submission of labels as a strict grader would. It requires UTF-8,
// whole lines, the sample's header, and the sample's ids in order. A row holds class
// numbers, each once, separated by single spaces. If sample is nil, header and ids are
// free. If classes is 0, any class number is valid.
func grade(name string, text []byte, sample *input.Table, classes int) graded {
	var g graded
	switch {
	case !utf8.Valid(text):
		g.problem("%s is not UTF-8", name)
	case bytes.HasPrefix(text, []byte("\xef\xbb\xbf")):
		g.problem("%s begins with a byte order mark, which becomes part of the first column's name", name)
	case bytes.IndexByte(text, 0) >= 0:
		g.problem("%s has NUL bytes", name)
	}
	if bytes.IndexByte(text, '\r') >= 0 {
		g.problem("%s has carriage returns: its lines must end with \\n alone", name)
	}
	if len(text) > 0 && text[len(text)-1] != '\n' {
		g.problem("%s ends within a line", name)
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.FieldsPerRecord = -1
	header, err := r.Read()
	if err != nil {
		g.problem("%s has no header", name)
		return g
	}
	if sample != nil && !slices.Equal(sample.Columns[:], header) {
		g.problem("%s has the header %q, the sample has %q", name, strings.Join(header, ","), strings.Join(sample.Columns[:], ","))
	}
	var ids []string
	wrong := map[string]int{}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			g.problem("%s: %v", name, err)
			return g
		}
		line, _ := r.FieldPos(0)
		g.rows++
		ids = append(ids, row[0])
		kind, what := "fields", ""
		if len(row) != 2 {
			what = fmt.Sprintf("the row has %d fields, not 2", len(row))
		} else {
			if row[1] != "" {
				g.given++
			}
			kind, what = checkLabels(row[1], classes)
		}
		if what == "" {
			continue
		}
		if wrong[kind]++; wrong[kind] <= maxProblems {
			g.problem("%s:%d: %s", name, line, what)
		}
	}
	for _, kind := range []string{"fields", "spaces", "number", "class", "twice"} {
		if n := wrong[kind] - maxProblems; n > 0 {
			g.problem("%s: %d more rows are wrong in the same way (%s)", name, n, kind)
		}
	}
	if sample != nil {
		g.compare(name, ids, sample)
	}
	return g
}

// checkLabels returns the kind of mistake in a field of class numbers, and a message.
// Both are "" for a valid field. An empty field is valid.
func checkLabels(field string, classes int) (kind, what string) {
	if field == "" {
		return "", ""
	}
	if field != strings.Join(strings.Fields(field), " ") {
		return "spaces", fmt.Sprintf("%q has other spaces than one between two numbers", field)
	}
	seen := map[int]bool{}
	for text := range strings.FieldsSeq(field) {
		c, err := strconv.Atoi(text)
		switch {
		case err != nil || strconv.Itoa(c) != text:
			return "number", fmt.Sprintf("%q is not a class number", text)
		case c < 0 || classes > 0 && c >= classes:
			return "class", fmt.Sprintf("class %d, but there are %d (0 to %d)", c, classes, classes-1)
		case seen[c]:
			return "twice", fmt.Sprintf("class %d is given twice", c)
		}
		seen[c] = true
	}
	return "", ""
}

// compare reports missing, additional and reordered ids.
func (g *graded) compare(name string, ids []string, sample *input.Table) {
	want := sample.IDs()
	if slices.Equal(ids, want) {
		return
	}
	if len(ids) != len(want) {
		g.problem("%s has %d rows, the sample has %d", name, len(ids), len(want))
	}
	count := map[string]int{}
	for _, id := range want {
		count[id]++
	}
	for _, id := range ids {
		count[id]--
	}
	lacks, more := 0, 0
	var first string
	for _, id := range slices.Concat(want, ids) {
		switch n := count[id]; {
		case n > 0:
			lacks += n
		case n < 0:
			more -= n
		default:
			continue
		}
		if first == "" {
			first = id
		}
		count[id] = 0
	}
	if lacks+more > 0 {
		g.problem("%s lacks %d ids of the sample and has %d others, such as %q", name, lacks, more, first)
		return
	}
	for i, id := range ids {
		if id != want[i] {
			g.problem("%s has the sample's ids in another order: row %d is %q, not %q", name, i+1, id, want[i])
			return
		}
	}
}
