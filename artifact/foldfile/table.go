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
	column := slices.IndexFunc(header, func(h string) bool {
		return slices.Contains(foldNames, strings.ToLower(strings.TrimSpace(h)))
	})
	if column < 0 && len(header) == 2 {
		column = 1
	}
	if column < 0 {
		return nil, fmt.Errorf("%s:1: no column is called fold; there are %s", name, say.Some(header, 10))
	}
	rows := make(map[string]int, len(ids))
	for row, id := range ids {
		rows[id] = row
	}
	out, seen, id := make([]uint8, len(ids)), make([]int, len(ids)), -1
	for {
		record, line, err := records.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if id < 0 {
			id = slices.IndexFunc(record, func(cell string) bool { _, ok := rows[cell]; return ok })
		}
		if id < 0 {
			return nil, fmt.Errorf("%s:%d: none of %s is an id of the table", name, line, say.Some(record, 10))
		}
		row, ok := rows[record[id]]
		if !ok {
			continue // of another table that was divided together with this one
		}
		if seen[row] > 0 {
			return nil, fmt.Errorf("%s:%d: the id %q is there already, on line %d", name, line, record[id], seen[row])
		}
		v, err := strconv.ParseInt(strings.TrimSpace(record[column]), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: the fold %q is not a whole number", name, line, record[column])
		}
		if err := check(v, folds); err != nil {
			return nil, fmt.Errorf("%s:%d: %q is %w", name, line, record[id], err)
		}
		out[row], seen[row] = uint8(v), line
	}
	if row := slices.Index(seen, 0); row >= 0 {
		return nil, fmt.Errorf("%s: there is no fold of %q", name, ids[row])
	}
	return out, nil
}
