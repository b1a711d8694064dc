package simulate

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
)

// maxProblems bounds the rows that are named for each kind of mistake.
const maxProblems = 3

// graded is the result of grade.
type graded struct {
	rows, given int // all rows, and rows with an answer
	problems    []string
}

func (g *graded) problem(format string, args ...any) {
	g.problems = append(g.problems, fmt.Sprintf(format, args...))
}

// grade checks a submission as a strict grader would. It requires UTF-8, whole lines, the
// sample's header, the sample's ids in order, and answers of the sample's form.
func grade(name string, text []byte, sample *input.Sample, rules input.SampleRules) graded {
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
	form := &sample.Form
	if !slices.Equal(form.Header, header) {
		g.problem("%s has the header %q, the sample has %q", name, strings.Join(header, ","), strings.Join(form.Header, ","))
	}
	var ids []string
	wrong := map[string]int{}
	checker := newChecker(form, rules)
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
		kind, what := "fields", ""
		if len(row) != len(form.Header) {
			what = fmt.Sprintf("the row has %d fields, not %d", len(row), len(form.Header))
			ids = append(ids, row[0])
		} else {
			var original *input.SampleRow
			if g.rows < len(sample.Rows) {
				original = &sample.Rows[g.rows]
			}
			ids = append(ids, row[form.ID])
			kind, what = checker.row(row, original)
			if checker.given {
				g.given++
			}
		}
		g.rows++
		if what == "" {
			continue
		}
		if wrong[kind]++; wrong[kind] <= maxProblems {
			g.problem("%s:%d: %s", name, line, what)
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(wrong)) {
		if n := wrong[kind] - maxProblems; n > 0 {
			g.problem("%s: %d more rows are wrong in the same way (%s)", name, n, kind)
		}
	}
	g.compare(name, ids, sample)
	return g
}

// checker checks the rows of a submission.
type checker struct {
	form   *input.Form
	rules  input.SampleRules
	fields input.Fields
	given  bool // the last row has an answer
}

func newChecker(form *input.Form, rules input.SampleRules) *checker {
	return &checker{form: form, rules: rules, fields: input.NewFields(form, rules.Classes)}
}

// row returns the kind of mistake in a row, and a message. Both are "" for a valid row.
// original is the row of the sample, or nil.
func (c *checker) row(row []string, original *input.SampleRow) (kind, what string) {
	c.given = false
	for i, field := range row {
		switch {
		case i == c.form.ID:
			continue
		case !c.form.Copied(i):
			c.given = c.given || field != c.form.None
			kind, what = c.answer(field)
		case original != nil && original.Copied != nil && field != original.Copied[i]:
			kind, what = "copy", fmt.Sprintf("the column %q has %q, the sample has %q", c.form.Header[i], field, original.Copied[i])
		}
		if what != "" {
			return kind, what
		}
	}
	return "", ""
}

// answer returns the kind of mistake in a field of the answer, and a message.
func (c *checker) answer(field string) (kind, what string) {
	switch c.form.Answer {
	case input.Values:
		return c.value(field)
	case input.Indicators:
		if field != c.form.Yes && field != c.form.No {
			return "indicator", fmt.Sprintf("%q is neither %s nor %s", field, c.form.No, c.form.Yes)
		}
		return "", ""
	}
	labels, err := c.fields.Labels(field)
	switch {
	case err != nil:
		return "class", err.Error()
	case c.form.Answer == input.Label && len(labels) != 1, c.form.Top > 0 && len(labels) != c.form.Top:
		return "count", fmt.Sprintf("%q has %d classes, not %d", field, len(labels), max(c.form.Top, 1))
	}
	return "", ""
}

// value returns the kind of mistake in a number, and a message. A number is a plain
// decimal; a probability is from 0 to 1.
func (c *checker) value(field string) (kind, what string) {
	x, err := strconv.ParseFloat(field, 64)
	switch {
	case err != nil || strings.Trim(field, "-.0123456789") != "":
		return "number", fmt.Sprintf("%q is no number", field)
	case (c.rules.Task == task.Multilabel || c.rules.Task == task.Multiclass) && (x < 0 || x > 1):
		return "range", fmt.Sprintf("%q is no probability", field)
	}
	return "", ""
}

// compare reports missing, additional and reordered ids.
func (g *graded) compare(name string, ids []string, sample *input.Sample) {
	want := make([]string, len(sample.Rows))
	for i, row := range sample.Rows {
		want[i] = row.ID
	}
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
