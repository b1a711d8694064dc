package problem

import "math"

// Newton returns the coefficients that minimize the quadratic function with the
// gradient and the second derivatives that the loss has at a point (Newton's method).
func (l *LogLoss) Newton(point []float64) []float64 {
	w := Scaled(point, l.models)
	n := l.models
	sums := l.parallel(n+n*(n+1)/2, func(part *part, i int, sums []float64) {
		e := part.entry(i)
		p := weighted(w, e)
		q := 1 / (1 - p)
		if part.truth[i] {
			q = -1 / p
		}
		next := n
		for k, v := range e {
			qv := q * float64(v)
			sums[k] += qv
			for _, u := range e[:k+1] {
				sums[next] += qv * q * float64(u)
				next++
			}
		}
	})
	m := model{point: w, gradient: sums[:n:n], second: make([][]float64, n)}
	for k := range n {
		m.gradient[k] += l.sums[k]
		m.second[k] = make([]float64, n)
	}
	next := n
	for k := range n {
		for j := range k + 1 {
			h := sums[next] + l.sums[next]
			m.second[k][j], m.second[j][k] = h, h
			// The products of the moments are symmetric.
			m.gradient[k] += l.sums[next] * w[j]
			if j < k {
				m.gradient[j] += l.sums[next] * w[k]
			}
			next++
		}
	}
	m.minimize()
	return m.point
}

// model is a convex quadratic function of coefficients that sum to 1.
type model struct {
	point    []float64
	gradient []float64 // at point
	second   [][]float64
}

// minimize moves the point to the minimum. It moves coefficient from one model to
// another, as far as that helps, until nothing moves.
func (m *model) minimize() {
	const (
		most  = 10_000 // rounds
		still = 1e-13  // coefficient moved in a round that ends the search
	)
	for range most {
		moved := 0.0
		for i := range m.point {
			for j := range i {
				moved = max(moved, math.Abs(m.exchange(i, j)))
			}
		}
		if moved < still {
			return
		}
	}
}

// exchange moves coefficient from model j to model i, and returns the amount.
func (m *model) exchange(i, j int) float64 {
	slope, bend := m.gradient[i]-m.gradient[j], m.second[i][i]-2*m.second[i][j]+m.second[j][j]
	by := 0.0
	switch {
	case bend > 0:
		by = min(max(-slope/bend, -m.point[i]), m.point[j])
	case slope < 0:
		by = m.point[j]
	case slope > 0:
		by = -m.point[i]
	}
	m.point[i] += by
	m.point[j] -= by
	for k := range m.gradient {
		m.gradient[k] += by * (m.second[k][i] - m.second[k][j])
	}
	return by
}
