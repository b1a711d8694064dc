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
// kappa and the accuracy. A point is scored at its best bounds, which
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
	if g.large() {
		return 0.5 / float64(g.Rows())
	}
	return 0
}

// large reports whether the problem has more than 2,000 rows.
func (g *Graded) large() bool { return g.Rows() > 2000 }

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
// exactly. From each of nine places, Line fits the bounds to the place and the place to
// the bounds in turns, each exactly, until neither gains. In a large problem, it does so
// from one place, the best of five with roughly fitted bounds.
func (g *Graded) Line(u, v []float64) Best {
	l := &gradedLine{Graded: g, from: g.blended(u), to: g.blended(v), best: Best{Score: math.Inf(-1)}}
	if g.large() {
		l.turns(l.start(4))
		return l.best
	}
	const places = 8
	for i := range places + 1 {
		l.turns(float64(i) / places)
	}
	return l.best
}

// gradedLine is the state of one line, on which values go from from to to.
type gradedLine struct {
	*Graded
	from, to []float64
	best     Best
}

// at returns the values at a place.
func (l *gradedLine) at(place float64) []float64 {
	values := make([]float64, len(l.from))
	for i := range values {
		values[i] = (1-place)*l.from[i] + place*l.to[i]
	}
	return values
}

// start returns a good place, of some with roughly fitted bounds.
func (l *gradedLine) start(places int) float64 {
	start := Best{Score: math.Inf(-1)}
	for i := range places + 1 {
		bounds := l.rough(l.at(float64(i) / float64(places)))
		if found := l.along(l.from, l.to, bounds); found.Score > start.Score {
			start = found
		}
	}
	return start.At
}

// turns fits bounds and place in turns, until neither gains.
func (l *gradedLine) turns(place float64) {
	for score := math.Inf(-1); ; {
		bounds, next := l.metric.Bounds(l.at(place), l.truth, nil, l.count)
		if next <= score {
			return
		}
		score = next
		if score > l.best.Score {
			l.best = Best{place, score}
		}
		place = l.along(l.from, l.to, bounds).At
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
