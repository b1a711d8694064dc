package threshold

import (
	"context"
	"math"
	"runtime"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/blend/oof"
	"github.com/deploy-kernel/deploy-kernel/blend/problem"
	"golang.org/x/sync/errgroup"
)

// Strengths lists the strengths of shrinkage that [Problem.Choose] tries, in true
// rows of a class.
var Strengths = []float64{0, 1, 3, 10, 30, 100, 300, 1000, 3000, math.Inf(1)}

// Shrunk returns thresholds that were fitted to the rows of some folds, shrunk
// towards the common one.
func (p *Problem) Shrunk(fitted []float64, strength float64, folds ...int) []float64 {
	t := p.Common()
	if math.IsInf(strength, 1) {
		return t
	}
	for class := range t {
		n := 0
		for _, fold := range folds {
			n += p.support[fold][class]
		}
		if n > 0 {
			t[class] += float64(n) / (float64(n) + strength) * (fitted[class] - p.common)
		}
	}
	return t
}

// Choose returns the strength with which thresholds score best on a fold that they
// were not fitted to, over all folds given; ties go to the highest. It is infinite
// for fewer than two folds.
func (p *Problem) Choose(ctx context.Context, folds ...int) float64 {
	best := math.Inf(1)
	if len(folds) < 2 {
		return best
	}
	ratios := make([]ratio, len(Strengths))
	for i, fold := range folds {
		others := slices.Delete(slices.Clone(folds), i, i+1)
		fitted := p.Fit(ctx, others...)
		s := p.state()
		for k, strength := range Strengths {
			s.setAll(p.Shrunk(fitted, strength, others...))
			ratios[k].add(s.ratio(fold))
		}
	}
	top := -1.0
	for k, strength := range Strengths {
		if v := ratios[k].score(); v >= top {
			top, best = v, strength
		}
	}
	return best
}

// Options control a search of thresholds.
type Options struct {
	// Strength is the strength of shrinkage; nil lets cross-validation choose it.
	Strength *float64
	// Held holds the points that were fitted without each fold, for nested
	// validation; nil skips that.
	Held [][]float64
	// Progress is called after each of the Steps parts; nil is allowed.
	Progress func()
}

// Steps returns the number of parts of a Run.
func (o Options) Steps() int { return len(o.Held) + 1 }

// Result holds the thresholds of a search and their scores.
type Result struct {
	// Thresholds holds one threshold per class; Common is the offset of the point.
	Thresholds []float64
	Common     float64
	// Strength is the strength of shrinkage.
	Strength float64
	// Fitted holds the scores on the rows that everything was fitted to.
	Fitted Scores
	// HeldOut holds the scores of each fold at coefficients, thresholds and a
	// strength that were found without it; NaN without nested validation.
	HeldOut Scores
}

// ClassOffsets returns the distance of each threshold from the common one, without
// the classes that keep it.
func (r *Result) ClassOffsets() map[int]float64 {
	offsets := map[int]float64{}
	for class, t := range r.Thresholds {
		if t != r.Common {
			offsets[class] = t - r.Common
		}
	}
	return offsets
}

// Scores compares per-class thresholds with the common one.
type Scores struct{ PerClass, Common float64 }

// Run finds thresholds for a point of s, which was read from set. It returns the
// error of ctx if ctx ends first.
func Run(ctx context.Context, s *problem.Sign, set *oof.Set, point []float64, o Options) (*Result, error) {
	all := make([]int, s.Folds())
	for f := range all {
		all[f] = f
	}
	// The last part is fitted to all folds. Each other part is scored on the fold that
	// it was not fitted to.
	parts := make([]part, len(o.Held)+1)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range parts {
		group.Go(func() error {
			if i == len(o.Held) {
				parts[i] = find(ctx, New(s, set, point), o.Strength, all, all)
			} else {
				parts[i] = find(ctx, New(s, set, o.Held[i]), o.Strength, slices.Delete(slices.Clone(all), i, i+1), all[i:i+1])
			}
			if o.Progress != nil {
				o.Progress()
			}
			return ctx.Err()
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	last := parts[len(o.Held)]
	return &Result{
		Thresholds: last.thresholds, Common: last.common, Strength: last.strength,
		Fitted: scores(last), HeldOut: scores(parts[:len(o.Held)]...),
	}, nil
}

// part holds thresholds, and the ratios of their score and of the common one's.
type part struct {
	thresholds       []float64
	common, strength float64
	perClass, before ratio
}

// scores returns the scores of the rows of all parts together.
func scores(parts ...part) Scores {
	if len(parts) == 0 {
		return Scores{math.NaN(), math.NaN()}
	}
	var perClass, before ratio
	for _, p := range parts {
		perClass.add(p.perClass)
		before.add(p.before)
	}
	return Scores{perClass.score(), before.score()}
}

// find fits thresholds to some folds and scores them on others.
func find(ctx context.Context, p *Problem, strength *float64, fitted, scored []int) part {
	found := part{common: p.common}
	if strength != nil {
		found.strength = *strength
	} else {
		found.strength = p.Choose(ctx, fitted...)
	}
	found.thresholds = p.Shrunk(p.Fit(ctx, fitted...), found.strength, fitted...)
	found.perClass, found.before = p.ratio(found.thresholds, scored...), p.ratio(p.Common(), scored...)
	return found
}
