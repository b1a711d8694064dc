package command

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/deploy-kernel/deploy-kernel/artifact/predictionspec"
	"github.com/deploy-kernel/deploy-kernel/blend"
	"github.com/deploy-kernel/deploy-kernel/blend/oof"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/internal/datafolder"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
	"github.com/spf13/cobra"
)

// dataFlags say where the labels and the folds are.
type dataFlags struct{ data, labels, folds string }

func (f *dataFlags) add(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVar(&f.data, "data", "", "`FOLDER` of train.csv and folds.npy (default: the folder of the predictions or the one above it, else the first of ., data, ../input, /kaggle/input that has them)")
	fs.StringVar(&f.labels, "labels", "", "table of labels, a `FILE` (default: train.csv)")
	fs.StringVar(&f.folds, "folds", "", "folds of its rows, a `FILE` (default: folds.npy)")
}

// files returns the paths of the labels and the folds; predictions is the folder of
// the predictions.
func (f *dataFlags) files(predictions string) (labels, folds string, err error) {
	if labels, err = f.locate(f.labels, oof.LabelsFile, "labels", predictions); err != nil {
		return "", "", err
	}
	folds, err = f.locate(f.folds, oof.FoldsFile, "folds", predictions)
	return labels, folds, err
}

// truth reads the labels and the folds of models that spec describes. predictions is
// the folder of their predictions.
func (f *dataFlags) truth(predictions string, spec *predictionspec.Spec) (*oof.Truth, error) {
	labels, folds, err := f.files(predictions)
	if err != nil {
		return nil, err
	}
	return oof.ReadTruth(labels, folds, spec.LabelOptions())
}

// locate returns the path of a file: the one given by a flag, or the first found.
func (f *dataFlags) locate(given, name, flag, predictions string) (string, error) {
	if given != "" {
		return given, nil
	}
	beside := []string{predictions, filepath.Join(predictions, "..")}
	if f.data != "" {
		beside = []string{f.data}
	}
	path, err := oof.Locate(name, beside)
	if err != nil && f.data == "" {
		if found, ok := datafolder.Find("", name); ok {
			return found, nil
		}
		err = fmt.Errorf("there is no %s in %s", name, datafolder.Searched("", beside...))
	}
	return path, hint.New(err, "name the folder that has it by --data, or the file by --%s", flag)
}

// open opens the predictions of the models of which paths name one file each.
func (f *dataFlags) open(paths []string, spec *predictionspec.Spec) (*oof.Set, error) {
	labels, folds, err := f.files(filepath.Dir(paths[0]))
	if err != nil {
		return nil, err
	}
	return blend.Open(labels, folds, spec, paths...)
}

// withProgress shows the progress of reading a set's files. do reports the values that
// it has read.
func withProgress(cmd *cobra.Command, set *oof.Set, do func(ctx context.Context, done func(values int)) error) error {
	progress, done := readProgress(cmd, set)
	defer progress.Close()
	return do(cmd.Context(), func(values int) { done(int64(values)) })
}

// readProgress shows how many bytes of a set's files were read; done converts values
// to bytes, as an element may take 2, 4 or 8.
func readProgress(cmd *cobra.Command, set *oof.Set) (progress *cli.Progress, done func(values int64)) {
	total := int64(len(set.Truth.Table.IDs)) * int64(set.Columns) * int64(len(set.Models))
	progress = cli.NewProgress(cmd, "reading", set.Bytes, cli.Bytes)
	return progress, func(values int64) { progress.Add(int64(float64(values) / float64(total) * float64(set.Bytes))) }
}

// columnNoun returns what a column of a set's predictions is.
func columnNoun(set *oof.Set) string {
	switch set.Task {
	case task.Regression:
		return "target"
	case task.Ordinal:
		return "value"
	}
	return "class"
}
