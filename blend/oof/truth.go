package oof

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/artifact/foldfile"
	"github.com/deploy-kernel/deploy-kernel/artifact/labeltable"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
)

// Truth is the table of labels with the fold of each row.
type Truth struct {
	Task  task.Task
	Table *labeltable.Table
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

// ReadTruth reads the table of labels and the folds. The options say how to read the
// table; the zero value means a multilabel one. ReadTruth leaves out rows that no fold
// holds out, such as pseudo-labels.
func ReadTruth(labels, folds string, o labeltable.Options) (*Truth, error) {
	table, err := labeltable.Open(labels, o)
	if err != nil {
		return nil, err
	}
	numbers, err := foldfile.ForTable(folds, table.IDs, 0)
	if err != nil {
		return nil, err
	}
	t := &Truth{Task: o.Task, Table: table, path: folds}
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
