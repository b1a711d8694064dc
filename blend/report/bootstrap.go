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
	num, den := p.Ratios(point)
	num2, den2 := p.Ratios(other)
	type row struct{ num, den, num2, den2 float64 }
	rows := make([]row, len(num))
	for i := range rows {
		rows[i] = row{num[i], den[i], num2[i], den2[i]}
	}
	scores, gains := make([]float64, samples), make([]float64, samples)
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range samples {
		group.Go(func() error {
			r := rand.New(rand.NewPCG(seed, uint64(i)))
			var sum row
			for range rows {
				drawn := &rows[r.Uint64N(uint64(len(rows)))]
				sum.num += drawn.num
				sum.den += drawn.den
				sum.num2 += drawn.num2
				sum.den2 += drawn.den2
			}
			scores[i] = sum.num / max(sum.den, 1e-300)
			gains[i] = scores[i] - sum.num2/max(sum.den2, 1e-300)
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
