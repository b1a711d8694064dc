package search

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/blend/problem"
	"gonum.org/v1/gonum/optimize"
)

// nelderMead starts from equal coefficients.
func (s *searcher) nelderMead(ctx context.Context) Result {
	return s.minimize(ctx, &optimize.NelderMead{SimplexSize: 0.25 / float64(s.problem.Models())})
}

// cmaES starts from equal coefficients with a step of half a coefficient.
func (s *searcher) cmaES(ctx context.Context) Result {
	return s.minimize(ctx, &optimize.CmaEsChol{
		InitStepSize: 0.5 / float64(s.problem.Models()),
		Src:          rand.NewPCG(s.options.Seed, 2),
	})
}

// minimize runs a method of gonum on the negated score. Coefficients below 0 count as
// 0, and an offset out of bounds counts as the bound.
func (s *searcher) minimize(ctx context.Context, method optimize.Method) Result {
	n := s.problem.Models()
	best := s.start(s.even())
	f := func(x []float64) float64 {
		point := slices.Clone(x)
		for i := range point[:n] {
			point[i] = max(point[i], 0)
		}
		for i := range point[n:] {
			point[n+i] = min(max(point[n+i], -s.problem.MaxOffset()), s.problem.MaxOffset())
		}
		if point = problem.Scaled(point, n); !problem.Admissible(point, n, s.problem.MaxOffset()) {
			return math.Inf(1)
		}
		score := s.score(point)
		if score > best.score {
			best.take(point, score)
		}
		return -score
	}
	p := optimize.Problem{Func: f, Status: func() (optimize.Status, error) {
		if ctx.Err() != nil {
			return optimize.RuntimeLimit, nil
		}
		return optimize.NotTerminated, nil
	}}
	// An error means that the method stopped early; best holds what it found.
	_, _ = optimize.Minimize(p, s.even(), &optimize.Settings{FuncEvaluations: s.options.Evaluations}, method)
	return best.result()
}
