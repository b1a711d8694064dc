package command

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/deploy-kernel/deploy-kernel/internal/hint"

	"github.com/deploy-kernel/deploy-kernel/blend/oof"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/internal/datafolder"
	"github.com/spf13/cobra"
)

// dataFlags say where labels and folds are.
type dataFlags struct{ data, labels, folds string }

func (f *dataFlags) add(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVar(&f.data, "data", "", "the `FOLDER` of train.csv and folds.npy (default: that of the predictions, the one above it, else the first of ., data, ../input, /kaggle/input that has it)")
	fs.StringVar(&f.labels, "labels", "", "the table of labels, a `FILE` (default: train.csv)")
	fs.StringVar(&f.folds, "folds", "", "the folds of its rows, a `FILE` (default: folds.npy)")
}

// truth reads labels and folds; predictions is the folder of the predictions.
func (f *dataFlags) truth(predictions string) (*oof.Truth, error) {
	labels, err := f.locate(f.labels, oof.LabelsFile, "labels", predictions)
	if err != nil {
		return nil, err
	}
	folds, err := f.locate(f.folds, oof.FoldsFile, "folds", predictions)
	if err != nil {
		return nil, err
	}
	return oof.ReadTruth(labels, folds)
}

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

// named opens the predictions of the models of which paths name one each.
func (f *dataFlags) named(paths []string) (*oof.Set, error) {
	truth, err := f.truth(filepath.Dir(paths[0]))
	if err != nil {
		return nil, err
	}
	models, err := oof.FindAll(paths, truth.Folds)
	if err != nil {
		return nil, err
	}
	return oof.Open(truth, models)
}

// withProgress shows the progress of reading a set's files, which do tells in
// values.
func withProgress(cmd *cobra.Command, set *oof.Set, do func(ctx context.Context, done func(values int)) error) error {
	values := int64(len(set.Labels)) * int64(set.Classes) * int64(len(set.Models))
	progress := cli.NewProgress(cmd, "reading", set.Bytes, cli.Bytes)
	defer progress.Close()
	return do(cmd.Context(), func(n int) { progress.Add(int64(float64(n) / float64(values) * float64(set.Bytes))) })
}
