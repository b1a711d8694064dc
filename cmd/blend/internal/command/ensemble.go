package command

import (
	"fmt"
	"path/filepath"

	"github.com/deploy-kernel/deploy-kernel/artifact/ensemblefile"
	"github.com/deploy-kernel/deploy-kernel/blend/oof"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/spf13/cobra"
)

// ensembleFlags say where the predictions of an ensemble file are.
type ensembleFlags struct {
	data        dataFlags
	predictions string
}

func (f *ensembleFlags) add(cmd *cobra.Command) {
	f.data.add(cmd)
	cmd.Flags().StringVar(&f.predictions, "predictions", "", "`FOLDER` of the level1_train_*.npy (default: the folder of the ensemble, else ./models)")
}

// blended is an ensemble with its predictions.
type blended struct {
	set *oof.Set
	mix oof.Mix
}

// open reads an ensemble file and opens its predictions.
func (f *ensembleFlags) open(path string) (*blended, error) {
	e, err := ensemblefile.ReadFile(path)
	if err != nil {
		return nil, err
	}
	folder, err := f.folder(path, e.Members[0].Predicts[0])
	if err != nil {
		return nil, err
	}
	truth, err := f.data.truth(folder)
	if err != nil {
		return nil, err
	}
	models, coefficients, err := oof.Members(e.Members, folder, truth.Folds)
	if err != nil {
		return nil, err
	}
	set, err := oof.Open(truth, models)
	if err != nil {
		return nil, err
	}
	b := &blended{set: set, mix: oof.Mix{Coefficients: coefficients}}
	for _, m := range e.Members {
		b.mix.Offsets = append(b.mix.Offsets, m.Offset)
	}
	if b.mix.ClassOffsets, err = e.Offsets(set.Classes); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return b, nil
}

// folder returns the folder of the predictions, in which there is a file called
// first.
func (f *ensembleFlags) folder(ensemble, first string) (string, error) {
	if f.predictions != "" {
		return f.predictions, nil
	}
	path, err := oof.Locate(first, []string{filepath.Dir(ensemble), "models"})
	return filepath.Dir(path), hint.New(err, "name the folder of the predictions by --predictions")
}
