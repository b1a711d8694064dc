package problem_test

import (
	"context"
	"math"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/blend/internal/world"
	"github.com/deploy-kernel/deploy-kernel/blend/problem"
	"pgregory.net/rapid"
)

func near(a, b float64) bool { return math.Abs(a-b) < 1e-9 }

// A pruned problem scores every point as all predictions do, and so does each fold.
func TestPruningKeepsTheScore(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		w, o := world.Draw(t, 20, 5)
		set, err := w.Write(dir)
		if err != nil {
			t.Fatal(err)
		}
		p, err := problem.ReadSign(context.Background(), set, o, nil)
		if err != nil {
			t.Fatal(err)
		}
		point := world.DrawPoint(t, p.Models(), o)
		if got, want := p.Score(point), w.Score(point, o); !near(got, want) {
			t.Fatalf("score %v, by definition %v", got, want)
		}
		fold := int(w.Folds[len(w.Folds)-1])
		part := *w
		part.Labels, part.Folds, part.Predictions = nil, nil, make([][]float32, p.Models())
		for i, f := range w.Folds {
			if int(f) == fold {
				part.Labels, part.Folds = append(part.Labels, w.Labels[i]), append(part.Folds, 0)
				for m, v := range w.Predictions {
					part.Predictions[m] = append(part.Predictions[m], v[i*w.Classes:(i+1)*w.Classes]...)
				}
			}
		}
		if got, want := p.Select(fold).Score(point), part.Score(point, o); !near(got, want) {
			t.Fatalf("fold %d scores %v, by definition %v", fold, got, want)
		}
	})
}

// The best point of a line lies on it and has the score reported. No other point of
// the line beats it.
func TestNoPointOfALineBeatsTheBest(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		w, o := world.Draw(t, 20, 5)
		set, err := w.Write(dir)
		if err != nil {
			t.Fatal(err)
		}
		p, err := problem.ReadSign(context.Background(), set, o, nil)
		if err != nil {
			t.Fatal(err)
		}
		u, v := world.DrawPoint(t, p.Models(), o), world.DrawPoint(t, p.Models(), o)
		best := p.Line(u, v)
		if best.At < 0 || best.At > 1 {
			t.Fatalf("the best point is at %v", best.At)
		}
		if got := p.Score(problem.Between(u, v, best.At)); !near(got, best.Score) {
			t.Fatalf("%v at %v, counted anew %v", best.Score, best.At, got)
		}
		for i := range 202 {
			// No round numbers, see world.DrawPoint, but the ends.
			at := min(max(0, (float64(i)-0.618)/200), 1)
			if got := p.Score(problem.Between(u, v, at)); got > best.Score+1e-9 {
				t.Fatalf("%v at %v, but %v at %v, said to be best", got, at, best.Score, best.At)
			}
		}
	})
}

// A problem of the points around a center scores them as the whole problem does.
func TestARegionScoresAsTheWholeProblem(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		w, o := world.Draw(t, 20, 5)
		set, err := w.Write(dir)
		if err != nil {
			t.Fatal(err)
		}
		p, err := problem.ReadSign(context.Background(), set, o, nil)
		if err != nil {
			t.Fatal(err)
		}
		center, radius := world.DrawPoint(t, p.Models(), o), rapid.Float64Range(0.001, 1).Draw(t, "radius")
		region := p.Around(center, radius)
		if left, all := region.(*problem.Sign).Entries(), p.Entries(); left > all {
			t.Fatalf("%d of %d entries are left", left, all)
		}
		u, v := world.DrawPoint(t, p.Models(), o), world.DrawPoint(t, p.Models(), o)
		place := func(q []float64) []float64 { return problem.Between(center, q, radius) }
		for _, q := range [][]float64{center, u, v} {
			if got, want := region.Score(q), p.Score(place(q)); !near(got, want) {
				t.Fatalf("%v at %v, where the whole problem has %v", got, q, want)
			}
		}
		if got, want := region.Line(u, v), p.Line(place(u), place(v)); !near(got.Score, want.Score) {
			t.Fatalf("the best of a line is %v, in the whole problem %v", got, want)
		}
	})
}

func TestAdmissiblePoints(t *testing.T) {
	for _, c := range []struct {
		point []float64
		want  bool
	}{
		{[]float64{0.5, 0.5}, true},
		{[]float64{0, 2}, true},
		{[]float64{0, 0}, false},
		{[]float64{-0.1, 1}, false},
		{[]float64{math.NaN(), 1}, false},
		{[]float64{math.Inf(1), 1}, false},
		{[]float64{1, 1, 0.1}, true},
		{[]float64{1, 1, -0.3}, false},
	} {
		if got := problem.Admissible(c.point, 2, 0.25); got != c.want {
			t.Errorf("%v: %v", c.point, got)
		}
	}
}
