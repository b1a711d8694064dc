package problem

import (
	"context"
	"math"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/blend/oof"
	"github.com/deploy-kernel/deploy-kernel/metric"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
)

// Graded is the problem of grades that bounds cut out of blended values: the quadratic
// kappa and the accuracy. The score of a point is that of its best bounds, which
// [metric.Metric.Bounds] finds exactly.
type Graded struct {
	values
	metric metric.Metric
	count  int   // number of grades
	truth  []int // by row
}

// ReadGraded reads the predictions of an ordinal set, or of a regression with one
// target whose true values are grades. progress is as in [ReadArgmax].
func ReadGraded(ctx context.Context, set *oof.Set, m metric.Metric, progress func(values int)) (*Graded, error) {
	v, err := readValues(ctx, set, progress)
	if err != nil {
		return nil, err
	}
	most := metric.MaxGrades
	if set.Task == task.Ordinal {
		most = set.Classes
	}
	truth, err := v.grades(most)
	if err != nil {
		return nil, err
	}
	count := set.Classes
	if set.Task == task.Regression {
		count = 0
		for _, t := range truth {
			count = max(count, t+1)
		}
	}
	return &Graded{values: v, metric: m, count: count, truth: truth}, nil
}

// Bounds returns the grade bounds with the best score at a point.
func (g *Graded) Bounds(point []float64) []float64 {
	bounds, _ := g.metric.Bounds(g.blended(point), g.truth, nil, g.count)
	return bounds
}

// Score returns the score at a point with its best bounds.
func (g *Graded) Score(point []float64) float64 {
	_, score := g.metric.Bounds(g.blended(point), g.truth, nil, g.count)
	return score
}

// Least returns the smallest gain that a search should care for: less than half a row of
// a large problem, whose lines take long.
func (g *Graded) Least() float64 {
	if n := g.Rows(); n > 2000 {
		return 0.5 / float64(n)
	}
	return 0
}

// Outcome returns the grades of the rows at the point with its best bounds. Given a
// point for each fold, the bounds of a fold are fitted to the other folds.
func (g *Graded) Outcome(points ...[]float64) Outcome {
	fold := -1
	return rowChoices{g.metric, g.count, perFold(g.FoldStarts(), points, func(point []float64) []choice {
		bounds := g.Bounds
		if fold++; len(points) > 1 {
			bounds = g.Select(others(fold, len(points))...).(*Graded).Bounds
		}
		d := metric.Decision{Bounds: bounds(point)}
		var rows []choice
		for i, v := range g.blended(point) {
			rows = append(rows, choice{int32(g.truth[i]), int32(grade(v, d.Bounds))})
		}
		return rows
	})}
}

// others returns the numbers of all folds but one.
func others(fold, folds int) []int {
	var all []int
	for f := range folds {
		if f != fold {
			all = append(all, f)
		}
	}
	return all
}

// grade returns the number of bounds below a value.
func grade(value float64, bounds []float64) int {
	n := 0
	for n < len(bounds) && bounds[n] < value {
		n++
	}
	return n
}

// Select returns the problem of the rows of some folds.
func (g *Graded) Select(folds ...int) Rows {
	sub := &Graded{values: g.choose(folds), metric: g.metric, count: g.count}
	starts := g.FoldStarts()
	for _, f := range folds {
		sub.truth = append(sub.truth, g.truth[starts[f]:starts[f+1]]...)
	}
	return sub
}

// Drop returns the problem without one model.
func (g *Graded) Drop(model int) Rows {
	return &Graded{values: g.drop(model), metric: g.metric, count: g.count, truth: g.truth}
}

// Line searches the best point between u and v. Fixed bounds make the score piecewise
// constant: it changes where a row's value passes a bound, so the best place is found
// exactly. Line begins with bounds fitted roughly at five places of the line. From the
// best result, it fits the bounds to the place and the place to the bounds in turns,
// each exactly, until neither gains.
func (g *Graded) Line(u, v []float64) Best {
	const places = 4
	from, to := g.blended(u), g.blended(v)
	at := make([]float64, len(from))
	between := func(place float64) []float64 {
		for i := range at {
			at[i] = (1-place)*from[i] + place*to[i]
		}
		return at
	}
	start := Best{Score: math.Inf(-1)}
	for i := range places + 1 {
		bounds := g.rough(between(float64(i) / places))
		if found := g.along(from, to, bounds); found.Score > start.Score {
			start = found
		}
	}
	best := Best{Score: math.Inf(-1)}
	for place := start.At; ; {
		bounds, score := g.metric.Bounds(between(place), g.truth, nil, g.count)
		if score <= best.Score {
			return best
		}
		best = Best{place, score}
		place = g.along(from, to, bounds).At
	}
}

// rough returns the best bounds of values that are rounded to a grid. It takes a
// fraction of the time of exact bounds.
func (g *Graded) rough(values []float64) []float64 {
	const bins = 512
	low, high := slices.Min(values), slices.Max(values)
	if len(values) <= bins || low == high {
		bounds, _ := g.metric.Bounds(values, g.truth, nil, g.count)
		return bounds
	}
	times := make([]int, bins*g.count) // by bin and grade
	width := (high - low) / bins
	for i, v := range values {
		times[min(int((v-low)/width), bins-1)*g.count+g.truth[i]]++
	}
	centers, grades := make([]float64, len(times)), make([]int, len(times))
	for i := range times {
		centers[i], grades[i] = low+(float64(i/g.count)+0.5)*width, i%g.count
	}
	bounds, _ := g.metric.Bounds(centers, grades, times, g.count)
	return bounds
}

// along returns the best place for fixed bounds of a line on which values go from from
// to to.
func (g *Graded) along(from, to, bounds []float64) Best {
	s := sweep{first: metric.NewConfusion(g.count), beside: metric.NewConfusion(g.count), last: metric.NewConfusion(g.count)}
	for i, u := range from {
		v, truth := to[i], g.truth[i]
		now, end := grade(u, bounds), grade(v, bounds)
		s.first.Add(truth, now, 1)
		s.last.Add(truth, end, 1)
		// Just beside u, a value at bounds that rises is above them.
		for v > u && now < len(bounds) && bounds[now] == u {
			now++
		}
		s.beside.Add(truth, now, 1)
		for now != end {
			next, bound := now+1, 0.0
			if end < now {
				next = now - 1
				bound = bounds[next]
			} else {
				bound = bounds[now]
			}
			s.move((bound-u)/(v-u), turn{int32(truth), int32(now), int32(next)})
			now = next
		}
	}
	return s.best(g.metric)
}
