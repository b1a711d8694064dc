package problem_test

import (
	"context"
	"math"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/blend"
	"github.com/deploy-kernel/deploy-kernel/blend/internal/world"
	"github.com/deploy-kernel/deploy-kernel/blend/problem"
	"github.com/deploy-kernel/deploy-kernel/metric"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
	"pgregory.net/rapid"
)

// Every problem scores points, folds and samples as package metric does, and no point
// of a line beats the best.
func TestEveryProblemMatchesItsDefinition(t *testing.T) {
	for _, kind := range []task.Task{task.Multilabel, task.Multiclass, task.Regression, task.Ordinal} {
		t.Run(kind.String(), func(t *testing.T) {
			dir := t.TempDir()
			rapid.Check(t, func(t *rapid.T) {
				w := world.DrawTask(t, kind, 14, 4)
				m := metric.Metric{Name: rapid.SampledFrom(metric.Fitting(kind)).Draw(t, "metric")}
				if m.Name == metric.QuadraticKappa && kind == task.Regression && w.Classes > 1 {
					t.Skip("grades are of one target")
				}
				set, err := w.Write(dir)
				if err != nil {
					t.Fatal(err)
				}
				p, err := blend.Read(context.Background(), set, blend.Options{Metric: m})
				if err != nil {
					t.Fatal(err)
				}
				tolerance := 1e-12
				if m.Lower() {
					tolerance = 1e-5 // the definition takes float32s
				}
				checkRows(t, p, func(point []float64) float64 {
					y := w.Rows(point)
					if m.Decides() && kind == task.Multilabel && m.Name != metric.Accuracy {
						return m.Score(y, metric.Decision{}) // probabilities, so every label is given
					}
					_, score := m.Fit(y)
					return m.Gain(score)
				}, tolerance)
			})
		})
	}
}

// A line on which too many rows pass each other is sampled, and searched exactly around
// the best place.
func TestASampledLineIsNearTheBest(t *testing.T) {
	for _, name := range []string{metric.ROCAUC, metric.AveragePrecision, metric.PartialAUC} {
		w := world.Random(task.Multilabel, 2, 6000, 2, 3)
		set, err := w.Write(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		p, err := blend.Read(context.Background(), set, blend.Options{Metric: metric.Metric{Name: name}})
		if err != nil {
			t.Fatal(err)
		}
		u, v := []float64{1, 0}, []float64{0, 1}
		best := p.Line(u, v)
		if got := p.Score(problem.Between(u, v, best.At)); got != best.Score {
			t.Errorf("%s: %v at %v, said to be %v", name, got, best.At, best.Score)
		}
		for i := range 41 {
			if got := p.Score(problem.Between(u, v, float64(i)/40)); got > best.Score+5e-4 {
				t.Errorf("%s: %v at %v, but %v at %v, said to be best", name, got, float64(i)/40, best.Score, best.At)
			}
		}
	}
}

// The reported score of a line of grades is right, and no worse than those of its ends.
func checkGradedLine(t *rapid.T, p problem.Rows, u, v []float64) {
	t.Helper()
	best := p.Line(u, v)
	if got := p.Score(problem.Between(u, v, best.At)); math.Abs(got-best.Score) > 1e-12 {
		t.Fatalf("%v at %v, counted anew %v", best.Score, best.At, got)
	}
	for i := range 9 {
		if got := p.Score(problem.Between(u, v, float64(i)/8)); got > best.Score+1e-12 {
			t.Fatalf("%v at %v, but %v at %v", got, float64(i)/8, best.Score, best.At)
		}
	}
}
