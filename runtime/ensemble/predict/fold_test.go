package predict_test

import (
	"context"
	"errors"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/dev/ensembletest"
	"github.com/deploy-kernel/deploy-kernel/runtime/engine"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble/predict"
	"github.com/deploy-kernel/deploy-kernel/runtime/npy"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision/formats"
)

func TestAFoldAloneIsPredictedAsInAPlan(t *testing.T) {
	w := newWorld(t, 9)
	dir := t.TempDir()
	w.predict(t, func(o *predict.Options) { o.Predictions = dir })
	var paths []string
	for _, id := range w.IDs {
		paths = append(paths, w.Path("competitions/c/test/"+id+".png"))
	}
	for i := range w.Plan.Models {
		m := &w.Plan.Models[i]
		f := &m.Folds[0]
		done := 0
		got, err := predict.Fold(t.Context(), ensembletest.Tiny, m, f, ensembletest.WeightFile(t, ensembletest.Tiny, *m, f.Name), paths,
			predict.FoldOptions{Operations: engine.Operations(), Formats: formats.All(), Threads: 1, Batch: 3, Tell: func(n int) { done = n }})
		must(t, err)
		file, err := os.Open(dir + "/level1_test_" + f.Name + ".npy")
		must(t, err)
		want, _, err := npy.ReadFloat32(file)
		must(t, err)
		must(t, file.Close())
		if !slices.Equal(got, want) || done != len(paths) {
			t.Errorf("%s: other predictions than in a plan; %d images told of", f.Name, done)
		}
	}
}

func TestAFoldAloneRefusesImagesItCantRead(t *testing.T) {
	w := newWorld(t, 2)
	m := &w.Plan.Models[0]
	data := ensembletest.WeightFile(t, ensembletest.Tiny, *m, "x")
	broken := w.Path("broken.png")
	must(t, os.WriteFile(broken, []byte("\x89PNG\r\n\x1a\nno"), 0o644))
	_, err := predict.Fold(t.Context(), ensembletest.Tiny, m, &m.Folds[0], data, []string{broken}, predict.FoldOptions{Operations: engine.Operations(), Formats: formats.All()})
	if err == nil || !strings.Contains(err.Error(), "broken.png") {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := predict.Fold(ctx, ensembletest.Tiny, m, &m.Folds[0], data, []string{broken}, predict.FoldOptions{Operations: engine.Operations(), Formats: formats.All()}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestPredictionsFollowTheTask(t *testing.T) {
	w := newWorld(t, 3)
	var paths []string
	for _, id := range w.IDs {
		paths = append(paths, w.Path("competitions/c/test/"+id+".png"))
	}
	model := w.Plan.Models[0]
	model.Views = 1
	f := ensemble.Fold{Name: "f", Threshold: 0}
	data := ensembletest.WeightFile(t, ensembletest.Tiny, model, "f")
	predictions := func(kind task.Task, classes int) []float32 {
		m := model
		m.Task, m.Classes = kind, classes
		got, err := predict.Fold(t.Context(), ensembletest.Tiny, &m, &f, data, paths, predict.FoldOptions{Operations: engine.Operations(), Formats: formats.All()})
		must(t, err)
		return got
	}
	near := func(what string, got float32, want float64) {
		if math.Abs(float64(got)-want) > 1e-6 {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	const classes = ensembletest.Classes
	logits := predictions(task.Regression, classes)
	sigmoids, softmax := predictions(task.Multilabel, classes), predictions(task.Multiclass, classes)
	grades := predictions(task.Ordinal, classes+1) // one logit fewer than grades
	for i := range paths {
		mass, grade := 0.0, 0.0
		for c := range classes {
			mass += math.Exp(float64(logits[i*classes+c]))
		}
		for c := range classes {
			x := float64(logits[i*classes+c])
			near("sigmoid", sigmoids[i*classes+c], 1/(1+math.Exp(-x)))
			near("softmax", softmax[i*classes+c], math.Exp(x)/mass)
			grade += 1 / (1 + math.Exp(-x))
		}
		near("grade", grades[i], grade)
	}
}
