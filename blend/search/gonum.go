package search

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/blend/problem"
	"gonum.org/v1/gonum/optimize"
)

// nelderMead starts from equal weights, as the blends of 2019 did with SciPy.
func (s *searcher) nelderMead(ctx context.Context) Result {
	return s.minimize(ctx, &optimize.NelderMead{SimplexSize: 0.25 / float64(s.problem.Models())})
}

// cmaES starts from equal weights with a step of half of them.
func (s *searcher) cmaES(ctx context.Context) Result {
	return s.minimize(ctx, &optimize.CmaEsChol{
		InitStepSize: 0.5 / float64(s.problem.Models()),
		Src:          rand.NewPCG(s.options.Seed, 2),
	})
}

// minimize runs a method of gonum on the score, negated. Weights below 0 are
// taken for 0, and an offset beyond its bound for the bound.
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
	// Its errors tell that it gave up, by which time best holds what it found.
	_, _ = optimize.Minimize(p, s.even(), &optimize.Settings{FuncEvaluations: s.options.Evaluations}, method)
	return best.result()
}
