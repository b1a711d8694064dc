package input

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
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
	c := NewRecords(name, r)
	c.csv.ReuseRecord = true
	header, err := c.Header()
	if err != nil {
		return nil, err
	}
	if len(header) != 2 {
		if err := CheckSeparator(name, header); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%s:1: a row must have two fields, id and class numbers", name)
	}
	t := &Table{Name: name, Columns: [2]string{strings.Clone(header[0]), strings.Clone(header[1])}}
	for {
		record, line, err := c.Next()
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
