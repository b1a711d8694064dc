package search

import (
	"context"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"

	"github.com/deploy-kernel/deploy-kernel/blend/problem"
	"golang.org/x/sync/errgroup"
)

// least is the smallest gain that counts. One row of a million changes the mean by
// more.
const least = 1e-10

// coarse is a problem that says which gains are too small, if its lines are expensive;
// see [problem.Ranks]. The search then climbs from one point along coordinates and
// exchanges only.
type coarse interface{ Least() float64 }

// exact climbs from several points: equal coefficients or Options.From, the best
// single model, and random points. It returns the best local optimum; ties go to the
// earliest start.
func (s *searcher) exact(ctx context.Context) Result {
	if p, ok := s.problem.(convex); ok {
		return s.newton(ctx, p)
	}
	if s.least > least {
		r := s.start(s.starts()[0])
		for r.coordinates(ctx) || r.exchanges(ctx) {
		}
		return r.result()
	}
	starts := s.starts()
	tops := make([]*run, len(starts))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, point := range starts {
		group.Go(func() error {
			tops[i] = s.start(point)
			tops[i].ascend(ctx)
			return nil
		})
	}
	_ = group.Wait() // none returns an error
	top := tops[0]
	for _, t := range tops[1:] {
		if t.score > top.score {
			top = t
		}
	}
	if s.options.Starts > 1 { // a single start is one of several searches at once
		top.ahead = runtime.GOMAXPROCS(0)
	}
	random := rand.New(rand.NewPCG(s.options.Seed, 0))
	if s.options.Starts > 1 && s.small() {
		top.kick(ctx, random)
	}
	top.finish(ctx, random)
	top.complete(ctx)
	return top.result()
}

// starts returns the points to climb from.
func (s *searcher) starts() [][]float64 {
	points := [][]float64{s.even()}
	if s.options.From != nil {
		points[0] = s.options.From
	}
	if s.problem.Models() > 1 && s.options.Starts > 1 {
		best := problem.Single(s.problem, 0)
		for i := 1; i < s.problem.Models(); i++ {
			if p := problem.Single(s.problem, i); s.score(p) > s.score(best) {
				best = p
			}
		}
		points = append(points, best)
	}
	r := rand.New(rand.NewPCG(s.options.Seed, 0))
	n := s.options.Starts
	if s.small() && n > 1 {
		n *= 4
	}
	for len(points) < n && s.dims() > 2 {
		points = append(points, s.anywhere(r))
	}
	return points[:min(n, len(points))]
}

// anywhere returns a random point, uniform over all coefficients that sum to 1 and
// all offsets.
func (s *searcher) anywhere(r *rand.Rand) []float64 {
	point := make([]float64, s.dims())
	n := s.problem.Models()
	for i := range n {
		point[i] = r.ExpFloat64()
	}
	for i := n; i < len(point); i++ {
		point[i] = (2*r.Float64() - 1) * s.problem.MaxOffset()
	}
	return problem.Scaled(point, n)
}

// narrower is a problem that can be restricted to the surroundings of a point, where
// searching is cheaper; see [problem.Sign.Around].
type narrower interface {
	Around(center []float64, radius float64) problem.Problem
}

// ascend climbs by a few lines of the whole problem, and then in the surroundings of
// the point reached.
func (r *run) ascend(ctx context.Context) {
	for range 2 {
		r.coordinates(ctx)
	}
	r.near(radii[0], func(r *run) {
		for r.coordinates(ctx) || r.exchanges(ctx) {
		}
	})
}

// finish climbs in ever smaller surroundings, until no line of the whole problem
// improves.
func (r *run) finish(ctx context.Context, random *rand.Rand) {
	r.closeIn(ctx, random)
	for r.coordinates(ctx) || r.exchanges(ctx) {
		r.closeIn(ctx, random)
	}
}

// radii are the sizes of the surroundings that closeIn searches in turn.
var radii = []float64{0.2, 0.05, 0.0125}

// closeIn climbs in ever smaller surroundings of the point.
func (r *run) closeIn(ctx context.Context, random *rand.Rand) {
	for _, radius := range radii {
		r.near(radius, func(r *run) { r.climb(ctx, random) })
	}
}

// near calls climb on the problem of the surroundings of the point, and takes its
// result.
func (r *run) near(radius float64, climb func(*run)) {
	whole, ok := r.problem.(narrower)
	if !ok {
		climb(r)
		return
	}
	center := r.point
	near := *r
	near.problem = whole.Around(center, radius)
	climb(&near)
	r.point, r.score, r.trace = problem.Between(center, near.point, radius), near.score, near.trace
}

// climb tries lines until none improves. It begins with lines that move one
// coefficient at the expense of all others. When none of them gains, it tries lines
// that move coefficient from one model to another, and then random directions.
func (r *run) climb(ctx context.Context, random *rand.Rand) {
	for r.coordinates(ctx) || r.exchanges(ctx) || r.wander(ctx, random) {
	}
}

// coordinates tries each coordinate once. It reports whether the score rose.
func (r *run) coordinates(ctx context.Context) (gained bool) {
	return r.try(ctx, len(r.point), r.coordinate)
}

// exchanges tries each pair of models once. It reports whether the score rose.
func (r *run) exchanges(ctx context.Context) (gained bool) {
	var pairs [][2]int
	for i := range r.problem.Models() {
		for j := range i {
			pairs = append(pairs, [2]int{i, j})
		}
	}
	return r.try(ctx, len(pairs), func(i int) ends { return r.exchange(pairs[i][0], pairs[i][1]) })
}

// wander tries a few random directions for each coordinate. It reports whether the
// score rose.
func (r *run) wander(ctx context.Context, random *rand.Rand) (gained bool) {
	if len(r.point) < 3 {
		return false // coordinates and exchanges try every line
	}
	targets := make([][]float64, 8*len(r.point))
	for i := range targets {
		targets[i] = r.anywhere(random)
	}
	return r.try(ctx, len(targets), func(i int) ends { return r.through(targets[i]) })
}

// ends are the end points of a line; nil means no line.
type ends struct{ u, v []float64 }

// coordinate returns the line through the point that moves coordinate i from its
// lowest to its highest value. The other coefficients keep their proportions.
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

// exchange returns the line that moves the coefficients of models i and j between the
// two.
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

// through returns the line through the point to v. It begins at the border on the
// other side of the point.
func (r *run) through(v []float64) ends {
	n, bound := r.problem.Models(), r.problem.MaxOffset()
	reach := 1e3
	for i, p := range r.point {
		d := v[i] - p // the line leaves the point for u by -d
		switch {
		case i < n && d > 0:
			reach = min(reach, p/d)
		case i >= n && d != 0:
			reach = min(reach, (bound+math.Copysign(p, p*d))/math.Abs(d))
		}
	}
	u := problem.Between(r.point, v, -reach)
	for i := range u { // rounding may leave it just out of bounds
		if i < n {
			u[i] = max(u[i], 0)
		} else {
			u[i] = min(max(u[i], -bound), bound)
		}
	}
	return ends{u, v}
}

// try searches n lines, each through the point that the lines before it led to. It
// searches r.ahead lines at once as if none of them gained, and repeats the lines
// after one that gains. It reports whether the score rose.
func (r *run) try(ctx context.Context, n int, line func(i int) ends) (gained bool) {
	for i := 0; i < n && ctx.Err() == nil; {
		lines := make([]ends, min(max(r.ahead, 1), n-i))
		for k := range lines {
			lines[k] = line(i + k)
		}
		for k, best := range r.bests(lines) {
			i++
			if r.follow(lines[k], best) {
				gained = true
				break
			}
		}
	}
	return gained
}

// bests searches lines at once and returns their best points.
func (r *run) bests(lines []ends) []problem.Best {
	bests := make([]problem.Best, len(lines))
	var others sync.WaitGroup
	for k := range lines {
		if lines[k].u == nil {
			continue
		}
		if k == len(lines)-1 {
			bests[k] = r.problem.Line(lines[k].u, lines[k].v)
			break
		}
		others.Go(func() { bests[k] = r.problem.Line(lines[k].u, lines[k].v) })
	}
	others.Wait()
	return bests
}

// along moves to the best point of a line if it improves. It reports whether it did.
func (r *run) along(ctx context.Context, e ends) (gained bool) {
	return r.try(ctx, 1, func(int) ends { return e })
}

// follow moves to the best point of a line if it improves. It reports whether it did.
func (r *run) follow(e ends, best problem.Best) (gained bool) {
	if e.u == nil {
		return false
	}
	r.lines.Add(1)
	if best.Score < r.score+r.least {
		return false
	}
	// Places on a line are rounded, so the point's own score decides.
	point := problem.Between(e.u, e.v, best.At)
	r.evaluations.Add(1)
	score := r.problem.Score(point)
	if score < r.score+r.least {
		return false
	}
	r.take(point, score)
	return true
}
