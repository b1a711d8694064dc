package blend_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/blend"
	"github.com/deploy-kernel/deploy-kernel/blend/internal/world"
	"github.com/deploy-kernel/deploy-kernel/blend/problem"
	"github.com/deploy-kernel/deploy-kernel/metric"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
)

// Equal coefficients, single models and a grid never beat the fitted coefficients. By the
// definition of the metric, the ensemble has the score that the fit reports.
func TestEveryMetricIsFitted(t *testing.T) {
	for _, kind := range []task.Task{task.Multilabel, task.Multiclass, task.Regression, task.Ordinal} {
		for _, name := range metric.Fitting(kind) {
			t.Run(fmt.Sprintf("%s/%s", kind, name), func(t *testing.T) {
				t.Parallel()
				for seed := range uint64(2) {
					m := metric.Metric{Name: name}
					w, r := fit(t, kind, m, seed)
					checkGrid(t, r)
					checkEnsemble(t, w, m, r)
				}
			})
		}
	}
}

// fit fits a small random problem of three models.
func fit(t *testing.T, kind task.Task, m metric.Metric, seed uint64) (*world.World, *blend.Result) {
	t.Helper()
	classes := 4
	if kind == task.Regression {
		classes = 1
	}
	w := world.Random(kind, classes, 24, 3, seed)
	if kind == task.Multilabel && m.Decides() {
		for _, p := range w.Predictions {
			for i := range p {
				p[i] -= 0.4 // the threshold
			}
		}
	}
	set, err := w.Write(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	r, err := blend.Fit(context.Background(), set, blend.Options{Metric: m})
	if err != nil {
		t.Fatal(err)
	}
	return w, r
}

func checkGrid(t *testing.T, r *blend.Result) {
	t.Helper()
	try := func(what string, point ...float64) {
		if s := r.Problem.Score(problem.Scaled(point, 3)); s > r.Search.Score+1e-9 {
			t.Errorf("%s %v scores %v, but %v, said to be best, %v", what, point, s, r.Search.Point, r.Search.Score)
		}
	}
	try("equal", 1, 1, 1)
	try("single", 1, 0, 0)
	try("single", 0, 1, 0)
	try("single", 0, 0, 1)
	const steps = 60
	for i := range steps + 1 {
		for k := range steps + 1 - i {
			try("grid", float64(i)*(1+6e-5), float64(k)*(1+3e-5), float64(steps-i-k))
		}
	}
}

func checkEnsemble(t *testing.T, w *world.World, m metric.Metric, r *blend.Result) {
	t.Helper()
	got := m.Score(w.Rows(r.Search.Point), metric.Decision{Bounds: r.Ensemble.GradeBounds})
	if want := m.Gain(r.Score); got < want-1e-6 || got > want+1e-6 {
		t.Errorf("the ensemble scores %v, said to be %v", got, want)
	}
	if named := r.Ensemble.Metric == m; named == (w.Task == task.Multilabel && m.Name == metric.FBeta) {
		t.Errorf("the ensemble names %v", r.Ensemble.Metric)
	}
	if graded := w.Task == task.Ordinal || w.Task == task.Regression; (r.Ensemble.GradeBounds != nil) != (graded && m.Decides()) {
		t.Errorf("bounds %v", r.Ensemble.GradeBounds)
	}
	if r.Report.HeldOut > r.Score+0.5 || len(r.Report.Models) != 3 {
		t.Errorf("held out %v", r.Report.HeldOut)
	}
}

func TestTheDefaultIsTheMetricOfTheTask(t *testing.T) {
	w := world.Random(task.Ordinal, 4, 24, 2, 1)
	set, err := w.Write(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	r, err := blend.Fit(context.Background(), set, blend.Options{})
	if err != nil || r.Ensemble.Metric.Name != metric.QuadraticKappa {
		t.Fatalf("%+v, %v", r.Ensemble, err)
	}
	path, err := r.WriteFile(t.TempDir() + "/best")
	if err != nil || !strings.Contains(path, fmt.Sprintf("best_val_%.4f.yml", r.Score)) {
		t.Errorf("%s, %v", path, err)
	}
}
