package problem

import (
	"context"
	"math"

	"github.com/deploy-kernel/deploy-kernel/blend/oof"
)

// Squares is the problem of the RMSE, negated so that higher is better: the mean over
// targets of the root of the mean squared error.
//
// Coefficients sum to 1, so the error of a blend is the weighted sum of the models'
// errors. The products of the errors of two models, summed over the rows, therefore
// determine the score. It is convex, and [Squares.Newton] reaches the optimum: of one
// target in a single step.
type Squares struct {
	values
	products [][][]float64 // by target and pair of models
}

// ReadSquares reads the predictions of a regression or ordinal set, several folds at
// once. progress is as in [ReadArgmax].
func ReadSquares(ctx context.Context, set *oof.Set, progress func(values int)) (*Squares, error) {
	v, err := readValues(ctx, set, progress)
	if err != nil {
		return nil, err
	}
	return newSquares(v), nil
}

func newSquares(v values) *Squares {
	s := &Squares{values: v, products: make([][][]float64, v.targets)}
	for t := range s.products {
		s.products[t] = make([][]float64, v.models)
		for k := range s.products[t] {
			s.products[t][k] = make([]float64, v.models)
		}
	}
	errors := make([]float64, v.models)
	for _, p := range v.parts {
		for i, truth := range p.truth {
			products := s.products[i%v.targets]
			for k := range errors {
				errors[k] = p.values[i*v.models+k] - truth
				for j := range k + 1 {
					products[k][j] += errors[k] * errors[j]
				}
			}
		}
	}
	for _, products := range s.products {
		for k := range products {
			for j := range k {
				products[j][k] = products[k][j]
			}
		}
	}
	return s
}

// meanSquare returns the mean squared error of a target at coefficients w, and half its
// gradient.
func (s *Squares) meanSquare(target int, w []float64) (square float64, half []float64) {
	half = make([]float64, s.models)
	for k, row := range s.products[target] {
		half[k] = dot(w, row) / float64(s.Rows())
	}
	return max(dot(w, half), 0), half
}

// Score returns the negated RMSE at a point.
func (s *Squares) Score(point []float64) float64 {
	w := Scaled(point, s.models)
	sum := 0.0
	for t := range s.targets {
		square, _ := s.meanSquare(t, w)
		sum += math.Sqrt(square)
	}
	return -sum / float64(s.targets)
}

// Outcome returns the squared errors of each row at the point, or at the point of its
// fold.
func (s *Squares) Outcome(points ...[]float64) Outcome {
	return rowSquares(perFold(s.FoldStarts(), points, func(point []float64) [][]float64 {
		blended := s.blended(point)
		var rows [][]float64
		for _, p := range s.parts {
			for i, truth := range p.truth {
				blended[i] = (blended[i] - truth) * (blended[i] - truth)
			}
			for i := 0; i < len(p.truth); i += s.targets {
				rows = append(rows, blended[i:i+s.targets])
			}
			blended = blended[len(p.truth):]
		}
		return rows
	}))
}

// rowSquares holds the squared errors of each row, by target.
type rowSquares [][]float64

func (o rowSquares) Score(times []int) float64 {
	sums := make([]float64, len(o[0]))
	n := 0
	for i, t := range times {
		for k, square := range o[i] {
			sums[k] += float64(t) * square
		}
		n += t
	}
	all := 0.0
	for _, s := range sums {
		all += math.Sqrt(s / float64(max(n, 1)))
	}
	return -all / float64(len(sums))
}

// Select returns the problem of the rows of some folds.
func (s *Squares) Select(folds ...int) Rows { return newSquares(s.choose(folds)) }

// Drop returns the problem without one model.
func (s *Squares) Drop(model int) Rows { return newSquares(s.drop(model)) }

// Line returns the best point between u and v. It is the zero of the derivative, which
// never falls along the line; halving the line finds it.
func (s *Squares) Line(u, v []float64) Best {
	d := make([]float64, s.models)
	for k := range d {
		d[k] = v[k] - u[k]
	}
	slope := func(at float64) float64 {
		w := Between(u, v, at)
		sum := 0.0
		for t := range s.targets {
			if square, half := s.meanSquare(t, w); square > 0 {
				sum += dot(d, half) / math.Sqrt(square)
			}
		}
		return sum
	}
	from, to := 0.0, 1.0
	for range 60 {
		if at := (from + to) / 2; slope(at) > 0 {
			to = at
		} else {
			from = at
		}
	}
	best := Best{At: from, Score: s.Score(Between(u, v, from))}
	for _, at := range []float64{0, 1} {
		if score := s.Score(Between(u, v, at)); score >= best.Score {
			best = Best{at, score}
		}
	}
	return best
}

// Newton is like [LogLoss.Newton]. Of one target, it minimizes the squared error itself.
func (s *Squares) Newton(point []float64) []float64 {
	m := model{point: Scaled(point, s.models), gradient: make([]float64, s.models)}
	for range s.models {
		m.second = append(m.second, make([]float64, s.models))
	}
	for t, products := range s.products {
		square, half := s.meanSquare(t, m.point)
		root := math.Sqrt(square)
		if root == 0 {
			continue
		}
		for k, row := range products {
			m.gradient[k] += half[k] / root
			for j, v := range row {
				m.second[k][j] += v / float64(s.Rows()) / root
				if s.targets > 1 {
					m.second[k][j] -= half[k] * half[j] / (square * root)
				}
			}
		}
	}
	m.minimize()
	return m.point
}
