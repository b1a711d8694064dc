package problem

import (
	"context"
	"math"
	"math/bits"
	"runtime"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/blend/oof"
	"github.com/deploy-kernel/deploy-kernel/metric"
	"golang.org/x/sync/errgroup"
)

// Ranks is the problem of the metrics that depend on the order of the rows' scores for
// each class: roc-auc, average-precision and partial-auc. It keeps all predictions.
//
// The score of a class is a sum over the groups of true rows with equal scores, of a
// function of what is below each group ([metric.Metric.Share]). So a score needs the
// true rows sorted, and a binary search for each other row: O(n log p) for n rows of
// which p are true.
type Ranks struct {
	metric  metric.Metric
	classes int
	columns []int // by model, its place in the parts
	parts   []*ranksPart
	counted []int // classes that count
	moments moments
}

// ranksPart holds the predictions of one fold.
type ranksPart struct {
	rows   int
	values [][]float32 // by column x classes + class, of all rows
	truth  [][]int32   // by class, the true rows in ascending order
}

// ReadRanks reads the predictions of a multilabel or multiclass set, several folds at
// once. thresholds holds what was subtracted from the probabilities, by model and
// fold. progress is as in [ReadArgmax].
func ReadRanks(ctx context.Context, set *oof.Set, m metric.Metric, thresholds [][]float64, progress func(values int)) (*Ranks, error) {
	models := len(set.Models)
	r := &Ranks{metric: m, classes: set.Classes, parts: make([]*ranksPart, set.Truth.Folds)}
	found := make([]moments, len(r.parts))
	err := set.EachFold(ctx, func(ctx context.Context, fold int) error {
		p := &ranksPart{rows: len(set.Truth.Rows[fold]), values: make([][]float32, models*set.Classes), truth: make([][]int32, set.Classes)}
		for i := range p.values {
			p.values[i] = make([]float32, p.rows)
		}
		r.parts[fold] = p
		at := 0
		return set.Read(ctx, fold, func(b oof.Block) error {
			if err := set.NotFinite(fold, b); err != nil {
				return err
			}
			found[fold].add(b, set.Classes)
			for i, row := range b.Rows {
				for k, predictions := range b.Predictions {
					for c, v := range predictions[i*set.Classes : (i+1)*set.Classes] {
						p.values[k*set.Classes+c][at] = float32(float64(v) + thresholds[k][fold])
					}
				}
				for _, c := range set.Labels[row] {
					p.truth[c] = append(p.truth[c], int32(at))
				}
				at++
			}
			if progress != nil {
				progress(len(b.Rows) * set.Classes * models)
			}
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	for _, m := range found {
		r.moments.join(m)
	}
	for k := range models {
		r.columns = append(r.columns, k)
	}
	r.count()
	return r, nil
}

// count finds the classes that count.
func (r *Ranks) count() {
	for c := range r.classes {
		truths := r.truths(c)
		if r.metric.Defined(float64(truths), float64(r.Rows()-truths)) {
			r.counted = append(r.counted, c)
		}
	}
}

// truths returns the number of true rows of a class.
func (r *Ranks) truths(class int) int {
	n := 0
	for _, p := range r.parts {
		n += len(p.truth[class])
	}
	return n
}

// Models returns the number of coefficients of a point.
func (r *Ranks) Models() int { return len(r.columns) }

// MaxOffset returns 0: these scores have no offset.
func (r *Ranks) MaxOffset() float64 { return 0 }

// Folds returns the number of folds.
func (r *Ranks) Folds() int { return len(r.parts) }

// FoldStarts returns the first row of each fold, and after them the number of rows.
func (r *Ranks) FoldStarts() []int {
	starts := []int{0}
	for i, p := range r.parts {
		starts = append(starts, starts[i]+p.rows)
	}
	return starts
}

// Rows returns the number of rows.
func (r *Ranks) Rows() int { return r.FoldStarts()[len(r.parts)] }

// Entries returns the number of entries of the classes that count.
func (r *Ranks) Entries() int { return r.Rows() * len(r.counted) }

// Correlation is like [Sign.Correlation].
func (r *Ranks) Correlation(model int) float64 { return r.moments.correlation(model) }

// Select returns the problem of the rows of some folds. It shares the memory of r.
func (r *Ranks) Select(folds ...int) Rows {
	sub := &Ranks{metric: r.metric, classes: r.classes, columns: r.columns}
	for _, f := range folds {
		sub.parts = append(sub.parts, r.parts[f])
	}
	sub.count()
	return sub
}

// Drop returns the problem without one model. It shares the memory of r.
func (r *Ranks) Drop(model int) Rows {
	sub := *r
	sub.columns = slices.Delete(slices.Clone(r.columns), model, model+1)
	return &sub
}

// blended sets dst to the blended scores of a class.
func (r *Ranks) blended(dst []float64, class int, point []float64) {
	clear(dst)
	at := 0
	for _, p := range r.parts {
		to := dst[at : at+p.rows]
		for k, column := range r.columns {
			w := point[k]
			if w == 0 {
				continue
			}
			for i, v := range p.values[column*r.classes+class] {
				to[i] += w * float64(v)
			}
		}
		at += p.rows
	}
}

// eachTrue calls do with every true row of a class, in ascending order.
func (r *Ranks) eachTrue(class int, do func(row int)) {
	at := 0
	for _, p := range r.parts {
		for _, i := range p.truth[class] {
			do(at + int(i))
		}
		at += p.rows
	}
}

// ladder is the order of the scores of a class: the keys of the distinct scores of the
// true rows, ascending. The place of a score is 2i+1 if it equals the i-th of them, and
// 2i if it lies just below that.
type ladder []uint64

func (r *Ranks) ladder(class int, scores []float64) ladder {
	var l ladder
	r.eachTrue(class, func(row int) { l = append(l, key(scores[row])) })
	slices.Sort(l)
	return slices.Compact(l)
}

// place returns the place of a score.
func (l ladder) place(score float64) int {
	k := key(score)
	at := l.below(k)
	if at < len(l) && l[at] == k {
		return 2*at + 1
	}
	return 2 * at
}

// below returns the number of keys below k. Its loop has no branch for a processor to
// guess wrong.
func (l ladder) below(k uint64) int {
	at := 0
	for n := len(l); n > 0; {
		half := (n + 1) / 2
		_, less := bits.Sub64(l[at+half-1], k, 0)
		at += half & -int(less)
		n -= half
	}
	return at
}

// key maps numbers to integers in the same order.
func key(score float64) uint64 {
	b := math.Float64bits(score + 0) // -0 becomes 0
	return b ^ (uint64(int64(b)>>63) | 1<<63)
}

// share returns the score of a class. all and true hold the number of rows at each
// place, and of true rows.
func share(m metric.Metric, all, truth []int) (score float64, defined bool) {
	rows, truths := 0, 0
	for i, n := range all {
		rows += n
		truths += truth[i]
	}
	t, f := float64(truths), float64(rows-truths)
	if !m.Defined(t, f) {
		return 0, false
	}
	below, trueBelow := 0, 0
	for i, n := range all {
		if truth[i] > 0 {
			score += m.Share(metric.Ties{
				True: float64(truth[i]), False: float64(n - truth[i]),
				TrueBelow: float64(trueBelow), FalseBelow: float64(below - trueBelow),
			}, t, f)
		}
		below += n
		trueBelow += truth[i]
	}
	return score, true
}

// Score returns the score at a point.
func (r *Ranks) Score(point []float64) float64 {
	return r.mean(func(class int, m *ranksMemory) float64 {
		r.blended(m.u, class, point)
		l := r.ladder(class, m.u)
		m.all, m.truth = zeros(m.all, 2*len(l)+1), zeros(m.truth, 2*len(l)+1)
		for _, s := range m.u {
			m.all[l.place(s)]++
		}
		r.eachTrue(class, func(row int) { m.truth[l.place(m.u[row])]++ })
		score, _ := share(r.metric, m.all, m.truth)
		return score
	})
}

func zeros(s []int, n int) []int {
	s = slices.Grow(s[:0], n)[:n]
	clear(s)
	return s
}

// ranksMemory is the memory of one computation.
type ranksMemory struct {
	u, v       []float64 // scores of all rows
	all, truth []int
}

// mean returns the mean of the values that do returns for the classes that count, several
// at once.
func (r *Ranks) mean(do func(class int, m *ranksMemory) float64) float64 {
	values := make([]float64, len(r.counted))
	r.parallel(len(values), func(i int, m *ranksMemory) { values[i] = do(r.counted[i], m) })
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(max(len(values), 1))
}

// parallel calls do for 0 to n-1, several at once.
func (r *Ranks) parallel(n int, do func(i int, m *ranksMemory)) {
	workers := min(runtime.GOMAXPROCS(0), n)
	if n*r.Rows() < 1<<14 {
		workers = min(1, n) // too little to share
	}
	var group errgroup.Group
	for w := range workers {
		group.Go(func() error {
			m := &ranksMemory{u: make([]float64, r.Rows()), v: make([]float64, r.Rows())}
			for i := w; i < n; i += workers {
				do(i, m)
			}
			return nil
		})
	}
	_ = group.Wait() // no goroutine returns an error
}

// Outcome returns the order of the rows for each class at the point, or with those of
// each fold at the point of the fold.
func (r *Ranks) Outcome(points ...[]float64) Outcome {
	o := &rowRanks{metric: r.metric, places: make([][]int32, r.classes), truth: make([][]int32, r.classes), most: make([]int, r.classes)}
	starts := r.FoldStarts()
	r.parallel(r.classes, func(c int, m *ranksMemory) {
		for i, point := range points {
			r.blended(m.v, c, point)
			from, to := 0, len(m.v)
			if len(points) > 1 {
				from, to = starts[i], starts[i+1]
			}
			copy(m.u[from:to], m.v[from:to])
		}
		l := r.ladder(c, m.u)
		o.most[c] = 2*len(l) + 1
		for _, s := range m.u {
			o.places[c] = append(o.places[c], int32(l.place(s)))
		}
		r.eachTrue(c, func(row int) { o.truth[c] = append(o.truth[c], int32(row)) })
	})
	return o
}

// rowRanks holds the place of each row by class.
type rowRanks struct {
	metric metric.Metric
	places [][]int32 // by class and row
	truth  [][]int32 // by class, the true rows
	most   []int     // by class, the number of places
}

func (o *rowRanks) Score(times []int) float64 {
	sum, n := 0.0, 0
	var all, truth []int
	for c, places := range o.places {
		all, truth = zeros(all, o.most[c]), zeros(truth, o.most[c])
		for i, p := range places {
			all[p] += times[i]
		}
		for _, i := range o.truth[c] {
			truth[places[i]] += times[i]
		}
		if score, ok := share(o.metric, all, truth); ok {
			sum += score
			n++
		}
	}
	return sum / float64(max(n, 1))
}

// large reports whether a single pair of rows matters less than 1e-6.
func (r *Ranks) large() bool { return r.Borders() > 1e6 }

// Least returns the smallest gain that a search should care for. A large problem has so
// many pieces that smaller gains would never end.
func (r *Ranks) Least() float64 {
	if r.large() {
		return 1e-6
	}
	return 0
}

// Borders returns the number of pairs of a true and another row, by class.
func (r *Ranks) Borders() int {
	n := 0
	for _, c := range r.counted {
		n += r.truths(c) * (r.Rows() - r.truths(c))
	}
	return n
}

// Border returns the difference of the blended scores of the pair i. The score changes
// where it changes its sign.
func (r *Ranks) Border(i int, point []float64) float64 {
	for _, c := range r.counted {
		truths, rows := r.truths(c), r.Rows()
		if pairs := truths * (rows - truths); i >= pairs {
			i -= pairs
			continue
		}
		isTrue := make([]bool, rows)
		var sides [2][]int
		r.eachTrue(c, func(row int) { isTrue[row] = true })
		for row, t := range isTrue {
			if t {
				sides[0] = append(sides[0], row)
			} else {
				sides[1] = append(sides[1], row)
			}
		}
		scores := make([]float64, rows)
		r.blended(scores, c, point)
		return scores[sides[0][i%truths]] - scores[sides[1][i/truths]]
	}
	return math.NaN()
}

// Around returns the problem of the points near center; see [Sign.Around]. On its
// lines fewer rows pass each other.
func (r *Ranks) Around(center []float64, radius float64) Problem {
	return &near{r, region{center, radius}}
}

// near is the problem of a region.
type near struct {
	*Ranks
	region region
}

func (n *near) Score(point []float64) float64 { return n.Ranks.Score(n.region.place(point)) }
func (n *near) Line(u, v []float64) Best {
	return n.Ranks.Line(n.region.place(u), n.region.place(v))
}
