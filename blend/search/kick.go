package search

import (
	"context"
	"math/rand/v2"
	"runtime"

	"github.com/deploy-kernel/deploy-kernel/blend/problem"
	"golang.org/x/sync/errgroup"
)

const (
	// kicks is the number of climbs that are tried at once around an optimum.
	kicks = 8
	// kickRadius is the size of the surroundings that climbs start from.
	kickRadius = 0.25
	// patience is the number of failures in a row that ends the search.
	patience = 6
	// smallProblem is the number of entries up to which a problem is small: its score
	// is rough and cheap, so the search tries more starts and kicks.
	smallProblem = 50_000
)

// sized is a problem that knows its number of entries.
type sized interface{ Entries() int }

// small reports whether the problem is small.
func (s *searcher) small() bool {
	p, ok := s.problem.(sized)
	return ok && p.Entries() <= smallProblem
}

// kick is an iterated local search (Lourenço, Martin and Stützle 2003). It climbs
// from points around the optimum and moves to the best new optimum if that is better.
// It ends after too many failures in a row.
func (r *run) kick(ctx context.Context, random *rand.Rand) {
	whole, ok := r.problem.(narrower)
	if !ok || len(r.point) < 3 {
		return
	}
	for failed := 0; failed < patience && ctx.Err() == nil; {
		center := r.point
		near := whole.Around(center, kickRadius)
		tries := make([]*run, kicks)
		var group errgroup.Group
		group.SetLimit(runtime.GOMAXPROCS(0))
		for i := range tries {
			at, seed := random.Float64(), random.Uint64()
			group.Go(func() error {
				random := rand.New(rand.NewPCG(seed, 0))
				t := &run{searcher: r.searcher, problem: near}
				t.point = problem.Between(center, r.anywhere(random), at)
				t.score = near.Score(t.point)
				t.climb(ctx, random)
				tries[i] = t
				return nil
			})
		}
		_ = group.Wait() // none returns an error
		best := r.score
		for _, t := range tries {
			if t.score >= best+r.least {
				best = t.score
				r.point = problem.Between(center, t.point, kickRadius)
			}
		}
		if best == r.score {
			failed++
			continue
		}
		failed = 0
		r.take(r.point, best)
		r.closeIn(ctx, random)
	}
}
