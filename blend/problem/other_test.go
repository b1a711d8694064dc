package problem_test

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/blend/internal/world"
	"github.com/deploy-kernel/deploy-kernel/blend/problem"
	"github.com/deploy-kernel/deploy-kernel/blend/search"
	"github.com/deploy-kernel/deploy-kernel/metric"
	"pgregory.net/rapid"
)

// probabilities draws a world whose predictions are probabilities, mostly small,
// minus a threshold of 0.25.
func probabilities(t *rapid.T) *world.World {
	w := &world.World{Classes: rapid.IntRange(2, 12).Draw(t, "classes")}
	r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	rows := rapid.IntRange(2, 30).Draw(t, "rows")
	for i := range rows {
		w.Folds = append(w.Folds, uint8(i%2))
		w.Labels = append(w.Labels, r.Perm(w.Classes)[:min(w.Classes, r.IntN(3))])
	}
	for range rapid.IntRange(1, 4).Draw(t, "models") {
		p := make([]float32, rows*w.Classes)
		for i := range p {
			p[i] = float32(math.Pow(r.Float64(), 6)) - 0.25
		}
		w.Predictions = append(w.Predictions, p)
	}
	return w
}

// shifted returns the blend with its values plus by, not only its signs.
func shifted(w *world.World, point []float64, by float64) metric.Rows {
	y := w.Blend(point)
	i := 0
	for _, r := range w.Order() {
		for c := range w.Classes {
			sum := by
			for m, p := range w.Predictions {
				sum += point[m] * float64(p[r*w.Classes+c])
			}
			y.Scores[i] = float32(sum)
			i++
		}
	}
	return y
}

// checkRows checks a problem against the definition of its score, as a whole and by
// fold, and its lines against points on them.
func checkRows(t *rapid.T, p problem.Rows, define func(point []float64) float64, tolerance float64) {
	t.Helper()
	_, fitted := p.(*problem.Graded) // its bounds are fitted to the rows that are scored
	u, v := world.DrawPoint(t, p.Models(), problem.Options{}), world.DrawPoint(t, p.Models(), problem.Options{})
	for _, point := range [][]float64{u, v} {
		if got, want := p.Score(point), define(point); math.Abs(got-want) > tolerance {
			t.Fatalf("score %v, by definition %v", got, want)
		}
		all := make([]int, p.FoldStarts()[p.Folds()])
		for i := range all {
			all[i] = 1
		}
		if got := p.Outcome(point).Score(all); math.Abs(got-p.Score(point)) > 1e-9 {
			t.Fatalf("the rows come to %v, the score is %v", got, p.Score(point))
		}
		for f := range p.Folds() {
			times := make([]int, len(all))
			for i := p.FoldStarts()[f]; i < p.FoldStarts()[f+1]; i++ {
				times[i] = 3
			}
			if got, want := p.Outcome(point).Score(times), p.Select(f).Score(point); !fitted && math.Abs(got-want) > 1e-9 {
				t.Fatalf("the rows of fold %d come to %v, its score is %v", f, got, want)
			}
		}
		if points := [][]float64{point, point}; p.Folds() == 2 && !fitted {
			if got := p.Outcome(points...).Score(all); math.Abs(got-p.Score(point)) > 1e-9 {
				t.Fatalf("folds at one point come to %v, the score is %v", got, p.Score(point))
			}
		}
	}
	if n := p.Models(); n > 1 {
		zero := append([]float64{}, u...)
		zero[n-1] = 0
		if rest := zero[:n-1]; problem.Admissible(rest, n-1, 0) {
			if got, want := p.Drop(n-1).Score(problem.Scaled(rest, n-1)), p.Score(problem.Scaled(zero, n)); math.Abs(got-want) > 1e-12 {
				t.Fatalf("without the last model %v, with weight 0 %v", got, want)
			}
		}
	}
	if fitted {
		checkGradedLine(t, p, u, v)
		return
	}
	best := p.Line(u, v)
	if got := p.Score(problem.Between(u, v, best.At)); math.Abs(got-best.Score) > 1e-9 {
		t.Fatalf("%v at %v, counted anew %v", best.Score, best.At, got)
	}
	for i := range 102 {
		at := min(max(0, (float64(i)-0.618)/100), 1)
		if got := p.Score(problem.Between(u, v, at)); got > best.Score+1e-9 {
			t.Fatalf("%v at %v, but %v at %v, said to be best", got, at, best.Score, best.At)
		}
	}
}

func TestAccuracyMatchesItsDefinition(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		w := probabilities(t)
		set, err := w.Write(dir)
		if err != nil {
			t.Fatal(err)
		}
		p, err := problem.ReadArgmax(context.Background(), set, metric.Metric{Name: metric.Accuracy}, nil)
		if err != nil {
			t.Fatal(err)
		}
		checkRows(t, p, func(point []float64) float64 { return shifted(w, point, 0).Accuracy() }, 1e-12)
	})
}

// logLoss draws a problem of the log loss.
func logLoss(t *rapid.T, dir string) (*world.World, *problem.LogLoss) {
	w := probabilities(t)
	set, err := w.Write(dir)
	if err != nil {
		t.Fatal(err)
	}
	thresholds := make([][]float64, len(w.Predictions))
	for i := range thresholds {
		thresholds[i] = []float64{0.25, 0.25}
	}
	p, err := problem.ReadLogLoss(context.Background(), set, thresholds, nil)
	if err != nil {
		t.Fatal(err)
	}
	return w, p
}

// Newton's steps lead to the optimum.
func TestNoCoefficientsBeatNewtonsSteps(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		_, p := logLoss(t, dir)
		found, err := search.Run(context.Background(), p, search.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if !problem.Admissible(found.Point, p.Models(), 0) {
			t.Fatalf("found %v", found.Point)
		}
		for range 20 {
			other := world.DrawPoint(t, p.Models(), problem.Options{})
			// A line through the optimum finds nothing better either.
			if best := p.Line(found.Point, other); best.Score > found.Score+1e-8 || p.Score(other) > found.Score+1e-8 {
				t.Fatalf("%v scores %v, %v on the line to it; found %v at %v", other, p.Score(other), best.Score, found.Score, found.Point)
			}
		}
	})
}

func TestLogLossMatchesItsDefinition(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		w, p := logLoss(t, dir)
		if p.Error() > 2e-6 {
			t.Fatalf("an error of up to %v", p.Error())
		}
		clipped := &world.World{Folds: w.Folds, Labels: w.Labels, Classes: w.Classes}
		for _, p := range w.Predictions {
			p = slices.Clone(p)
			for i, v := range p {
				p[i] = float32(min(max(float64(v)+0.25, metric.Clip), 1-metric.Clip))
			}
			clipped.Predictions = append(clipped.Predictions, p)
		}
		// The definition takes float32s.
		checkRows(t, p, func(point []float64) float64 { return -shifted(clipped, point, 0).LogLoss() }, p.Error()+1e-5)
	})
}
