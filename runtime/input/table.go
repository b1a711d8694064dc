package input

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

const (
	maxTable = 1 << 28 // bytes of a table
	maxField = 1 << 16 // bytes of a field
)

// Table is a table in Kaggle's form, with an id and class numbers in each row. Ids are
// strings, as some consist of digits and some look like floating-point numbers.
type Table struct {
	Name    string    // the file's name, for messages
	Columns [2]string // the header
	Rows    []Row
}

// Row is a row of a table.
type Row struct {
	ID     string
	Labels string // class numbers separated by spaces, not checked
	Line   int    // line in the file, from 1
}

// ReadTableFile reads the table at path; see [ReadTable].
func ReadTableFile(path string) (*Table, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return ReadTable(path, f)
}

// ReadTable reads a CSV table of two columns with a header. It accepts byte order
// marks, UTF-16, line ends of every kind and blank lines. Errors begin with name:line.
func ReadTable(name string, r io.Reader) (*Table, error) {
	c := newTableReader(name, r)
	c.csv.FieldsPerRecord = 2
	c.csv.ReuseRecord = true
	header, err := c.header()
	if separator := otherSeparator(header); err != nil && separator != "" {
		return nil, fmt.Errorf("%s:1: the columns are separated by %s; save the table with commas", name, separator)
	}
	if err != nil {
		return nil, err
	}
	t := &Table{Name: name, Columns: [2]string{strings.Clone(header[0]), strings.Clone(header[1])}}
	for {
		record, line, err := c.next()
		if errors.Is(err, io.EOF) {
			return t, nil
		}
		if err != nil {
			return nil, err
		}
		id, labels := record[0], record[1]
		if id == "" {
			return nil, fmt.Errorf("%s:%d: the id is empty", name, line)
		}
		t.Rows = append(t.Rows, Row{ID: strings.Clone(id), Labels: strings.Clone(labels), Line: line})
	}
}

// tableReader reads the rows of a CSV table of bounded size.
type tableReader struct {
	name    string // of the file, for messages
	limited *io.LimitedReader
	csv     *csv.Reader
}

func newTableReader(name string, r io.Reader) *tableReader {
	limited := &io.LimitedReader{R: r, N: maxTable + 1}
	return &tableReader{name, limited, csv.NewReader(newTextReader(limited))}
}

// header returns the first row. If its number of fields is wrong, it returns the row
// and an error.
func (t *tableReader) header() ([]string, error) {
	header, err := t.csv.Read()
	switch {
	case errors.Is(err, io.EOF):
		return nil, fmt.Errorf("%s: the table is empty: a header and rows of id,attribute_ids are needed", t.name)
	case err != nil:
		return header, tableError(t.name, err)
	}
	return header, nil
}

// next returns the next row and its line. Its error is io.EOF after the last one.
func (t *tableReader) next() (record []string, line int, err error) {
	record, err = t.csv.Read()
	switch {
	case t.limited.N <= 0:
		return nil, 0, fmt.Errorf("%s: more than %d bytes", t.name, maxTable)
	case errors.Is(err, io.EOF):
		return nil, 0, io.EOF
	case err != nil:
		return nil, 0, tableError(t.name, err)
	}
	line, _ = t.csv.FieldPos(0)
	for _, field := range record {
		if len(field) > maxField {
			return nil, 0, fmt.Errorf("%s:%d: a field of more than %d bytes", t.name, line, maxField)
		}
	}
	return record, line, nil
}

// otherSeparator names the separator in a header without a comma, or returns "".
func otherSeparator(header []string) string {
	switch {
	case len(header) != 1:
	case strings.Contains(header[0], ";"):
		return "semicolons"
	case strings.Contains(header[0], "\t"):
		return "tabs"
	case strings.Contains(header[0], "|"):
		return "vertical bars"
	}
	return ""
}

func tableError(name string, err error) error {
	var p *csv.ParseError
	if !errors.As(err, &p) {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	if errors.Is(p.Err, csv.ErrFieldCount) {
		return fmt.Errorf("%s:%d: a row must have two fields, id and class numbers", name, p.Line)
	}
	return fmt.Errorf("%s:%d:%d: %w", name, p.Line, p.Column, p.Err)
}

// IDs returns the ids of all rows, in order.
func (t *Table) IDs() []string {
	ids := make([]string, len(t.Rows))
	for i, r := range t.Rows {
		ids[i] = r.ID
	}
	return ids
}

// Classes returns the class numbers of row i. It returns an error that begins with
// name:line if one is not a number below classes.
func (t *Table) Classes(i, classes int) ([]int, error) {
	row := t.Rows[i]
	var list []int
	for text := range strings.FieldsSeq(row.Labels) {
		c, err := strconv.Atoi(text)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %q is not a class number", t.Name, row.Line, text)
		}
		if c < 0 || c >= classes {
			return nil, fmt.Errorf("%s:%d: class %d, but there are %d (0 to %d)", t.Name, row.Line, c, classes, classes-1)
		}
		list = append(list, c)
	}
	return list, nil
}
