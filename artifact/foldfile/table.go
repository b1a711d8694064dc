package foldfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/internal/say"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
)

// ForTable reads the folds of the rows with the given ids, as [Read] does. If path ends
// in .csv, it is a table with a column of ids, and one of folds that is called fold or is
// the other one of two. The column of ids is the one that has the first of ids. The rows
// may have any order; every id must have one.
func ForTable(path string, ids []string, folds int) ([]uint8, error) {
	if !IsTable(path) {
		return Read(path, len(ids), folds)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the folds: %w", err)
	}
	defer f.Close()
	return readTable(path, f, ids, folds)
}

// IsTable reports whether ForTable reads path as a table.
func IsTable(path string) bool { return strings.EqualFold(filepath.Ext(path), ".csv") }

// foldNames lists the names of a column of folds.
var foldNames = []string{"fold", "folds", "kfold"}

func readTable(name string, r io.Reader, ids []string, folds int) ([]uint8, error) {
	records := input.NewRecords(name, r)
	header, err := records.Header()
	if err != nil {
		return nil, err
	}
	column, err := foldColumn(name, header)
	if err != nil {
		return nil, err
	}
	t := newTable(name, ids, folds)
	for {
		record, line, err := records.Next()
		if errors.Is(err, io.EOF) {
			return t.all, t.complete(ids)
		}
		if err == nil {
			err = t.add(record, line, column)
		}
		if err != nil {
			return nil, err
		}
	}
}

// foldColumn returns the number of the column of folds: the one called so, or the second
// of two.
func foldColumn(name string, header []string) (int, error) {
	column := slices.IndexFunc(header, func(h string) bool {
		return slices.Contains(foldNames, strings.ToLower(strings.TrimSpace(h)))
	})
	if column < 0 && len(header) == 2 {
		column = 1
	}
	if column < 0 {
		return 0, fmt.Errorf("%s:1: no column is called fold; there are %s", name, say.Some(header, 10))
	}
	return column, nil
}

// table collects the folds of a table's rows.
type table struct {
	name  string
	folds int
	rows  map[string]int // the row of each id
	id    int            // the column of ids, or -1 before the first record
	all   []uint8
	lines []int // where each row's fold is, or 0
}

func newTable(name string, ids []string, folds int) *table {
	t := &table{name: name, folds: folds, rows: make(map[string]int, len(ids)), id: -1, all: make([]uint8, len(ids)), lines: make([]int, len(ids))}
	for row, id := range ids {
		t.rows[id] = row
	}
	return t
}

// add takes the fold in a column of a record. The first record tells the column of ids.
func (t *table) add(record []string, line, column int) error {
	if t.id < 0 {
		t.id = slices.IndexFunc(record, func(cell string) bool { _, ok := t.rows[cell]; return ok })
	}
	if t.id < 0 {
		return fmt.Errorf("%s:%d: none of %s is an id of the table", t.name, line, say.Some(record, 10))
	}
	id := record[t.id]
	row, ok := t.rows[id]
	if !ok {
		return nil // of another table that was divided together with this one
	}
	if t.lines[row] > 0 {
		return fmt.Errorf("%s:%d: the id %q is there already, on line %d", t.name, line, id, t.lines[row])
	}
	v, err := strconv.ParseInt(strings.TrimSpace(record[column]), 10, 64)
	if err != nil {
		return fmt.Errorf("%s:%d: the fold %q is not a whole number", t.name, line, record[column])
	}
	if err := check(v, t.folds); err != nil {
		return fmt.Errorf("%s:%d: %q is %w", t.name, line, id, err)
	}
	t.all[row], t.lines[row] = uint8(v), line
	return nil
}

// complete returns an error if a row has no fold.
func (t *table) complete(ids []string) error {
	if row := slices.Index(t.lines, 0); row >= 0 {
		return fmt.Errorf("%s: there is no fold of %q", t.name, ids[row])
	}
	return nil
}
