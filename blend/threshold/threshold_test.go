package threshold_test

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/blend/internal/world"
	"github.com/deploy-kernel/deploy-kernel/blend/problem"
	"github.com/deploy-kernel/deploy-kernel/blend/threshold"
	"github.com/deploy-kernel/deploy-kernel/metric"
	"pgregory.net/rapid"
)

// drawn is a small problem with its unpruned predictions.
type drawn struct {
	*threshold.Problem
	world   *world.World
	options problem.Options
	point   []float64
	folds   []int
}

func draw(t *rapid.T, dir string) *drawn {
	w, o := world.Draw(t, 20, 3)
	o.MaxOffset = 0.25
	d := &drawn{world: w, options: o, point: world.DrawPoint(t, len(w.Predictions), o)}
	for f := range slices.Max(w.Folds) + 1 {
		d.folds = append(d.folds, int(f))
	}
	d.read(t, dir)
	return d
}

func (d *drawn) read(t *rapid.T, dir string) {
	set, err := d.world.Write(dir)
	if err != nil {
		t.Fatal(err)
	}
	s, err := problem.ReadSign(context.Background(), set, d.options, nil)
	if err != nil {
		t.Fatal(err)
	}
	d.Problem = threshold.New(s, set, d.point)
}

// score returns the score by definition, on the rows of some folds.
func (d *drawn) score(thresholds []float64, folds ...int) float64 {
	y := metric.Rows{Classes: d.world.Classes}
	for r, labels := range d.world.Labels {
		if !slices.Contains(folds, int(d.world.Folds[r])) {
			continue
		}
		y.Labels = append(y.Labels, labels)
		for c := range y.Classes {
			given := float32(0)
			if d.value(r, c) > thresholds[c] {
				given = 1
			}
			y.Scores = append(y.Scores, given)
		}
	}
	if d.options.Micro {
		return y.MicroFBeta(0, d.options.Beta)
	}
	return y.FBeta(0, d.options.Beta)
}

// value returns the blended prediction of a row and a class.
func (d *drawn) value(r, c int) float64 {
	v := 0.0
	for m, p := range d.world.Predictions {
		v += d.point[m] * float64(p[r*d.world.Classes+c])
	}
	return v
}

// some returns thresholds without round numbers.
func (d *drawn) some(t *rapid.T) []float64 {
	r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "thresholds"), 0))
	list := make([]float64, d.world.Classes)
	for c := range list {
		list[c] = (2*r.Float64() - 1) * d.options.MaxOffset
	}
	return list
}

func near(a, b float64) bool { return math.Abs(a-b) < 1e-9 }

func TestScoreMatchesItsDefinition(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		d := draw(t, dir)
		thresholds := d.some(t)
		fold := rapid.SampledFrom(d.folds).Draw(t, "fold")
		for _, folds := range [][]int{d.folds, {fold}} {
			if got, want := d.Score(thresholds, folds...), d.score(thresholds, folds...); !near(got, want) {
				t.Fatalf("folds %v score %v, by definition %v", folds, got, want)
			}
		}
	})
}

// After a fit, no other threshold of a single class scores better on the rows it was
// fitted to. With one class, the fit is the optimum.
func TestNoThresholdOfAClassBeatsTheFit(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		d := draw(t, dir)
		folds := d.folds[:rapid.IntRange(1, len(d.folds)).Draw(t, "folds")]
		fitted := d.Fit(context.Background(), folds...)
		best := d.score(fitted, folds...)
		if before := d.score(d.Common(), folds...); best < before-1e-9 {
			t.Fatalf("the fit scores %v, the common threshold %v", best, before)
		}
		for c := range d.world.Classes {
			try := slices.Clone(fitted)
			for r := range d.world.Labels {
				for _, v := range []float64{d.value(r, c) - 1e-7, d.value(r, c) + 1e-7} {
					if math.Abs(v) > d.options.MaxOffset {
						continue
					}
					try[c] = v
					if got := d.score(try, folds...); got > best+1e-9 {
						t.Fatalf("class %d scores %v at %v, but the fit %v at %v", c, got, try[c], best, fitted[c])
					}
				}
			}
		}
	})
}

func TestShrinkageMovesTheFitToTheCommonThreshold(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		d := draw(t, dir)
		folds := d.folds[:rapid.IntRange(1, len(d.folds)).Draw(t, "folds")]
		fitted, common := d.Fit(context.Background(), folds...), d.Common()
		if got := d.Shrunk(fitted, math.Inf(1), folds...); !slices.Equal(got, common) {
			t.Fatalf("infinite shrinkage makes %v, the common thresholds are %v", got, common)
		}
		support := make([]int, d.world.Classes)
		for r, labels := range d.world.Labels {
			for _, c := range labels {
				if slices.Contains(folds, int(d.world.Folds[r])) {
					support[c]++
				}
			}
		}
		strengths := []float64{0, 1, 30, 1e6}
		before := make([]float64, d.world.Classes)
		for i, strength := range strengths {
			for c, v := range d.Shrunk(fitted, strength, folds...) {
				way := v - common[c]
				switch {
				case support[c] == 0 && way != 0:
					t.Fatalf("class %d, which no row has, moved by %v", c, way)
				case support[c] > 0 && i == 0 && !near(v, fitted[c]):
					t.Fatalf("class %d is at %v without shrinkage, was fitted to %v", c, v, fitted[c])
				case support[c] > 0 && !near(way*(float64(support[c])+strength), float64(support[c])*(fitted[c]-common[c])):
					t.Fatalf("class %d with %d rows goes %v at strength %v", c, support[c], way, strength)
				case i > 0 && math.Abs(way) > math.Abs(before[c])+1e-12:
					t.Fatalf("class %d goes %v at strength %v, %v at a lower one", c, way, strength, before[c])
				}
				before[c] = way
			}
		}
	})
}

// The thresholds that score a fold may not depend on its labels.
func TestLabelsOfTheHeldOutFoldChangeNothing(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		d := draw(t, dir)
		held := d.folds[len(d.folds)-1]
		others := d.folds[:held]
		find := func() ([]float64, float64) {
			strength := d.Choose(context.Background(), others...)
			return d.Shrunk(d.Fit(context.Background(), others...), strength, others...), strength
		}
		before, strength := find()
		if len(others) < 2 && !math.IsInf(strength, 1) {
			t.Fatalf("%d folds choose a strength of %v", len(others), strength)
		}
		for r, f := range d.world.Folds {
			if int(f) == held {
				d.world.Labels[r] = []int{(r * 7) % d.world.Classes}
			}
		}
		d.read(t, dir)
		after, again := find()
		if strength != again || !slices.EqualFunc(before, after, near) {
			t.Fatalf("with other labels of fold %d: strength %v, was %v; thresholds %v, were %v", held, again, strength, after, before)
		}
	})
}
