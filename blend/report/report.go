// Package report validates the coefficients of a blend, and measures what each model
// contributes.
//
//	r, err := report.Make(ctx, problem, result, report.Options{Search: options})
//	r.HeldOut // the score on rows that the coefficients were not fitted to
//
// The fitted score is an optimum over the rows that it is measured on, so it is too
// high. The report adds the score of coefficients that were fitted without the fold
// they are scored on, and bootstrap intervals over the rows.
package report

import (
	"context"
	"math"
	"runtime"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/blend/problem"
	"github.com/deploy-kernel/deploy-kernel/blend/search"
	"golang.org/x/sync/errgroup"
)

// Options control a report.
type Options struct {
	// Search holds the options by which the result was found. The report repeats that
	// search without each fold and without each model.
	Search search.Options
	// Samples is the number of bootstrap samples; 0 means DefaultSamples.
	Samples int
	// Progress is called after each of the Steps parts; nil is allowed.
	Progress func()
}

// DefaultSamples is the default of Options.Samples.
const DefaultSamples = 1000

// Report describes one result of a search.
type Report struct {
	Models []Model
	// Equal is the score of equal coefficients, without an offset.
	Equal float64
	// Fitted is the score of the coefficients found, Interval its 95 % interval.
	Fitted   float64
	Interval Interval
	// Gain is the 95 % interval of the gain over equal coefficients.
	Gain Interval
	// HeldOut is the score of coefficients fitted without the fold they are scored
	// on; NaN if there is only one fold.
	HeldOut float64
	// Folds holds the point fitted without each fold, nil if there is only one fold.
	Folds [][]float64
}

// Model describes what one model contributes.
type Model struct {
	// Single is the score of the model alone, Folds its score on each fold.
	Single float64
	Folds  []float64
	// Coefficient is the model's coefficient in the ensemble.
	Coefficient float64
	// Loss is the drop of the score when the other models are fitted without this
	// one; 0 if there are no others.
	Loss float64
	// Correlation is Pearson's correlation of its predictions with the mean of the
	// others'; NaN if there are no others.
	Correlation float64
}

// Steps returns the number of parts of a report on p.
func Steps(p problem.Rows) int { return 2*p.Models() + p.Folds() }

// Make returns the report on a result. It computes several parts at once.
func Make(ctx context.Context, p problem.Rows, result search.Result, o Options) (*Report, error) {
	if o.Progress == nil {
		o.Progress = func() {}
	}
	if o.Samples == 0 {
		o.Samples = DefaultSamples
	}
	n := p.Models()
	r := &Report{Models: make([]Model, n), Folds: make([][]float64, p.Folds()), Fitted: result.Score}
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	part := func(do func() error) {
		group.Go(func() error {
			defer o.Progress()
			return do()
		})
	}
	for fold := range p.Folds() {
		part(func() (err error) {
			r.Folds[fold], err = without(inner, p, fold, o.Search)
			return err
		})
	}
	for i := range n {
		r.Models[i].Coefficient, r.Models[i].Correlation = result.Point[i], p.Correlation(i)
		part(func() (err error) {
			r.Models[i].Loss, err = loss(inner, p, i, result, o.Search)
			return err
		})
		part(func() error {
			r.Models[i].Single, r.Models[i].Folds = single(p, i)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	r.HeldOut = heldOut(p, r.Folds)
	even := problem.Equal(p)
	r.Equal = p.Score(even)
	r.Interval, r.Gain = bootstrap(p, result.Point, even, o.Samples, o.Search.Seed)
	return r, ctx.Err()
}

// once returns the options of a search with a single start, which suffices for a
// check.
func once(o search.Options) search.Options {
	o.Starts = 1
	return o
}

// without returns the point fitted to all folds but one, or nil if there is no other.
func without(ctx context.Context, p problem.Rows, fold int, o search.Options) ([]float64, error) {
	var others []int
	for f := range p.Folds() {
		if f != fold {
			others = append(others, f)
		}
	}
	if len(others) == 0 {
		return nil, nil
	}
	found, err := search.Run(ctx, p.Select(others...), once(o))
	return found.Point, err
}

// heldOut returns the score when each fold is scored at its own point, NaN if there is
// only one fold.
func heldOut(p problem.Rows, points [][]float64) float64 {
	if len(points) < 2 {
		return math.NaN()
	}
	return p.Outcome(points...).Score(only(p.FoldStarts(), 0, len(points)))
}

// only returns the sample that has each row of some consecutive folds once.
func only(starts []int, from, to int) []int {
	times := make([]int, starts[len(starts)-1])
	for i := starts[from]; i < starts[to]; i++ {
		times[i] = 1
	}
	return times
}

// loss fits the other models again, from the coefficients they have.
func loss(ctx context.Context, p problem.Rows, model int, result search.Result, o search.Options) (float64, error) {
	if p.Models() == 1 || result.Point[model] == 0 {
		return 0, nil
	}
	o = once(o)
	if result.Point[model] < 1 {
		o.From = problem.Scaled(slices.Delete(slices.Clone(result.Point), model, model+1), p.Models()-1)
	}
	found, err := search.Run(ctx, p.Drop(model), o)
	return result.Score - found.Score, err
}

// single scores a model alone, on all rows and on each fold.
func single(p problem.Rows, model int) (all float64, folds []float64) {
	alone := p.Outcome(problem.Single(p, model))
	starts := p.FoldStarts()
	for f := range p.Folds() {
		folds = append(folds, alone.Score(only(starts, f, f+1)))
	}
	return alone.Score(only(starts, 0, p.Folds())), folds
}
