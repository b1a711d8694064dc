package command

import (
	"fmt"
	"path/filepath"

	"github.com/deploy-kernel/deploy-kernel/artifact/ensemblefile"
	"github.com/deploy-kernel/deploy-kernel/blend/oof"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/internal/say"
	"github.com/deploy-kernel/deploy-kernel/metric"
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
	set    *oof.Set
	mix    oof.Mix
	metric metric.Metric // that the ensemble was fitted to
	bounds []float64     // of grades
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
	var files []string
	for _, m := range e.Members {
		files = append(files, filepath.Join(folder, filepath.Base(m.Predicts[0])))
	}
	spec, err := oof.ReadSpec(files)
	if err != nil {
		return nil, err
	}
	truth, err := f.data.truth(folder, spec)
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
	b := &blended{set: set, mix: oof.Mix{Coefficients: coefficients}, metric: e.Metric, bounds: e.GradeBounds}
	if e.Metric.Name == "" {
		b.metric = metric.Metric{Name: metric.FBeta}
	}
	if err := b.metric.Check(set.Task); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, m := range e.Members {
		b.mix.Offsets = append(b.mix.Offsets, m.Offset)
	}
	if b.mix.ClassOffsets, err = e.Offsets(set.Columns); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return b, nil
}

// plain returns the mix for the predictions of a fold without thresholds: probabilities
// or values. thresholds holds what was subtracted, by model and fold.
func (b *blended) plain(thresholds [][]float64, fold int) (oof.Mix, error) {
	mix := oof.Mix{Offsets: make([]float64, len(thresholds))}
	sum := 0.0
	for _, w := range b.mix.Coefficients {
		sum += w
	}
	if sum <= 0 {
		return mix, fmt.Errorf("the weights sum to %s; the sum must be above 0", say.Number(sum))
	}
	for i, w := range b.mix.Coefficients {
		mix.Coefficients = append(mix.Coefficients, w/sum)
		mix.Offsets[i] = -thresholds[i][fold]
	}
	return mix, nil
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
