// Package foldfile reads and writes fold files: .npy arrays with one number per row
// of a table, the fold that holds the row out. It writes uint8. It reads whole
// numbers of any type, as NumPy and pandas make them.
//
//	folds, err := foldfile.Read("folds.npy", len(table.Rows), 5)
//	folds, err = foldfile.ForTable("folds.csv", table.IDs(), 5)
//
// ForTable also reads tables of ids and folds, such as a training table with a column
// fold.
package foldfile

import (
	"bytes"
	"fmt"
	"os"

	"github.com/deploy-kernel/deploy-kernel/runtime/atomicfile"
	"github.com/deploy-kernel/deploy-kernel/runtime/npy"
)

// Always marks a row that no fold holds out.
const Always = 255

// Read reads the folds of a table with the given number of rows. It refuses folds
// from folds on, except Always; with folds 0 it accepts any.
func Read(path string, rows, folds int) ([]uint8, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the folds: %w", err)
	}
	defer f.Close()
	data, shape, err := npy.ReadInts(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(shape) != 1 && (len(shape) != 2 || shape[1] != 1) {
		return nil, fmt.Errorf("%s: an array of shape %v; the folds are one number per row", path, shape)
	}
	if len(data) != rows {
		return nil, fmt.Errorf("%s has the folds of %d rows, but the table has %d: it belongs to another table", path, len(data), rows)
	}
	out := make([]uint8, len(data))
	for row, v := range data {
		if err := check(v, folds); err != nil {
			return nil, fmt.Errorf("%s: row %d is %w", path, row+1, err)
		}
		out[row] = uint8(v)
	}
	return out, nil
}

// check refuses a number that is no fold.
func check(v int64, folds int) error {
	switch {
	case v < 0 || v > Always:
		return fmt.Errorf("in fold %d; folds are 0 to %d, and %d is for rows that no fold holds out", v, Always-1, Always)
	case folds > 0 && v >= int64(folds) && v != Always:
		return fmt.Errorf("in fold %d, but model.num_folds is %d", v, folds)
	}
	return nil
}

// Write writes a fold file, whole or not at all.
func Write(path string, folds []uint8) error {
	var b bytes.Buffer
	if err := npy.WriteUint8(&b, []int{len(folds)}, folds); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return atomicfile.WriteFile(path, b.Bytes())
}
