package input

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
)

// Labeling is the number of labels in the rows of a training table.
type Labeling uint8

// The labelings.
const (
	UnknownLabels Labeling = iota
	OneLabel               // exactly one in every row
	SeveralLabels          // another number in some row
)

// SampleRules are the expectations of [ReadSample]: what the ensemble predicts, and what
// the user says about the submission.
type SampleRules struct {
	Task task.Task
	// Classes is the number of classes, grades or targets, or 0 if unknown.
	Classes int
	// Names are the classes' names by number, as the competition writes them. nil means
	// that they are unknown.
	Names []string
	// Metric is the name of the metric that the ensemble was fitted to, or "".
	Metric string
	// Submission is the answer that the user asks for.
	Submission Answer
	// Training is the number of labels in the rows of the training table.
	Training Labeling
	// Column is the column of labels to write for a table that has only ids.
	// "" means one that fits the task.
	Column string
	// Form is the form that the sample must have, if it is decided.
	Form Form
	// Images locates the images of ids. It is nil if their folder is unknown.
	Images func(ids []string) (*Items, error)
}

// FormError is returned for a sample submission whose form can't be understood, or does
// not fit the ensemble.
type FormError struct {
	Name string // of the file
	Line int    // the row that shows it, or 0
	What string // what is wrong, such as "it has 4 columns after the id, but …"
	Saw  string // the header and the first values
}

func (e *FormError) Error() string {
	place := e.Name
	if e.Line > 0 {
		place = fmt.Sprintf("%s:%d", e.Name, e.Line)
	}
	return fmt.Sprintf("%s: %s. Seen: %s", place, e.What, e.Saw)
}

// Sample is a sample submission.
type Sample struct {
	Name string // of the file
	Form Form
	Rows []SampleRow
	// Means holds the mean of the sample's numbers for each class, if the form has values.
	Means []float64
	// Test reports that the table is one of the test images, in place of a sample.
	Test bool
	// Note tells the user what to check about the form, or is "".
	Note string
}

// SampleRow is a row of a sample submission.
type SampleRow struct {
	ID    string // as the table writes it
	Image string // id of the image
	// Class is the class of a row for an image and a class, else 0.
	Class int
	// Field is the sample's own answer in OneField.
	Field string
	// Copied holds the fields to copy, by column. It is nil if only the id is copied.
	Copied []string
	Line   int // line in the file, from 1
}

// IDs returns the ids of the images, each once, in the order of the rows.
func (s *Sample) IDs() []string {
	seen := make(map[string]bool, len(s.Rows))
	ids := make([]string, 0, len(s.Rows))
	for _, row := range s.Rows {
		if !seen[row.Image] {
			seen[row.Image] = true
			ids = append(ids, row.Image)
		}
	}
	return ids
}

// ReadSample reads the sample submission at path. If rules.Form is decided, the sample
// must have that form. Otherwise ReadSample recognizes the form by the header, the rows
// and the rules.
//
// It returns a *FormError for a form that can't be understood or does not fit the
// ensemble. A sample of only a header has no rows.
func ReadSample(path string, rules SampleRules) (*Sample, error) {
	text, err := readTable(path)
	if err != nil {
		return nil, err
	}
	test := isTestTable(path)
	if rules.Form.Decided() {
		return readDecided(path, text, rules, test)
	}
	s, err := newSurvey(path, bytes.NewReader(text), rules)
	if err != nil {
		return nil, err
	}
	form, note, err := s.recognize()
	var wrong *FormError
	if test && (err == nil && !s.hasAnswers(&form, note) || errors.As(err, &wrong)) {
		return s.idsOnly()
	}
	if err != nil {
		return nil, err
	}
	sample, err := load(path, text, &form, rules.Classes, false)
	if err != nil {
		return nil, err
	}
	sample.Note, sample.Test = note, test
	return sample, nil
}

// readTable reads a file that is read twice: the file itself may be a pipe.
func readTable(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxTable+1))
}

// readDecided reads a sample that must have the form of the rules. A table of the test
// images may have any columns.
func readDecided(path string, text []byte, rules SampleRules, test bool) (*Sample, error) {
	want := rules.Form
	sample, err := load(path, text, &want, rules.Classes, rules.Submission == Unsettled)
	var other *otherFormError
	if !errors.As(err, &other) {
		return sample, err
	}
	rules.Form = Form{}
	s, surveyErr := newSurvey(path, bytes.NewReader(text), rules)
	if surveyErr != nil {
		return nil, surveyErr
	}
	if test && (want.Layout == OneField || want.Layout == ColumnPerClass) && len(want.copies()) == 0 {
		return s.idsOnlyOf(&want)
	}
	seen := ""
	if form, _, err := s.recognize(); err == nil && !form.Equal(&want) {
		seen = "; the sample: " + form.String()
	}
	return nil, hint.New(s.wrong(other.line, "%s. The form was decided before: %s%s", other.what, &want, seen),
		"if the competition changed its sample, decide anew: deploy with this one by --sample")
}

// otherFormError is returned by load for a table of another form.
type otherFormError struct {
	what string
	line int
}

func (e *otherFormError) Error() string { return e.what }

// load reads the rows of a sample of a known form. It returns an *otherFormError for
// another header and for rows of no class below classes. If strict, it also returns one
// for fields that contradict the form.
func load(path string, text []byte, form *Form, classes int, strict bool) (*Sample, error) {
	records := NewRecords(path, bytes.NewReader(text))
	header, err := records.Header()
	if err != nil {
		return nil, err
	}
	header = validHeader(header)
	if !slices.Equal(header, form.Header) {
		return nil, &otherFormError{what: fmt.Sprintf("it has the columns %s, not %s", quoted(header), quoted(form.Header))}
	}
	r := newRowReader(form, classes)
	s := &Sample{Name: path, Form: *form}
	for {
		record, line, err := records.Next()
		if errors.Is(err, io.EOF) {
			s.Means = r.means()
			return s, nil
		}
		if err != nil {
			return nil, err
		}
		if record[form.ID] == "" {
			return nil, fmt.Errorf("%s:%d: the id is empty", path, line)
		}
		row, what := r.read(record)
		if what == "" && strict {
			what = r.contradiction(record)
		}
		if what != "" {
			return nil, &otherFormError{what, line}
		}
		row.Line = line
		s.Rows = append(s.Rows, row)
	}
}

// rowReader reads the rows of a sample of a known form.
type rowReader struct {
	form    *Form
	fields  Fields
	sums    []float64 // of the sample's numbers, by class
	counts  []int
	copying bool // columns other than the id are copied
}

func newRowReader(form *Form, classes int) *rowReader {
	r := &rowReader{form: form, fields: NewFields(form, classes)}
	if form.Answer == Values {
		r.sums, r.counts = make([]float64, max(classes, 1)), make([]int, max(classes, 1))
	}
	r.copying = len(form.copies()) > 0 || form.Layout == ClassColumn
	return r
}

// read returns the row of a record, or what is wrong with it.
func (r *rowReader) read(record []string) (row SampleRow, what string) {
	f := r.form
	row.ID = strings.Clone(record[f.ID])
	row.Image = row.ID
	switch f.Layout {
	case OneField:
		row.Field = strings.Clone(record[f.Field])
	case RowPerClass:
		var ok bool
		if row.Image, row.Class, ok = r.fields.splitID(row.ID); !ok {
			return row, fmt.Sprintf("the id %q names no class", shorten(row.ID))
		}
	case ClassColumn:
		var ok bool
		if row.Class, ok = r.fields.Class(record[f.Class]); !ok {
			return row, fmt.Sprintf("%q is no class", shorten(record[f.Class]))
		}
	}
	if r.copying {
		row.Copied = make([]string, len(record))
		for i, field := range record {
			if f.Copied(i) {
				row.Copied[i] = strings.Clone(field)
			}
		}
	}
	r.count(record, row.Class)
	return row, ""
}

// count adds the numbers of a record to the means.
func (r *rowReader) count(record []string, class int) {
	if r.form.Answer != Values {
		return
	}
	add := func(c int, field string) {
		if x, err := strconv.ParseFloat(strings.TrimSpace(field), 64); err == nil && isNumber(field) {
			r.sums[c] += x
			r.counts[c]++
		}
	}
	switch r.form.Layout {
	case ColumnPerClass:
		for i, c := range r.form.Classes {
			if c >= 0 {
				add(c, record[i])
			}
		}
	case OneField:
		add(r.form.Target, record[r.form.Field])
	default:
		add(class, record[r.form.Field])
	}
}

func (r *rowReader) means() []float64 {
	for c, n := range r.counts {
		r.sums[c] /= float64(max(n, 1))
	}
	return r.sums
}

// contradiction returns what in a record another form would have, or "".
func (r *rowReader) contradiction(record []string) string {
	f := r.form
	for i, field := range record {
		if i == f.ID || f.Copied(i) || field == "" || field == f.None {
			continue
		}
		ok := true
		switch f.Answer {
		case Labels:
			for part := range strings.SplitSeq(field, f.Separator) {
				_, known := r.fields.Class(strings.TrimSpace(part))
				ok = ok && (known || part == "")
			}
		case Label:
			_, ok = r.fields.Class(field)
		case Values:
			_, err := strconv.ParseFloat(field, 64)
			ok = err == nil // NaN, too
		case Indicators:
			ok = field == f.Yes || field == f.No || isNumber(field)
		}
		if !ok {
			return fmt.Sprintf("the column %q has %q", f.Header[i], shorten(field))
		}
	}
	return ""
}
