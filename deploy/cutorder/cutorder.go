// Package cutorder decides what an ensemble gives up first where time is short:
// in which order views and folds are cut, and what validation score is left
// after each cut.
//
//	cuts := cutorder.ByScore(members, table)     // from out-of-fold predictions
//	cuts := cutorder.ByCoefficients(members)     // where there are none
//
// Views (test-time augmentation) go before folds. Of the folds the next to go
// is each time the one that costs the least score for the time that it saves;
// where the score is not known, the coefficient stands for it.
//
// Every row of the training table has the prediction of one fold of each member,
// that which was not trained on it. An ensemble that has k of the n folds of a
// member left gives that member k/n of its coefficient, and this is what is
// scored. That several folds averaged predict better than one can't be seen in
// out-of-fold predictions: the true loss of a whole member is a little larger
// than the score tells.
package cutorder

import (
	"cmp"
	"runtime"
	"slices"
	"sync"

	"github.com/deploy-kernel/deploy-kernel/metric"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
)

// Member is a model of the ensemble.
type Member struct {
	Coefficient float64   // of each of its folds
	Views       int       // of every image
	Cost        float64   // time that a view of an image takes, in any unit
	Scores      []float64 // validation score of each fold
}

// Table is what is known of the training table, or of some of its rows.
type Table struct {
	Classes int
	Labels  [][]int // true classes, by row
	// Predictions has the out-of-fold predictions of each member, rows x classes;
	// positive ones are labels.
	Predictions [][]float32
}

// beta is that of the F-score of which the mean over rows is taken.
const beta = 2

// ByScore returns the cuts with the score that is left after each, and the
// score of the whole ensemble. Cuts of views, whose scores are not known, have
// none.
func ByScore(members []Member, t Table) (cuts []ensemble.Cut, whole float64) {
	s := &search{members: members, table: t, sum: make([]float32, len(t.Labels)*t.Classes)}
	for m, p := range t.Predictions {
		s.axpy(s.sum, p, members[m].Coefficient)
	}
	whole = s.score(s.sum)
	return append(views(members), s.run(whole)...), whole
}

// ByCoefficients returns the cuts in the order of coefficients.
func ByCoefficients(members []Member) []ensemble.Cut {
	left := newFolds(members)
	cuts := views(members)
	for left.count > 1 {
		best, bestKey := -1, 0.0
		for m, folds := range left.of {
			if len(folds) == 0 {
				continue
			}
			// A member's mean over k folds loses 1/(k-1) - 1/k of precision with
			// one of them, and all with the last.
			n := float64(len(folds))
			share := 1.0
			if n > 1 {
				share = 1/(n-1) - 1/n
			}
			key := abs(members[m].Coefficient) * share / members[m].time()
			if best < 0 || key < bestKey {
				best, bestKey = m, key
			}
		}
		cuts = append(cuts, ensemble.Cut{Model: best, Fold: left.drop(best)})
	}
	return cuts
}

func (m Member) time() float64 { return m.Cost * float64(max(m.Views, 1)) }

func abs(x float64) float64 { return max(x, -x) }

// views halves the views of all folds until there is one of each: the members
// whose coefficient is least for the time that it takes come first.
func views(members []Member) []ensemble.Cut {
	order := make([]int, len(members))
	now := make([]int, len(members))
	for m := range members {
		order[m], now[m] = m, members[m].Views
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Compare(abs(members[a].Coefficient)/members[a].Cost, abs(members[b].Coefficient)/members[b].Cost)
	})
	var cuts []ensemble.Cut
	for more := true; more; {
		more = false
		for _, m := range order {
			if now[m] < 2 {
				continue
			}
			now[m] /= 2
			for _, f := range worstFirst(members[m].Scores) {
				cuts = append(cuts, ensemble.Cut{Model: m, Fold: f, Views: now[m]})
			}
			more = true
		}
	}
	return cuts
}

// worstFirst returns the folds in the order in which they go.
func worstFirst(scores []float64) []int {
	order := make([]int, len(scores))
	for i := range order {
		order[i] = len(scores) - 1 - i // of equal ones the last goes first
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(scores[a], scores[b]) })
	return order
}

// folds are those that are left.
type folds struct {
	of    [][]int // by member, the next to go first
	count int
}

func newFolds(members []Member) *folds {
	l := &folds{}
	for _, m := range members {
		l.of = append(l.of, worstFirst(m.Scores))
		l.count += len(m.Scores)
	}
	return l
}

// drop drops a fold of member m and returns which.
func (l *folds) drop(m int) int {
	f := l.of[m][0]
	l.of[m] = l.of[m][1:]
	l.count--
	return f
}

// search is the state of ByScore.
type search struct {
	members []Member
	table   Table
	sum     []float32 // of the folds that are left
}

// run drops fold after fold.
func (s *search) run(score float64) []ensemble.Cut {
	left := newFolds(s.members)
	try := make([]float32, len(s.sum))
	var cuts []ensemble.Cut
	for left.count > 1 {
		best, bestKey, bestScore := -1, 0.0, 0.0
		for m, folds := range left.of {
			if len(folds) == 0 {
				continue
			}
			copy(try, s.sum)
			s.axpy(try, s.table.Predictions[m], -s.part(m))
			after := s.score(try)
			// A loss counts by the time that it saves, a gain by all it brings.
			key := (score - after) / s.members[m].time()
			if after > score {
				key = (score - after) * s.members[m].time()
			}
			if best < 0 || key < bestKey {
				best, bestKey, bestScore = m, key, after
			}
		}
		s.axpy(s.sum, s.table.Predictions[best], -s.part(best))
		score = bestScore
		cuts = append(cuts, ensemble.Cut{Model: best, Fold: left.drop(best), Score: score})
	}
	return cuts
}

// part is what one fold adds to the sum of a row, of which it has the
// prediction of one of all folds.
func (s *search) part(m int) float64 {
	return s.members[m].Coefficient / float64(len(s.members[m].Scores))
}

// axpy adds a x p to sum.
func (s *search) axpy(sum, p []float32, a float64) {
	s.parallel(func(from, to int) {
		x, y, f := p[from*s.table.Classes:to*s.table.Classes], sum[from*s.table.Classes:to*s.table.Classes], float32(a)
		for i, v := range x {
			y[i] += f * v
		}
	})
}

// score is the mean F-score of the rows where positive sums are labels.
func (s *search) score(sum []float32) float64 {
	y := metric.Rows{Scores: sum, Labels: s.table.Labels, Classes: s.table.Classes}
	each := make([]float64, len(s.table.Labels))
	s.parallel(func(from, to int) {
		for i := from; i < to; i++ {
			each[i] = y.Counts(i, 0).FBeta(beta)
		}
	})
	total := 0.0
	for _, x := range each {
		total += x
	}
	return total / float64(max(len(each), 1))
}

// parallel divides the rows among the cores.
func (s *search) parallel(part func(from, to int)) {
	n, workers := len(s.table.Labels), runtime.GOMAXPROCS(0)
	var group sync.WaitGroup
	for w := range workers {
		group.Go(func() { part(w*n/workers, (w+1)*n/workers) })
	}
	group.Wait()
}
