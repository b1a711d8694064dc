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

// Table is a table as Kaggle gives them: an id and class numbers in every row.
// Ids are strings: some are all digits, and some look like floating-point
// numbers.
type Table struct {
	Name    string    // of the file, for messages
	Columns [2]string // the header
	Rows    []Row
}

// Row is a row of a table.
type Row struct {
	ID     string
	Labels string // class numbers separated by spaces, unchecked
	Line   int    // in the file, counted from 1
}

// ReadTableFile reads the table at path.
func ReadTableFile(path string) (*Table, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return ReadTable(path, f)
}

// ReadTable reads a CSV table of two columns with a header. Byte order marks,
// UTF-16, line ends of every kind and blank lines are accepted. Errors are told
// as name:line.
func ReadTable(name string, r io.Reader) (*Table, error) {
	limited := &io.LimitedReader{R: r, N: maxTable + 1}
	c := csv.NewReader(newTextReader(limited))
	c.ReuseRecord = true
	c.FieldsPerRecord = 2
	t := &Table{Name: name}
	header := true
	for {
		record, err := c.Read()
		if limited.N <= 0 {
			return nil, fmt.Errorf("%s: more than %d bytes", name, maxTable)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if separator := otherSeparator(record); err != nil && header && separator != "" {
			return nil, fmt.Errorf("%s:1: the columns are separated by %s; save the table with commas", name, separator)
		}
		if err != nil {
			return nil, tableError(name, err)
		}
		line, _ := c.FieldPos(0)
		id, labels := record[0], record[1]
		switch {
		case header:
			header = false
			t.Columns = [2]string{strings.Clone(id), strings.Clone(labels)}
			continue
		case id == "":
			return nil, fmt.Errorf("%s:%d: the id is empty", name, line)
		case len(id) > maxField || len(labels) > maxField:
			return nil, fmt.Errorf("%s:%d: a field of more than %d bytes", name, line, maxField)
		}
		t.Rows = append(t.Rows, Row{ID: strings.Clone(id), Labels: strings.Clone(labels), Line: line})
	}
	if header {
		return nil, fmt.Errorf("%s: the table is empty: a header and rows of id,attribute_ids are needed", name)
	}
	return t, nil
}

// otherSeparator names what separates the columns of a header that has no comma,
// "" where nothing does.
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

// Classes returns the class numbers of row i, which must be less than
// classes.
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
