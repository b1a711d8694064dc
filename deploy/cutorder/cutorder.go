// Package cutorder orders the views and folds that an ensemble drops when time is
// short, and scores what remains after each cut.
//
//	cuts, whole := cutorder.ByScore(members, table) // from out-of-fold predictions
//	cuts := cutorder.ByCoefficients(members)        // without them
//
// Views (test-time augmentation) go before folds. The next fold to go is the one that
// costs the least score for the time that it saves. The metric of the
// ensemble gives the score. Without predictions, coefficients stand in for
// scores.
//
// Each row of the training table has one prediction of each member: that of the fold
// which held the row out. A member with k of its n folds left is scored with k/n of
// its coefficient. Out-of-fold predictions can't show that the mean of several folds
// beats one fold. The true loss of a fold is therefore a little larger than the scores
// show.
package cutorder

import (
	"cmp"
	"runtime"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/metric"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
	"golang.org/x/sync/errgroup"
)

// Member is an ensemble member.
type Member struct {
	Coefficient float64   // in the ensemble, of all folds together
	Views       int       // views of each image
	Cost        float64   // time of one view of an image, in any unit
	Scores      []float64 // validation score of each fold; higher is better
}

// Table holds the training table, or some of its rows.
type Table struct {
	// Truth holds the truth of the rows, without scores.
	Truth metric.Rows
	// Metric scores the sums of predictions, by Bounds if it scores grades.
	Metric metric.Metric
	Bounds []float64
	// Predictions holds the out-of-fold predictions of each member. If the metric scores
	// the labels of a multilabel ensemble, a positive sum of them is a label. Otherwise
	// they are probabilities or values, and their weighted mean is scored.
	Predictions [][]float32
}

// means reports whether the metric scores the weighted mean of the predictions, not
// their sum.
func (t *Table) means() bool { return t.Truth.Task != task.Multilabel || !t.Metric.Decides() }

// ByScore returns the cuts, each with the score of what remains, and the score of the
// whole ensemble. Cuts of views have no score, because it is unknown.
func ByScore(members []Member, t Table) (cuts []ensemble.Cut, whole float64) {
	s := &search{members: members, table: t, sum: make([]float32, len(t.Predictions[0]))}
	for m, p := range t.Predictions {
		axpy(s.sum, p, members[m].Coefficient)
		s.total += members[m].Coefficient
	}
	whole = s.score(s.sum, s.total)
	return append(views(members), s.run(whole)...), whole
}

// ByCoefficients returns the cuts without scores, small coefficients first.
func ByCoefficients(members []Member) []ensemble.Cut {
	left := newFolds(members)
	cuts := views(members)
	for left.count > 1 {
		best, bestKey := -1, 0.0
		for m, folds := range left.of {
			if len(folds) == 0 {
				continue
			}
			// The variance of a mean over k folds is proportional to 1/k: dropping one
			// adds 1/(k-1) - 1/k. Dropping the last one loses the member.
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

// time returns the time of all views of an image.
func (m Member) time() float64 { return m.Cost * float64(max(m.Views, 1)) }

func abs(x float64) float64 { return max(x, -x) }

// views halves the views of all folds until each has one. Members with the smallest
// coefficient for their cost come first.
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

// worstFirst returns the numbers of the folds, the lowest score first.
func worstFirst(scores []float64) []int {
	order := make([]int, len(scores))
	for i := range order {
		order[i] = len(scores) - 1 - i // ties go to the last fold
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(scores[a], scores[b]) })
	return order
}

// folds holds the folds that remain.
type folds struct {
	of    [][]int // by member, the next to go first
	count int     // of all members
}

func newFolds(members []Member) *folds {
	l := &folds{}
	for _, m := range members {
		l.of = append(l.of, worstFirst(m.Scores))
		l.count += len(m.Scores)
	}
	return l
}

// drop drops the next fold of member m and returns its number.
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
	sum     []float32 // weighted sum of the remaining folds' predictions, row by row
	total   float64   // sum of their coefficients
}

// run drops one fold after the other until one is left, and returns the cuts in that
// order. Score is the score of all folds together.
func (s *search) run(score float64) []ensemble.Cut {
	left := newFolds(s.members)
	gain := s.table.Metric.Gain
	var cuts []ensemble.Cut
	for left.count > 1 {
		best, bestKey := -1, 0.0
		after := s.without(left)
		for m, folds := range left.of {
			if len(folds) == 0 {
				continue
			}
			// A loss counts for the time that it saves. A gain counts more if it also
			// saves much time.
			key := gain(score) - gain(after[m])
			if key < 0 {
				key *= s.members[m].time()
			} else {
				key /= s.members[m].time()
			}
			if best < 0 || key < bestKey {
				best, bestKey = m, key
			}
		}
		axpy(s.sum, s.table.Predictions[best], -s.part(best))
		s.total -= s.part(best)
		score = after[best]
		cuts = append(cuts, ensemble.Cut{Model: best, Fold: left.drop(best), Score: score})
	}
	return cuts
}

// without returns the score without one fold of each member that has one left, several
// members at once.
func (s *search) without(left *folds) []float64 {
	scores := make([]float64, len(s.members))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for m, folds := range left.of {
		if len(folds) == 0 {
			continue
		}
		group.Go(func() error {
			try := slices.Clone(s.sum)
			axpy(try, s.table.Predictions[m], -s.part(m))
			scores[m] = s.score(try, s.total-s.part(m))
			return nil
		})
	}
	_ = group.Wait() // no goroutine returns an error
	return scores
}

// part returns the share of one fold in the coefficient of member m.
func (s *search) part(m int) float64 {
	return s.members[m].Coefficient / float64(len(s.members[m].Scores))
}

// axpy adds a*p to sum.
func axpy(sum, p []float32, a float64) {
	f := float32(a)
	for i, v := range p {
		sum[i] += f * v
	}
}

// score returns the score of a sum of predictions whose coefficients sum to total.
func (s *search) score(sum []float32, total float64) float64 {
	y := s.table.Truth
	y.Scores = sum
	if s.table.means() && total > 0 {
		y.Scores = make([]float32, len(sum))
		for i, v := range sum {
			y.Scores[i] = float32(float64(v) / total)
		}
	}
	return s.table.Metric.Score(y, metric.Decision{Bounds: s.table.Bounds})
}
