package input

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// Submission is a kind of submission.
type Submission uint8

// The kinds of submission.
const (
	// Unsettled leaves the kind to the sample submission.
	Unsettled Submission = iota
	// Labels is an id and the space-separated numbers of its classes in each row.
	Labels
)

// submissions lists the kinds that a user can ask for.
var submissions = map[string]Submission{"": Unsettled, "labels": Labels}

// ParseSubmission returns the kind with this name; "" is Unsettled. It returns an
// error for an unknown name.
func ParseSubmission(name string) (Submission, error) {
	s, ok := submissions[name]
	if !ok {
		return Unsettled, fmt.Errorf("unknown kind of submission %q; there is labels", name)
	}
	return s, nil
}

// String returns the name of the kind.
func (s Submission) String() string {
	if s == Labels {
		return "labels"
	}
	return ""
}

// Labeling is the number of labels in the rows of a training table.
type Labeling uint8

// The labelings.
const (
	UnknownLabels Labeling = iota
	OneLabel               // exactly one in every row
	SeveralLabels          // another number in some row
)

// defaultColumn is the column of labels if no table names one.
const defaultColumn = "attribute_ids"

// SampleRules are the expectations of [ReadSample]. The zero value has none.
type SampleRules struct {
	// Classes is the number of classes, or 0 if unknown.
	Classes int
	// Submission is the kind that the user asks for.
	Submission Submission
	// Training is the number of labels in the rows of the training table.
	Training Labeling
	// Column is the column of labels to write for a table that has only ids.
	// "" means defaultColumn.
	Column string
	// Images locates the images of ids. It is nil if their folder is unknown.
	Images func(ids []string) (*Items, error)
}

// KindError is returned for a sample submission of a kind that is not supported.
type KindError struct {
	Name string // of the file
	Line int    // the row that shows it, or 0
	What string // what is wrong, such as "it has a column for each class"
	Saw  string // the header and the first values
	// Ambiguous reports whether the sample could be one of labels, if the user
	// confirms it.
	Ambiguous bool
}

func (e *KindError) Error() string {
	place := e.Name
	if e.Line > 0 {
		place = fmt.Sprintf("%s:%d", e.Name, e.Line)
	}
	return fmt.Sprintf("%s: %s; this kind of submission is not supported. Seen: %s. Supported: an id and space-separated class numbers, such as %q, %q",
		place, e.What, e.Saw, "id,attribute_ids", "1165e02531758026,0 1 2")
}

// Sample is a sample submission of labels.
type Sample struct {
	*Table
	// Note tells the user what to check about the table, or is "".
	Note string
}

// ReadSample reads the sample submission at path. It returns a *KindError for a
// sample whose rows are not an id and class numbers: one label, probabilities, a
// column for each class, names, or several rows for an image. A sample of only a
// header has no rows.
func ReadSample(path string, rules SampleRules) (*Sample, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readSample(path, f, rules)
}

func readSample(name string, r io.Reader, rules SampleRules) (*Sample, error) {
	s := &sampleReader{Records: NewRecords(name, r), rules: rules}
	header, err := s.Header()
	if err != nil {
		return nil, err
	}
	for _, h := range header {
		s.columns = append(s.columns, strings.ToValidUTF8(h, "?"))
	}
	switch test := isTestTable(name); {
	case len(s.columns) == 2 && (!test || s.idColumn() == 0):
		return s.two(test)
	case test:
		return s.idsOnly()
	}
	return nil, s.otherColumns()
}

// sampleReader is the state of one ReadSample.
type sampleReader struct {
	*Records
	rules   SampleRules
	columns []string
	first   [][]string // the first rows, for messages
}

// maxShown is the number of rows in a message.
const maxShown = 3

// next is Records.Next, and keeps the first rows for messages.
func (s *sampleReader) next() (record []string, line int, err error) {
	record, line, err = s.Records.Next()
	if err == nil && len(s.first) < maxShown {
		s.first = append(s.first, record)
	}
	return record, line, err
}

// wrong returns a KindError with the first rows.
func (s *sampleReader) wrong(line int, format string, args ...any) *KindError {
	return &KindError{Name: s.name, Line: line, What: fmt.Sprintf(format, args...), Saw: s.saw()}
}

// maxColumns is the number of columns in a message.
const maxColumns = 5

// saw returns the header and the first rows, for messages.
func (s *sampleReader) saw() string {
	line := func(fields []string) string {
		shown := fields[:min(len(fields), maxColumns)]
		text := strings.Join(shown, ",")
		if len(text) > 80 {
			text = strings.ToValidUTF8(text[:80], "") + "…"
		}
		if len(fields) > len(shown) {
			text += fmt.Sprintf(",… (%d columns)", len(fields))
		}
		return fmt.Sprintf("%q", text)
	}
	text := "the header " + line(s.columns)
	for i, row := range s.first {
		if i == 0 {
			text += ", then "
		} else {
			text += ", "
		}
		text += line(row)
	}
	if len(s.first) == 0 {
		text += " without rows"
	}
	return text
}

// otherColumns returns the error for a sample without exactly two columns.
func (s *sampleReader) otherColumns() error {
	for range maxShown {
		if _, _, err := s.next(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
	}
	if len(s.columns) == 1 {
		if separator := otherSeparator(s.columns); separator != "" {
			return s.wrong(0, "its columns are separated by %s, not by commas", separator)
		}
		return s.wrong(0, "it has one column, and none for labels")
	}
	numbers := len(s.first) > 0
	for _, row := range s.first {
		for _, cell := range row[1:] {
			numbers = numbers && isNumber(cell)
		}
	}
	if numbers || len(s.columns) > 3 {
		return s.wrong(0, "it has %d columns after the id, as for a value of each class", len(s.columns)-1)
	}
	return s.wrong(0, "it has %d columns", len(s.columns))
}

// idColumn returns the first column named like an id, or 0.
func (s *sampleReader) idColumn() int {
	for i, h := range s.columns {
		if w := words(h); len(w) > 0 && idWords[w[len(w)-1]] {
			return i
		}
	}
	return 0
}

// idsOnly reads the ids from a table of the test images.
func (s *sampleReader) idsOnly() (*Sample, error) {
	id := s.idColumn()
	t := &Table{Name: s.name, Columns: [2]string{s.columns[id]}}
	for {
		record, line, err := s.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if record[id] == "" {
			return nil, fmt.Errorf("%s:%d: the id is empty", s.name, line)
		}
		t.Rows = append(t.Rows, Row{ID: strings.Clone(record[id]), Line: line})
	}
	return s.testTable(t), nil
}

// two reads a table of two columns. If it is a table of the test images whose second
// column has no labels, two reads only the ids.
func (s *sampleReader) two(test bool) (*Sample, error) {
	t := &Table{Name: s.name, Columns: [2]string{s.columns[0], s.columns[1]}}
	var v values
	var wrong *KindError
	for {
		record, line, err := s.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if record[0] == "" {
			return nil, fmt.Errorf("%s:%d: the id is empty", s.name, line)
		}
		if what := v.add(record[1]); what != "" && wrong == nil {
			wrong = s.wrong(line, "%s", what)
		}
		t.Rows = append(t.Rows, Row{ID: strings.Clone(record[0]), Labels: strings.Clone(record[1]), Line: line})
	}
	if wrong != nil && s.rules.Submission != Labels && !test {
		wrong.Saw = s.saw()
		return nil, wrong
	}
	note, err := s.judge(t, v)
	if test && (wrong != nil || errors.As(err, &wrong)) {
		for i := range t.Rows {
			t.Rows[i].Labels = ""
		}
		return s.testTable(t), nil
	}
	if err != nil {
		return nil, err
	}
	return &Sample{t, note}, nil
}

// testTable sets the column of labels for a table of the test images, and notes that
// it replaces a sample submission.
func (s *sampleReader) testTable(t *Table) *Sample {
	t.Columns[1] = cmp.Or(s.rules.Column, defaultColumn)
	return &Sample{t, fmt.Sprintf("there is no sample submission: the ids are the column %q of %s, and the labels' column is named %q",
		t.Columns[0], s.name, t.Columns[1])}
}
