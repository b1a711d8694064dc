package report

import (
	"math/rand/v2"
	"runtime"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/blend/problem"
	"golang.org/x/sync/errgroup"
)

// Interval contains 95 % of the bootstrap samples: all but the lowest and the highest
// 2.5 %.
type Interval struct{ Low, High float64 }

// bootstrap draws as many rows as there are, with replacement (Efron 1979). It
// returns the intervals of the score of a point and of its gain over another point.
// It does not fit coefficients to the samples: the intervals measure the effect of
// the choice of rows.
func bootstrap(p problem.Rows, point, other []float64, samples int, seed uint64) (score, gain Interval) {
	one, two := p.Outcome(point), p.Outcome(other)
	starts := p.FoldStarts()
	rows := starts[len(starts)-1]
	scores, gains := make([]float64, samples), make([]float64, samples)
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range samples {
		group.Go(func() error {
			r := rand.New(rand.NewPCG(seed, uint64(i)))
			times := make([]int, rows)
			for range rows {
				times[r.Uint64N(uint64(rows))]++
			}
			scores[i] = one.Score(times)
			gains[i] = scores[i] - two.Score(times)
			return nil
		})
	}
	_ = group.Wait() // no goroutine returns an error
	return middle(scores), middle(gains)
}

// middle returns the interval that contains 95 % of the values.
func middle(values []float64) Interval {
	slices.Sort(values)
	cut := len(values) / 40
	return Interval{values[cut], values[len(values)-1-cut]}
}
