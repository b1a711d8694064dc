// Package report says how far the weights of a blend can be trusted, and what
// each model does for it.
//
//	r, err := report.Make(ctx, problem, result, report.Options{Search: options})
//	r.HeldOut // the score on rows that the weights were not fitted on
//
// The fitted score is an optimum over the rows it is measured on, and so too
// high. Beside it stand the score of weights that were fitted without the fold
// they are scored on, and bootstrap intervals over the rows.
package report

import (
	"context"
	"runtime"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/blend/problem"
	"github.com/deploy-kernel/deploy-kernel/blend/search"
	"golang.org/x/sync/errgroup"
)

// Options say how the report is made.
type Options struct {
	// Search is how the weights were found; the same is done without a fold.
	Search search.Options
	// Samples is the number of bootstrap samples; 0 means DefaultSamples.
	Samples int
	// Progress is told of each of Steps parts that is done; nil is silent.
	Progress func()
}

// DefaultSamples is the default of Options.Samples.
const DefaultSamples = 1000

// Report is about one result of a search.
type Report struct {
	Models []Model
	// Equal is the score of equal weights, without offset.
	Equal float64
	// Fitted is the score of the weights found, with a 95 % interval.
	Fitted   float64
	Interval Interval
	// Gain is the interval of what is gained over equal weights.
	Gain Interval
	// HeldOut is the score of weights fitted without the fold they are scored
	// on; NaN where there is one fold only.
	HeldOut float64
	// Folds are the points fitted without each fold.
	Folds [][]float64
}

// Model is what is told of a model.
type Model struct {
	// Single is its score alone, Folds that on each fold.
	Single float64
	Folds  []float64
	// Coefficient is the model's in the ensemble.
	Coefficient float64
	// Loss is what the score loses when the others do without it, their weights
	// fitted anew; 0 where there are no others.
	Loss float64
	// Correlation is Pearson's, of its predictions with the mean of the others';
	// NaN where there are none.
	Correlation float64
}

// Steps is how many parts a report of p has.
func Steps(p problem.Rows) int { return 2*p.Models() + p.Folds() }

// Make makes the report of a result. Its parts are computed side by side.
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

// once is a search from one start: enough beside the one that it checks.
func once(o search.Options) search.Options {
	o.Starts = 1
	return o
}

// without returns the point fitted to all folds but one; where that is the only
// one, nil.
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

// heldOut scores each fold with its point.
func heldOut(p problem.Rows, points [][]float64) float64 {
	starts := p.FoldStarts()
	var nums, dens float64
	for fold, point := range points {
		if point == nil {
			continue
		}
		num, den := p.Ratios(point)
		for i := starts[fold]; i < starts[fold+1]; i++ {
			nums += num[i]
			dens += den[i]
		}
	}
	return nums / dens
}

// loss fits the others anew, from the weights they have.
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

// single scores a model alone.
func single(p problem.Rows, model int) (all float64, folds []float64) {
	num, den := p.Ratios(problem.Single(p, model))
	starts := p.FoldStarts()
	for f := range p.Folds() {
		folds = append(folds, ratio(num[starts[f]:starts[f+1]], den[starts[f]:starts[f+1]]))
	}
	return ratio(num, den), folds
}

func ratio(num, den []float64) float64 {
	var n, d float64
	for i := range num {
		n += num[i]
		d += den[i]
	}
	if d == 0 {
		return 0
	}
	return n / d
}
