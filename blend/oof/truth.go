package oof

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/internal/hint"

	"github.com/deploy-kernel/deploy-kernel/artifact/foldfile"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
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
	return "", fmt.Errorf("there is no %s in %s", name, strings.Join(folders, ", "))
}

// ReadTruth reads the table of labels and the folds. Rows that no fold holds out,
// such as pseudo-labels, are left out.
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
			continue // nobody predicts it out of fold
		}
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
		return nil, hint.New(fmt.Errorf("%s: the table has no rows", labels), "name another table by --labels")
	}
	return t, nil
}
