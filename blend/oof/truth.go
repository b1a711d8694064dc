package oof

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/deploy-kernel/deploy-kernel/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/runtime/npy"
)

// Truth is the table of labels and the fold of each of its rows.
type Truth struct {
	Table *input.Table
	// Folds is their number.
	Folds int
	// Rows are the row numbers of each fold, in the order of the table.
	Rows [][]int

	path string // of the folds
}

// LabelsFile and FoldsFile are the names under which the truth is looked for.
const (
	LabelsFile = "train.csv"
	FoldsFile  = "folds.npy"
)

// Locate returns the path of the file called name: in the first of the folders
// that has it.
func Locate(name string, folders []string) (string, error) {
	for _, f := range folders {
		path := filepath.Join(f, name)
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			return path, nil
		}
	}
	return "", fmt.Errorf("no %s in %q", name, folders)
}

// ReadTruth reads the table of labels and the folds.
func ReadTruth(labels, folds string) (*Truth, error) {
	table, err := input.ReadTableFile(labels)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(folds)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	numbers, shape, err := npy.ReadUint8(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", folds, err)
	}
	if len(shape) != 1 || len(numbers) != len(table.Rows) {
		return nil, fmt.Errorf("%s: the shape is %v, but %s has %d rows", folds, shape, labels, len(table.Rows))
	}
	t := &Truth{Table: table, path: folds}
	for i, fold := range numbers {
		for int(fold) >= len(t.Rows) {
			t.Rows = append(t.Rows, nil)
		}
		t.Rows[fold] = append(t.Rows[fold], i)
	}
	t.Folds = len(t.Rows)
	for fold, rows := range t.Rows {
		if len(rows) == 0 {
			return nil, fmt.Errorf("%s: fold %d has no rows, though there is a fold %d", folds, fold, t.Folds-1)
		}
	}
	if t.Folds == 0 {
		return nil, cli.Hint(fmt.Errorf("%s: the table has no rows", labels), "name another table by --labels")
	}
	return t, nil
}
