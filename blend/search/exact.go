package search

import (
	"context"
	"math/rand/v2"
	"runtime"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/blend/problem"
	"golang.org/x/sync/errgroup"
)

// least is the smallest gain that counts. A row of a million changes the mean by
// more.
const least = 1e-10

// exact climbs from several points: equal weights, the best single model, and
// random ones. It returns the best of the tops, of equal ones that of the first
// start.
func (s *searcher) exact(ctx context.Context) Result {
	starts := s.starts()
	tops := make([]*run, len(starts))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, point := range starts {
		group.Go(func() error {
			tops[i] = s.start(point)
			tops[i].climb(ctx)
			return nil
		})
	}
	_ = group.Wait() // none returns an error
	top := slices.MaxFunc(tops, func(a, b *run) int {
		if a.score > b.score {
			return 1
		}
		return -1 // also when equal, so that the first of equals stays
	})
	return top.result()
}

// starts returns the points to climb from.
func (s *searcher) starts() [][]float64 {
	if s.problem.Models() == 1 {
		return [][]float64{s.even()}
	}
	points := [][]float64{s.even()}
	best := s.single(0)
	score := s.score(best)
	for i := 1; i < s.problem.Models(); i++ {
		if p := s.single(i); s.score(p) > score {
			best, score = p, s.score(p)
		}
	}
	points = append(points, best)
	r := rand.New(rand.NewPCG(s.options.Seed, 0))
	for len(points) < s.options.Starts {
		points = append(points, s.anywhere(r))
	}
	return points[:max(1, min(s.options.Starts, len(points)))]
}

// anywhere returns a point drawn evenly from all weights that sum to 1, without
// offset.
func (s *searcher) anywhere(r *rand.Rand) []float64 {
	point := make([]float64, s.dims())
	for i := range s.problem.Models() {
		point[i] = r.ExpFloat64()
	}
	return problem.Scaled(point, s.problem.Models())
}

// climb goes on until no line improves. Lines that move one model's weight, at
// the expense of all others, are tried first; when none of them gains, those
// that move weight from one model to another.
func (r *run) climb(ctx context.Context) {
	n := r.problem.Models()
	for {
		for r.coordinates(ctx) {
		}
		gained := false
		for i := range n {
			for j := range i {
				gained = r.along(ctx, r.exchange(i, j)) || gained
			}
		}
		if !gained {
			return
		}
	}
}

// coordinates tries each coordinate once.
func (r *run) coordinates(ctx context.Context) (gained bool) {
	for i := range r.point {
		gained = r.along(ctx, r.coordinate(i)) || gained
	}
	return gained
}

// ends are those of a line; nil where there is none.
type ends struct{ u, v []float64 }

// coordinate is the line through the point that moves coordinate i from its
// least to its highest value, the other weights keeping their proportions.
func (r *run) coordinate(i int) ends {
	u, v := slices.Clone(r.point), slices.Clone(r.point)
	n := r.problem.Models()
	if i == n {
		u[i], v[i] = -r.problem.MaxOffset(), r.problem.MaxOffset()
		return ends{u, v}
	}
	if r.point[i] == 1 {
		return ends{}
	}
	u[i] = 0
	u = problem.Scaled(u, n)
	clear(v[:n])
	v[i] = 1
	return ends{u, v}
}

// exchange is the line that moves all weight of models i and j between them.
func (r *run) exchange(i, j int) ends {
	both := r.point[i] + r.point[j]
	if both == 0 {
		return ends{}
	}
	u, v := slices.Clone(r.point), slices.Clone(r.point)
	u[i], u[j] = both, 0
	v[i], v[j] = 0, both
	return ends{u, v}
}

// along goes to the best point of the line, if that is better than where it is.
func (r *run) along(ctx context.Context, e ends) (gained bool) {
	if e.u == nil || ctx.Err() != nil {
		return false
	}
	best := r.line(e.u, e.v)
	if best.Score < r.score+least {
		return false
	}
	// The line's score rests on places that were rounded; the point's own counts.
	point := problem.Between(e.u, e.v, best.At)
	score := r.searcher.score(point)
	if score < r.score+least {
		return false
	}
	r.take(point, score)
	return true
}
