package problem

import (
	"context"
	"math"
	"runtime"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/blend/oof"
	"github.com/deploy-kernel/deploy-kernel/metric"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
	"golang.org/x/sync/errgroup"
)

// LogLoss is the problem of the log loss, negated so that higher is better. It scores
// the weighted mean of probabilities that are clipped to [metric.Clip, 1-metric.Clip]
// first. Of a multiclass row, only the probability of the true class counts.
//
// In a multilabel problem, the loss of an entry that is not true is
//
//	-log(1-p) = p + p²/2 + R with 0 <= R <= p³ / 3(1-p)
//
// So if no model gives more than 1/64, the sums of p and of the products p p' of two
// models determine the loss for all coefficients, except for R. [LogLoss.Error]
// bounds the effect of R. Only entries that are true or above 1/64 for some model are
// kept.
//
// The loss is convex, and [LogLoss.Newton] reaches the optimum in a few steps.
// Clipping the mean instead would break convexity: an entry that all models get wrong
// would have no gradient.
type LogLoss struct {
	table
	losses int       // number of losses of a row: the classes, or 1 if multiclass
	sums   []float64 // of extra, over all rows
	bound  float64   // sum of the bounds of R
}

// low is the probability up to which moments describe an entry.
const low = 1.0 / 64

// ReadLogLoss reads and prunes the predictions of a set, several folds at once.
// thresholds holds what was subtracted from the probabilities, by model and fold.
// progress is as in [ReadArgmax].
func ReadLogLoss(ctx context.Context, set *oof.Set, thresholds [][]float64, progress func(values int)) (*LogLoss, error) {
	models := len(set.Models)
	width := models + models*(models+1)/2
	bounds := make([]float64, set.Truth.Folds)
	t, err := readTable(ctx, set, width, progress, func(p *part, fold int, b oof.Block, from int, labels []int) {
		at := len(p.extra)
		p.extra = append(p.extra, make([]float64, width)...)
		sums := p.extra[at:]
		given := make([]float64, models)
		for c := range set.Classes {
			if set.Task == task.Multiclass && c != labels[0] {
				continue
			}
			most := 0.0
			for k, predictions := range b.Predictions {
				given[k] = min(max(float64(predictions[from+c])+thresholds[k][fold], metric.Clip), 1-metric.Clip)
				most = max(most, given[k])
			}
			if truth := slices.Contains(labels, c); truth || most > low {
				for _, v := range given {
					p.values = append(p.values, float32(v))
				}
				p.truth = append(p.truth, truth)
				continue
			}
			bounds[fold] += most * most * most / (3 * (1 - most))
			next := models
			for k, v := range given {
				sums[k] += v
				for _, w := range given[:k+1] {
					sums[next] += v * w
					next++
				}
			}
		}
	})
	if err != nil {
		return nil, err
	}
	losses := set.Classes
	if set.Task == task.Multiclass {
		losses = 1
	}
	l := newLogLoss(t, losses)
	for _, b := range bounds {
		l.bound += b
	}
	return l, nil
}

// newLogLoss returns the problem of a table, with the moments of all its rows.
func newLogLoss(t table, losses int) *LogLoss {
	l := &LogLoss{table: t, losses: losses, sums: make([]float64, t.width)}
	for _, p := range t.parts {
		for i, v := range p.extra {
			l.sums[i%t.width] += v
		}
	}
	return l
}

// Error returns a bound on how far the loss is too low.
func (l *LogLoss) Error() float64 { return l.bound / l.size() }

// size returns the number of entries before pruning.
func (l *LogLoss) size() float64 { return float64(l.Rows()) * float64(l.losses) }

// small returns the loss of the entries that sums describe, without R.
func (l *LogLoss) small(sums, w []float64) float64 {
	loss, next := 0.0, l.models
	for k := range w {
		loss += w[k] * sums[k]
		for j := range k {
			loss += w[k] * w[j] * sums[next]
			next++
		}
		loss += w[k] * w[k] * sums[next] / 2
		next++
	}
	return loss
}

// loss returns the loss of one kept entry at coefficients w.
func (p *part) loss(entry int, w []float64) float64 {
	v := weighted(w, p.entry(entry))
	if p.truth[entry] {
		return -math.Log(v)
	}
	return -math.Log1p(-v)
}

// Score returns the negated log loss at a point.
func (l *LogLoss) Score(point []float64) float64 {
	w := Scaled(point, l.models)
	sums := l.parallel(1, func(p *part, i int, sums []float64) { sums[0] += p.loss(i, w) })
	return -(sums[0] + l.small(l.sums, w)) / l.size()
}

// Outcome returns the negated log loss of each row at the point, or at the point of
// its fold.
func (l *LogLoss) Outcome(points ...[]float64) Outcome {
	return rowMeans(perFold(l.FoldStarts(), points, func(point []float64) []float64 {
		w := Scaled(point, l.models)
		var rows []float64
		for _, p := range l.parts {
			for r := range p.rows() {
				loss := l.small(p.extra[r*l.width:(r+1)*l.width], w)
				for i := p.start[r]; i < p.start[r+1]; i++ {
					loss += p.loss(i, w)
				}
				rows = append(rows, -loss/float64(l.losses))
			}
		}
		return rows
	}))
}

// Select returns the problem of the rows of some folds. It shares the memory of l.
func (l *LogLoss) Select(folds ...int) Rows { return newLogLoss(l.choose(folds), l.losses) }

// Drop returns the problem without one model.
func (l *LogLoss) Drop(model int) Rows {
	t := l.drop(model)
	t.width = t.models + t.models*(t.models+1)/2
	for i, p := range l.parts {
		extra := make([]float64, 0, t.width*p.rows())
		for r := range p.rows() {
			row := p.extra[r*l.width : (r+1)*l.width]
			for k := range l.models {
				if k != model {
					extra = append(extra, row[k])
				}
			}
			next := l.models
			for k := range l.models {
				for j := range k + 1 {
					if k != model && j != model {
						extra = append(extra, row[next])
					}
					next++
				}
			}
		}
		t.parts[i].extra = extra
	}
	return newLogLoss(t, l.losses)
}

// Line returns the best point between u and v. It is the zero of the derivative,
// which never falls along the line. Newton steps find it inside a bracket that
// shrinks.
func (l *LogLoss) Line(u, v []float64) Best {
	from, to := 0.0, 1.0
	at := 0.5
	for range 60 {
		first, second := l.derivatives(u, v, at)
		if first > 0 {
			to = at
		} else {
			from = at
		}
		next := at - first/second
		if !(next > from && next < to) {
			// The zero may be at an end.
			if next = (from + to) / 2; from == 0 && to < 1e-3 {
				next = to / 16
			} else if to == 1 && from > 1-1e-3 {
				next = 1 - (1-from)/16
			}
		}
		if math.Abs(next-at) < 1e-9 {
			break
		}
		at = next
	}
	best := Best{At: at, Score: l.Score(Between(u, v, at))}
	for _, end := range []float64{0, 1} {
		if math.Abs(at-end) < 1e-3 {
			if score := l.Score(Between(u, v, end)); score >= best.Score {
				best = Best{end, score}
			}
		}
	}
	return best
}

// derivatives returns the first and second derivative of the loss at a point of a
// line, both times the number of entries.
func (l *LogLoss) derivatives(u, v []float64, at float64) (first, second float64) {
	w, d := Between(u, v, at), make([]float64, l.models)
	for k := range d {
		d[k] = v[k] - u[k]
	}
	sums := l.parallel(2, func(part *part, i int, sums []float64) {
		e := part.entry(i)
		p, dp := weighted(w, e), weighted(d, e)
		if part.truth[i] {
			p, dp = 1-p, -dp
		}
		q := dp / (1 - p)
		sums[0] += q
		sums[1] += q * q
	})
	// The moments are a polynomial of degree 2, so differences are exact.
	const h = 0.5
	a, b, c := l.small(l.sums, shifted(w, d, -h)), l.small(l.sums, w), l.small(l.sums, shifted(w, d, h))
	return sums[0] + (c-a)/(2*h), sums[1] + (a-2*b+c)/(h*h)
}

// shifted returns w + by d.
func shifted(w, d []float64, by float64) []float64 {
	out := make([]float64, len(w))
	for k := range w {
		out[k] = w[k] + by*d[k]
	}
	return out
}

// parallel returns the sums over all entries of the numbers that do adds, values of
// them. It uses all cores; the order of addition does not depend on their number.
func (l *LogLoss) parallel(values int, do func(p *part, entry int, sums []float64)) []float64 {
	const chunk = 1 << 15
	var parts [][]float64
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, p := range l.parts {
		for first := 0; first < len(p.truth); first += chunk {
			sums := make([]float64, values)
			parts = append(parts, sums)
			group.Go(func() error {
				own := make([]float64, values) // on cache lines of its own
				for i := first; i < min(len(p.truth), first+chunk); i++ {
					do(p, i, own)
				}
				copy(sums, own)
				return nil
			})
		}
	}
	_ = group.Wait() // no goroutine returns an error
	all := make([]float64, values)
	for _, sums := range parts {
		for i, v := range sums {
			all[i] += v
		}
	}
	return all
}
