package oof

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/artifact/foldfile"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
)

// Truth is the table of labels with the fold of each row.
type Truth struct {
	Table *input.Table
	// Folds is the number of folds.
	Folds int
	// Rows holds the row numbers of each fold, in the order of the table.
	Rows [][]int

	path string // of the fold file
}

// The usual names of the files that [ReadTruth] reads.
const (
	LabelsFile = "train.csv"
	FoldsFile  = "folds.npy"
)

// Locate returns the path of the file called name in the first folder that has it.
func Locate(name string, folders []string) (string, error) {
	for _, f := range folders {
		path := filepath.Join(f, name)
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			return path, nil
		}
	}
	return "", fmt.Errorf("there is no %s in %s", name, strings.Join(folders, ", "))
}

// ReadTruth reads the table of labels and the folds. It leaves out rows that no fold
// holds out, such as pseudo-labels.
func ReadTruth(labels, folds string) (*Truth, error) {
	table, err := input.ReadTableFile(labels)
	if err != nil {
		return nil, err
	}
	numbers, err := foldfile.Read(folds, len(table.Rows), 0)
	if err != nil {
		return nil, err
	}
	t := &Truth{Table: table, path: folds}
	for i, fold := range numbers {
		if fold == foldfile.Always {
			continue // it has no out-of-fold predictions
		}
		for int(fold) >= len(t.Rows) {
			t.Rows = append(t.Rows, nil)
		}
		t.Rows[fold] = append(t.Rows[fold], i)
	}
	t.Folds = len(t.Rows)
	for fold, rows := range t.Rows {
		if len(rows) == 0 {
			return nil, fmt.Errorf("%s: fold %d has no rows, but fold %d has some", folds, fold, t.Folds-1)
		}
	}
	if t.Folds == 0 {
		return nil, hint.New(fmt.Errorf("%s: the table has no rows", labels), "name another table by --labels")
	}
	return t, nil
}
