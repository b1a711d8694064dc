package input

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
)

const (
	maxTable = 1 << 28 // bytes of a table
	maxField = 1 << 16 // bytes of a field
)

// Records reads the rows of a CSV table of bounded size. It accepts byte order marks,
// UTF-16, line ends of every kind and blank lines. Errors begin with name:line.
type Records struct {
	name    string // of the file, for messages
	limited *io.LimitedReader
	csv     *csv.Reader
}

// NewRecords returns the records of the table that r yields. name is what errors call
// the file.
func NewRecords(name string, r io.Reader) *Records {
	limited := &io.LimitedReader{R: r, N: maxTable + 1}
	return &Records{name, limited, csv.NewReader(newTextReader(limited))}
}

// Header returns the first row. The caller calls it once, before Next.
func (r *Records) Header() ([]string, error) {
	header, _, err := r.Next()
	switch {
	case errors.Is(err, io.EOF):
		return nil, fmt.Errorf("%s: the table is empty: a header and a row for each image are needed", r.name)
	case errors.Is(err, csv.ErrQuote): // as in "id";"label"
		return nil, fmt.Errorf("%w; are the columns separated by commas?", err)
	}
	return header, err
}

// Next returns the next row and its line. The row has as many fields as the header.
// The error is io.EOF after the last row.
func (r *Records) Next() (record []string, line int, err error) {
	record, err = r.csv.Read()
	switch {
	case r.limited.N <= 0:
		return nil, 0, fmt.Errorf("%s: more than %d bytes", r.name, maxTable)
	case errors.Is(err, io.EOF):
		return nil, 0, io.EOF
	case err != nil:
		return nil, 0, r.wrong(record, err)
	}
	line, _ = r.csv.FieldPos(0)
	for _, field := range record {
		if len(field) > maxField {
			return nil, 0, fmt.Errorf("%s:%d: a field of more than %d bytes", r.name, line, maxField)
		}
	}
	return record, line, nil
}

// wrong returns err with its place.
func (r *Records) wrong(record []string, err error) error {
	var p *csv.ParseError
	if !errors.As(err, &p) {
		return fmt.Errorf("reading %s: %w", r.name, err)
	}
	if errors.Is(p.Err, csv.ErrFieldCount) {
		return fmt.Errorf("%s:%d: fields in the row: %d; in the header: %d", r.name, p.Line, len(record), r.csv.FieldsPerRecord)
	}
	return fmt.Errorf("%s:%d:%d: %w", r.name, p.Line, p.Column, p.Err)
}

// CheckSeparator returns an error for the header of a table whose columns are not
// separated by commas.
func CheckSeparator(name string, header []string) error {
	if separator := otherSeparator(header); separator != "" {
		return fmt.Errorf("%s:1: the columns are separated by %s; save the table with commas", name, separator)
	}
	return nil
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
