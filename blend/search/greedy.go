package search

import (
	"context"
	"math/rand/v2"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/blend/problem"
)

// greedy is the selection with replacement of Caruana, Niculescu-Mizil, Crew and
// Ksikes, "Ensemble selection from libraries of models" (2004). A bag begins with the
// best model. Each round adds the model that helps most. The result is the best bag.
func (s *searcher) greedy(ctx context.Context) Result {
	n := s.problem.Models()
	bag := make([]float64, s.dims())
	var best *run
	for ctx.Err() == nil {
		chosen, top := -1, 0.0
		for i := range n {
			bag[i]++
			if score := s.score(problem.Scaled(bag, n)); chosen < 0 || score > top {
				chosen, top = i, score
			}
			bag[i]--
		}
		bag[chosen]++
		if point := problem.Scaled(bag, n); best == nil {
			best = s.start(point)
		} else if top > best.score {
			best.take(point, top)
		}
		if s.evaluations.Load()+int64(n) > int64(s.options.Evaluations) {
			break
		}
	}
	if best == nil {
		best = s.start(s.even())
	}
	return best.result()
}

// random scores points that are uniform over all coefficients and offsets.
func (s *searcher) random(ctx context.Context) Result {
	r := rand.New(rand.NewPCG(s.options.Seed, 1))
	best := s.start(s.even())
	for ctx.Err() == nil && s.evaluations.Load() < int64(s.options.Evaluations) {
		point := s.anywhere(r)
		if score := s.score(point); score > best.score {
			best.take(slices.Clone(point), score)
		}
	}
	return best.result()
}
