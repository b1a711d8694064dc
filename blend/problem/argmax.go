package problem

import (
	"context"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/blend/oof"
)

// Argmax is the problem of the accuracy: the share of rows whose class with the
// highest blended prediction is true. Ties go to the first class.
//
// Pruning drops the classes that can never be the highest. Class c is dropped if some
// model's highest class is above c for every model. It is also dropped if that class
// comes first and is at least as high. Both hold for every weighted sum as well. A
// row with one class left is only counted.
type Argmax struct{ table }

// ReadArgmax reads and prunes the predictions of a set, several folds at once. It
// calls progress with the number of values read since the last call; progress may be
// nil.
func ReadArgmax(ctx context.Context, set *oof.Set, progress func(values int)) (*Argmax, error) {
	classes := set.Classes
	t, err := readTable(ctx, set, 1, progress, func(p *part, _ int, b oof.Block, from int, labels []int) {
		var tops []int
		for _, predictions := range b.Predictions {
			best := highest(predictions[from : from+classes])
			if !slices.Contains(tops, best) {
				tops = append(tops, best)
			}
		}
		right := 0.0
		if len(tops) == 1 {
			if slices.Contains(labels, tops[0]) {
				right = 1
			}
			p.extra = append(p.extra, right)
			return
		}
		p.extra = append(p.extra, 0)
		for c := range classes {
			if slices.ContainsFunc(tops, func(top int) bool { return dominates(b.Predictions, from, top, c) }) {
				continue
			}
			for _, predictions := range b.Predictions {
				p.values = append(p.values, predictions[from+c])
			}
			p.truth = append(p.truth, slices.Contains(labels, c))
		}
	})
	return &Argmax{t}, err
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

// right returns 1 if row r is right at a point, and 0 if not.
func (p *part) right(r int, point []float64) float64 {
	best, at := 0.0, -1
	for i := p.start[r]; i < p.start[r+1]; i++ {
		if v := weighted(point, p.entry(i)); at < 0 || v > best {
			best, at = v, i
		}
	}
	if at < 0 {
		return p.extra[r]
	}
	if p.truth[at] {
		return 1
	}
	return 0
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

// Score returns the accuracy at a point.
func (a *Argmax) Score(point []float64) float64 {
	num, _ := a.Ratios(point)
	sum := 0.0
	for _, right := range num {
		sum += right
	}
	return sum / float64(len(num))
}

// Ratios returns 1 in num for each row that is right and 0 for the others, and 1 in
// den.
func (a *Argmax) Ratios(point []float64) (num, den []float64) {
	for _, p := range a.parts {
		for r := range p.rows() {
			num, den = append(num, p.right(r, point)), append(den, 1)
		}
	}
	return num, den
}

// Select returns the problem of the rows of some folds. It shares the memory of a.
func (a *Argmax) Select(folds ...int) Rows { return &Argmax{a.choose(folds)} }

// Drop returns the problem without one model.
func (a *Argmax) Drop(model int) Rows { return &Argmax{a.drop(model)} }

// Line returns the best point between u and v. An event is a place where a row
// becomes right or wrong. Line sorts the events and sweeps them as [Sign.Line] does.
// At an end of the line, where one model may be alone, classes can tie; Line counts
// the ends separately.
func (a *Argmax) Line(u, v []float64) Best {
	var m scratch
	var n ends
	for _, p := range a.parts {
		p.turns(&m, u, v, &n)
	}
	sortEvents(&m)
	b := best{score: float64(n.first), begin: true}
	right, last := n.beside, uint64(0)
	for _, e := range m.events {
		if p := place(e); p != last {
			b.offer(float64(right), last, p)
			last = p
		}
		right += int(e&1)*2 - 1
	}
	const end = unit - 1
	b.offer(float64(right), last, end)
	found := b.result()
	if s := float64(n.last); s > b.score || s == b.score && !b.begin && b.to == end {
		found = Best{1, s}
	}
	found.Score /= float64(a.Rows())
	return found
}

// ends holds the number of rows that are right at u, just beside u, and at v.
type ends struct{ first, beside, last int }

// turns appends the events of a line to m and adds its ends to n. Each class is a
// straight line, and the highest class is their upper envelope. turns walks it from
// corner to corner.
func (p *part) turns(m *scratch, u, v []float64, n *ends) {
	var begin, end, slope []float64
	for r := range p.rows() {
		begin, end, slope = begin[:0], end[:0], slope[:0]
		for i := p.start[r]; i < p.start[r+1]; i++ {
			at, to := weighted(u, p.entry(i)), weighted(v, p.entry(i))
			begin, end, slope = append(begin, at), append(end, to), append(slope, to-at)
		}
		if len(begin) == 0 {
			right := int(p.extra[r])
			n.first, n.beside, n.last = n.first+right, n.beside+right, n.last+right
			continue
		}
		truth := p.truth[p.start[r]:]
		n.first += one(truth[highest(begin)])
		n.last += one(truth[highest(end)])
		now := 0
		for i := range begin {
			if begin[i] > begin[now] || begin[i] == begin[now] && slope[i] > slope[now] {
				now = i
			}
		}
		n.beside += one(truth[now])
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
			if truth[now] != truth[next] {
				m.events = append(m.events, min(uint64(place*unit), unit-1)<<32|uint64(one(truth[next])))
			}
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

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}
