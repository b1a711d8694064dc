package problem

import (
	"math"

	"github.com/deploy-kernel/deploy-kernel/blend/oof"
)

// moments holds sums over the predictions of models, from which correlations follow.
type moments struct {
	n       float64
	sums    []float64
	squares [][]float64 // sums of the products of two models
}

// sampled is the distance between the rows that count. A large problem has a hundred
// million entries; a few million suffice.
const sampled = 16

// add adds the sampled rows of a block.
func (m *moments) add(b oof.Block, classes int) {
	models := len(b.Predictions)
	if m.sums == nil {
		m.sums, m.squares = make([]float64, models), make([][]float64, models)
		for i := range m.squares {
			m.squares[i] = make([]float64, models)
		}
	}
	for r, row := range b.Rows {
		if row%sampled != 0 {
			continue
		}
		m.n += float64(classes)
		for i, p := range b.Predictions {
			a := p[r*classes : (r+1)*classes]
			for j, q := range b.Predictions[:i+1] {
				sum := 0.0
				for c, v := range q[r*classes : (r+1)*classes] {
					sum += float64(v) * float64(a[c])
				}
				m.squares[i][j] += sum
				if i != j {
					m.squares[j][i] += sum
				}
			}
			for _, v := range a {
				m.sums[i] += float64(v)
			}
		}
	}
}

// join adds the sums of other.
func (m *moments) join(other moments) {
	if m.sums == nil {
		*m = other
		return
	}
	for i := range other.sums {
		m.sums[i] += other.sums[i]
		for j := range other.sums {
			m.squares[i][j] += other.squares[i][j]
		}
	}
	m.n += other.n
}

// correlation returns Pearson's correlation of a model with the mean of the others.
// It is NaN for a single model and for constant predictions.
func (m *moments) correlation(model int) float64 {
	if len(m.sums) < 2 {
		return math.NaN()
	}
	cov := func(i, j int) float64 { return m.squares[i][j]/m.n - m.sums[i]/m.n*m.sums[j]/m.n }
	var with, rest float64
	for i := range m.sums {
		if i == model {
			continue
		}
		with += cov(model, i)
		for j := range m.sums {
			if j != model {
				rest += cov(i, j)
			}
		}
	}
	return with / math.Sqrt(cov(model, model)*rest)
}
