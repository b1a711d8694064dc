package problem

import (
	"context"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/blend/oof"
	"github.com/deploy-kernel/deploy-kernel/metric"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
)

// Argmax is the problem of scores of the class with the highest blended prediction of
// each row. Ties go to the first class.
//
// Pruning drops the classes that can never be the highest. Class c is dropped if some
// model's highest class is above c for every model. It is also dropped if that class
// comes first and is at least as high. Both hold for every weighted sum as well. A
// row with one class left is only counted.
type Argmax struct {
	table
	metric  metric.Metric
	classes int               // of the confusion
	settled *metric.Confusion // of the rows without entries
}

// The classes of a row of a multilabel accuracy: whether its highest class is true.
const wrong, right = 0, 1

// ReadArgmax reads and prunes the predictions of a multilabel or multiclass set,
// several folds at once. The metric scores the highest class of each row; of a
// multilabel set it is the accuracy. ReadArgmax calls progress with the number of
// values read since the last call; progress may be nil.
func ReadArgmax(ctx context.Context, set *oof.Set, m metric.Metric, progress func(values int)) (*Argmax, error) {
	classes := set.Classes
	// result returns what a row gets if class c is the highest, and what it should get.
	result := func(labels []int, c int) (got, want int32) {
		switch {
		case set.Task == task.Multiclass:
			return int32(c), int32(labels[0])
		case slices.Contains(labels, c):
			return right, right
		}
		return wrong, right
	}
	t, err := readTable(ctx, set, 1, progress, func(p *part, _ int, b oof.Block, from int, labels []int) {
		var tops []int
		for _, predictions := range b.Predictions {
			best := highest(predictions[from : from+classes])
			if !slices.Contains(tops, best) {
				tops = append(tops, best)
			}
		}
		got, want := result(labels, tops[0])
		p.extra, p.label = append(p.extra, float64(got)), append(p.label, want)
		if len(tops) == 1 {
			return
		}
		for c := range classes {
			if slices.ContainsFunc(tops, func(top int) bool { return dominates(b.Predictions, from, top, c) }) {
				continue
			}
			for _, predictions := range b.Predictions {
				p.values = append(p.values, predictions[from+c])
			}
			got, _ := result(labels, c)
			p.class = append(p.class, got)
		}
	})
	if err != nil {
		return nil, err
	}
	return newArgmax(t, m, max(classes, right+1)), nil
}

func newArgmax(t table, m metric.Metric, classes int) *Argmax {
	a := &Argmax{table: t, metric: m, classes: classes, settled: metric.NewConfusion(classes)}
	for _, p := range t.parts {
		for r := range p.rows() {
			if p.start[r] == p.start[r+1] {
				a.settled.Add(int(p.label[r]), int(p.extra[r]), 1)
			}
		}
	}
	return a
}

// dominates reports whether class top beats class c at every point.
func dominates(predictions [][]float32, from, top, c int) bool {
	if top == c {
		return false
	}
	for _, p := range predictions {
		if p[from+c] > p[from+top] || top > c && p[from+c] == p[from+top] {
			return false
		}
	}
	return true
}

// decided returns what row r gets at a point.
func (p *part) decided(r int, point []float64) int32 {
	best, at := 0.0, -1
	for i := p.start[r]; i < p.start[r+1]; i++ {
		if v := weighted(point, p.entry(i)); at < 0 || v > best {
			best, at = v, i
		}
	}
	if at < 0 {
		return int32(p.extra[r])
	}
	return p.class[at]
}

// weighted returns the blended prediction of an entry: the dot product of a point's
// coefficients and the predictions of the models.
func weighted(point []float64, p []float32) float64 {
	sum := 0.0
	for k, v := range p {
		sum += point[k] * float64(v)
	}
	return sum
}

// Score returns the score at a point.
func (a *Argmax) Score(point []float64) float64 {
	c := a.settled.Clone()
	for _, p := range a.parts {
		for r := range p.rows() {
			if p.start[r] < p.start[r+1] {
				c.Add(int(p.label[r]), int(p.decided(r, point)), 1)
			}
		}
	}
	return a.metric.Confused(c)
}

// Outcome returns what each row gets at the point, or at the point of its fold.
func (a *Argmax) Outcome(points ...[]float64) Outcome {
	return rowChoices{a.metric, a.classes, perFold(a.FoldStarts(), points, func(point []float64) []choice {
		var rows []choice
		for _, p := range a.parts {
			for r := range p.rows() {
				rows = append(rows, choice{p.label[r], p.decided(r, point)})
			}
		}
		return rows
	})}
}

// Select returns the problem of the rows of some folds. It shares the memory of a.
func (a *Argmax) Select(folds ...int) Rows { return newArgmax(a.choose(folds), a.metric, a.classes) }

// Drop returns the problem without one model.
func (a *Argmax) Drop(model int) Rows { return newArgmax(a.drop(model), a.metric, a.classes) }

// Line returns the best point between u and v. An event is a place where a row gets
// something else. Line sorts the events and sweeps them as [Sign.Line] does.
// At an end of the line, where one model may be alone, classes can tie; Line counts
// the ends separately.
func (a *Argmax) Line(u, v []float64) Best {
	s := sweep{first: a.settled.Clone(), beside: a.settled.Clone(), last: a.settled.Clone()}
	for _, p := range a.parts {
		p.turns(&s, u, v)
	}
	return s.best(a.metric)
}

// turns adds the events and the ends of a line to s. Each class is a straight line,
// and the highest class is their upper envelope. turns walks it from corner to corner.
func (p *part) turns(s *sweep, u, v []float64) {
	var begin, end, slope []float64
	for r := range p.rows() {
		begin, end, slope = begin[:0], end[:0], slope[:0]
		for i := p.start[r]; i < p.start[r+1]; i++ {
			at, to := weighted(u, p.entry(i)), weighted(v, p.entry(i))
			begin, end, slope = append(begin, at), append(end, to), append(slope, to-at)
		}
		if len(begin) == 0 {
			continue
		}
		class, truth := p.class[p.start[r]:], p.label[r]
		s.first.Add(int(truth), int(class[highest(begin)]), 1)
		s.last.Add(int(truth), int(class[highest(end)]), 1)
		now := 0
		for i := range begin {
			if begin[i] > begin[now] || begin[i] == begin[now] && slope[i] > slope[now] {
				now = i
			}
		}
		s.beside.Add(int(truth), int(class[now]), 1)
		for {
			next, place := -1, 1.0
			for i := range begin {
				if slope[i] <= slope[now] {
					continue
				}
				at := max((begin[now]-begin[i])/(slope[i]-slope[now]), 0)
				if at < place || at == place && next >= 0 && slope[i] > slope[next] {
					next, place = i, at
				}
			}
			if next < 0 {
				break
			}
			s.move(place, turn{truth, class[now], class[next]})
			now = next
		}
	}
}

// highest returns the index of the highest value; ties go to the first.
func highest[T float32 | float64](values []T) int {
	at := 0
	for i, v := range values {
		if v > values[at] {
			at = i
		}
	}
	return at
}
