package graph

import (
	"math"

	"github.com/deploy-kernel/deploy-kernel/runtime/kernel"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

// norm is a batch norm, with the ReLU behind it where there is one (Ioffe and
// Szegedy, arXiv 1502.03167). In training it normalises by the batch's
// statistics, else by the running ones.
type norm struct {
	*crew
	node              *nn.Node
	gamma, beta       *param
	mean, variance    []float32 // running
	train             bool
	floor             float32
	pixel, rows       int
	vectors           kernel.Norm
	gain              []float32 // 1/sqrt(variance + eps)
	a, b, c           []float32
	batchMean         []float64
	batchVar          []float64
	partRows          int
	sumA, sumB, pivot []float32
}

func newNorm(t *tape, n *nn.Node, relu bool) *norm {
	p := n.Params()
	pixel := round(n.Shape.C, kernel.Lanes)
	vector := func() []float32 { return make([]float32, pixel) }
	l := &norm{
		crew: t.crew, node: n, gamma: t.model.params[p[0].Name], beta: t.model.params[p[1].Name],
		mean: t.model.stats[p[2].Name], variance: t.model.stats[p[3].Name],
		floor: kernel.None, pixel: pixel, rows: t.n * n.Shape.H * n.Shape.W,
		gain: vector(), a: vector(), b: vector(), c: vector(), sumA: vector(), sumB: vector(), pivot: vector(),
		batchMean: make([]float64, n.Shape.C), batchVar: make([]float64, n.Shape.C),
	}
	l.train = t.train && !(l.gamma.frozen && l.beta.frozen)
	if relu {
		l.floor = 0
	}
	l.vectors = kernel.Norm{Scale: vector(), Shift: vector(), Mean: vector(), Floor: l.floor}
	// Parts sum in float32, which more rows would make inexact, and are summed
	// up in float64.
	l.partRows = min(256, max(16, l.rows/16))
	return l
}

// sums lets f sum up the rows of each part into two vectors, and returns the
// sums of all parts.
func (l *norm) sums(f func(w *worker, a, b []float32, first, end int)) (a, b []float64) {
	parts, bounds := split(l.rows, l.partRows)
	all := l.common(parts * 2 * l.pixel)
	l.crew.run(parts, func(w *worker, part int) {
		first, end := bounds(part)
		s := all[part*2*l.pixel:][:2*l.pixel]
		clear(s)
		f(w, s[:l.pixel], s[l.pixel:], first*l.pixel, end*l.pixel)
	})
	a, b = make([]float64, l.node.Shape.C), make([]float64, l.node.Shape.C)
	for part := range parts {
		s := all[part*2*l.pixel:]
		for c := range a {
			a[c] += float64(s[c])
			b[c] += float64(s[l.pixel+c])
		}
	}
	return a, b
}

func (l *norm) forward(y, x []float32) {
	if l.train {
		l.moments(x)
	} else {
		for c := range l.node.Shape.C {
			l.set(c, float64(l.mean[c]), float64(l.variance[c]))
		}
	}
	parts, bounds := split(l.rows, l.partRows)
	l.crew.run(parts, func(_ *worker, part int) {
		first, end := bounds(part)
		first, end = first*l.pixel, end*l.pixel
		l.training.AffineRows(y[first:end], x[first:end], l.vectors.Scale, l.vectors.Shift, l.floor)
	})
}

// moments computes the batch's mean and variance, from the differences to the
// first pixel, which keeps the error small where the mean is large.
func (l *norm) moments(x []float32) {
	copy(l.pivot, x[:l.pixel])
	sum, squares := l.sums(func(_ *worker, a, b []float32, first, end int) {
		l.training.Moments(a, b, x[first:end], l.pivot)
	})
	count := float64(l.rows)
	for c := range sum {
		d := sum[c] / count
		l.batchMean[c] = float64(l.pivot[c]) + d
		l.batchVar[c] = max(0, squares[c]/count-d*d)
		if math.IsNaN(squares[c]) {
			l.batchVar[c] = math.NaN()
		}
		l.set(c, l.batchMean[c], l.batchVar[c])
	}
}

// set makes a channel's vectors of its statistics.
func (l *norm) set(c int, mean, variance float64) {
	gain := 1 / math.Sqrt(variance+l.node.Eps)
	scale := float64(l.gamma.Value[c]) * gain
	l.gain[c], l.vectors.Mean[c] = float32(gain), float32(mean)
	l.vectors.Scale[c], l.vectors.Shift[c] = float32(scale), float32(float64(l.beta.Value[c])-mean*scale)
}

// backward adds the gradients of weight and bias to theirs, and writes the
// input's to dx, unless that is nil. dx may be dy.
func (l *norm) backward(dx, dy, x []float32) {
	if l.train || !l.gamma.frozen || !l.beta.frozen {
		l.gradients(dy, x)
	}
	if !l.train {
		copy(l.a, l.vectors.Scale)
	}
	if dx == nil {
		return
	}
	parts, bounds := split(l.rows, l.partRows)
	l.crew.run(parts, func(w *worker, part int) {
		first, end := bounds(part)
		first, end = first*l.pixel, end*l.pixel
		l.training.NormGrad(&l.vectors, dx[first:end], dy[first:end], x[first:end], l.a, l.b, l.c)
	})
}

// gradients sums up the gradients of weight and bias, and with them makes the
// coefficients of the input's.
func (l *norm) gradients(dy, x []float32) {
	sum, dot := l.sums(func(_ *worker, a, b []float32, first, end int) {
		l.training.NormSums(&l.vectors, a, b, dy[first:end], x[first:end])
	})
	count := float64(l.rows)
	for c := range sum {
		gain := float64(l.gain[c])
		if !l.gamma.frozen {
			l.gamma.Grad[c] += float32(dot[c] * gain)
		}
		if !l.beta.frozen {
			l.beta.Grad[c] += float32(sum[c])
		}
		if l.train {
			a := float64(l.gamma.Value[c]) * gain
			l.a[c] = float32(a)
			l.b[c] = float32(-a * gain * gain * dot[c] / count)
			l.c[c] = float32(-a * sum[c] / count)
		}
	}
}

// commit moves the running statistics towards the batch's, by momentum.
func (l *norm) commit(momentum float64) {
	count := float64(l.rows)
	bessel := count / max(1, count-1)
	for c := range l.batchMean {
		l.mean[c] = float32((1-momentum)*float64(l.mean[c]) + momentum*l.batchMean[c])
		l.variance[c] = float32((1-momentum)*float64(l.variance[c]) + momentum*l.batchVar[c]*bessel)
	}
}

// finite reports whether the batch's statistics are numbers.
func (l *norm) finite() bool {
	for c, m := range l.batchMean {
		if v := m + l.batchVar[c]; math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}
