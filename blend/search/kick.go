package search

import (
	"context"
	"math/rand/v2"
	"runtime"

	"github.com/deploy-kernel/deploy-kernel/blend/problem"
	"golang.org/x/sync/errgroup"
)

const (
	// kicks is how many climbs from around a top are tried at once.
	kicks = 8
	// kickRadius is how far around.
	kickRadius = 0.25
	// patience is how many times in a row that may be in vain.
	patience = 6
	// smallProblem is up to how many entries the score is so rough, and computing
	// it so cheap, that this and more starts are tried.
	smallProblem = 50_000
)

// sized is a problem that knows how many entries it has.
type sized interface{ Entries() int }

// small reports whether the problem is.
func (s *searcher) small() bool {
	p, ok := s.problem.(sized)
	return ok && p.Entries() <= smallProblem
}

// kick is an iterated local search (Lourenço, Martin and Stützle 2003): it climbs
// from points around the top, goes to the best of the new tops if that is
// better, and ends when that was in vain too often.
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
			if t.score >= best+least {
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
