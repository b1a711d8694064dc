// Package search finds the coefficients of a blend that score best.
//
//	result, err := search.Run(ctx, problem, search.Options{Method: search.Exact, Seed: 1})
//	result.Point // coefficients that sum to 1, and the offset if the problem has one
//
// The methods use only the interface [problem.Problem], and optional methods of its
// implementations. [Exact] is the method for production; the others serve comparison.
//
// The same seed gives the same result, on any number of cores.
package search

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/deploy-kernel/deploy-kernel/blend/problem"
)

// Method is a search method.
type Method int

// The methods.
const (
	// Exact searches along lines, and finds the true optimum of each.
	Exact Method = iota
	// Equal gives every model the same coefficient.
	Equal
	// Greedy adds one model after another to a bag.
	Greedy
	// Random scores random points.
	Random
	// NelderMead is the downhill simplex method.
	NelderMead
	// CMAES is the covariance matrix adaptation evolution strategy.
	CMAES
)

var names = [...]string{"exact", "equal", "greedy", "random", "nelder-mead", "cma-es"}

// String returns the name of the method.
func (m Method) String() string { return names[m] }

// Names returns the names of all methods, in the order of their values.
func Names() []string { return slices.Clone(names[:]) }

// ParseMethod returns the method with the given name.
func ParseMethod(name string) (Method, error) {
	for i, n := range names {
		if n == name {
			return Method(i), nil
		}
	}
	return 0, fmt.Errorf("unknown method %q; there are %s", name, strings.Join(names[:], ", "))
}

// Options control a search. The zero value is an exact search.
type Options struct {
	Method Method
	// Seed determines everything random.
	Seed uint64
	// Starts is the number of points that Exact starts from; 0 means DefaultStarts.
	Starts int
	// From is the first of them; nil means equal coefficients.
	From []float64
	// Evaluations bounds the number of points that the methods other than Exact
	// score; 0 means DefaultEvaluations.
	Evaluations int
}

// The defaults of Options.
const (
	DefaultStarts      = 4
	DefaultEvaluations = 500
)

// Result is the best point of a search.
type Result struct {
	// Point has coefficients that sum to 1.
	Point []float64
	Score float64
	// Evaluations counts the points that were scored, Lines the lines that were
	// searched.
	Evaluations, Lines int
	Took               time.Duration
	// Trace holds the improvements of the run that found the result.
	Trace []Step
}

// Step is an improvement of the score.
type Step struct {
	// After is the time since the search began.
	After time.Duration
	Score float64
}

// Run searches for the best point. It returns the error of ctx if ctx ends first.
func Run(ctx context.Context, p problem.Problem, o Options) (Result, error) {
	if o.Starts == 0 {
		o.Starts = DefaultStarts
	}
	if o.Evaluations == 0 {
		o.Evaluations = DefaultEvaluations
	}
	s := &searcher{problem: p, options: o, begin: time.Now(), least: least}
	if p, ok := p.(coarse); ok {
		s.least = max(least, p.Least())
	}
	methods := [...]func(context.Context) Result{s.exact, s.equal, s.greedy, s.random, s.nelderMead, s.cmaES}
	r := methods[o.Method](ctx)
	r.Took = time.Since(s.begin)
	r.Evaluations, r.Lines = int(s.evaluations.Load()), int(s.lines.Load())
	return r, ctx.Err()
}

// searcher is the state of one Run.
type searcher struct {
	problem            problem.Problem
	options            Options
	begin              time.Time
	least              float64 // smallest gain that counts
	evaluations, lines atomic.Int64
}

func (s *searcher) score(point []float64) float64 {
	s.evaluations.Add(1)
	return s.problem.Score(point)
}

// run is one sequence of improving points of a problem.
type run struct {
	*searcher
	problem problem.Problem
	point   []float64
	score   float64
	trace   []Step
	ahead   int // lines that are searched at once; 0 means 1
}

// start returns a run that begins at a point.
func (s *searcher) start(point []float64) *run {
	r := &run{searcher: s, problem: s.problem, point: point}
	r.score = s.score(point)
	r.trace = []Step{{time.Since(s.begin), r.score}}
	return r
}

// take moves to a point with a better score.
func (r *run) take(point []float64, score float64) {
	r.point, r.score = point, score
	r.trace = append(r.trace, Step{time.Since(r.begin), score})
}

func (r *run) result() Result {
	return Result{Point: r.point, Score: r.score, Trace: r.trace}
}

// even returns the point of equal coefficients, without an offset.
func (s *searcher) even() []float64 { return problem.Equal(s.problem) }

// dims returns the number of coordinates of a point.
func (s *searcher) dims() int { return problem.Dimensions(s.problem) }

func (s *searcher) equal(context.Context) Result { return s.start(s.even()).result() }
