package graph

import (
	"math"

	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
	"github.com/deploy-kernel/deploy-kernel/trainer/internal/routines"
)

// norm is a batch norm, fused with the ReLU behind it if there is one (Ioffe and Szegedy,
// arXiv 1502.03167).
type norm struct {
	*crew
	node           *nn.Node
	gamma, beta    *param
	mean, variance []float32 // the running statistics
	batch          bool      // normalize by the statistics of the batch, not by the running ones
	x              *value
	vectors        routines.Norm // for all channels
	gain           []float32     // 1/sqrt(variance + eps)
	a, b, c        []float32     // dx = a*g + b*(x - mean) + c; see routines.Set.NormGrad
	pivot          []float32     // the first pixel, subtracted in moments
	batchMean      []float64
	batchVar       []float64
	sumA, sumB     []float64
}

func newNorm(t *tape, n *nn.Node, x *value, relu bool) *norm {
	p := n.Params()
	vector := func() []float32 { return make([]float32, x.channels()) }
	l := &norm{
		crew: t.crew, node: n, gamma: t.model.params[p[0].Name], beta: t.model.params[p[1].Name],
		mean: t.model.stats[p[2].Name], variance: t.model.stats[p[3].Name], x: x,
		vectors: routines.Norm{Scale: vector(), Shift: vector(), Mean: vector(), Floor: simd.None},
		gain:    vector(), a: vector(), b: vector(), c: vector(), pivot: vector(),
		batchMean: make([]float64, n.Shape.C), batchVar: make([]float64, n.Shape.C),
		sumA: make([]float64, n.Shape.C), sumB: make([]float64, n.Shape.C),
	}
	l.batch = t.train && !(l.gamma.frozen && l.beta.frozen)
	if relu {
		l.vectors.Floor = 0
	}
	return l
}

// of returns the values of a plane's channels.
func of(v []float32, plane int) []float32 { return v[plane*simd.Lanes:][:simd.Lanes] }

// plane returns the vectors of a plane's channels.
func (l *norm) plane(plane int) routines.Norm {
	v := &l.vectors
	return routines.Norm{Scale: of(v.Scale, plane), Shift: of(v.Shift, plane), Mean: of(v.Mean, plane), Floor: v.Floor}
}

// sumPixels is the number of pixels that are summed in float32. These sums are added in
// float64.
const sumPixels = 256

// total sets a and b to two sums over all pixels of each channel of v. f adds the values in
// [first, end) of a plane to both. A nil b is not needed.
func (c *crew) total(v *value, a, b []float64, f func(w *worker, plane int, a, b []float32, first, end int)) {
	planes, size := v.planes(), v.plane()
	all := c.zeros(v.images * planes)
	c.run(len(all), func(w *worker, i int) {
		s := &w.sums
		for p := 0; p < size; p += sumPixels * simd.Lanes {
			clear(s[0][:])
			clear(s[1][:])
			w.used = 0
			f(w, i%planes, s[0][:], s[1][:], i*size+p, i*size+min(p+sumPixels*simd.Lanes, size))
			for c := range simd.Lanes {
				all[i][0][c] += float64(s[0][c])
				all[i][1][c] += float64(s[1][c])
			}
		}
	})
	clear(a)
	clear(b)
	for i := range all {
		for c := range min(simd.Lanes, len(a)-i%planes*simd.Lanes) {
			a[i%planes*simd.Lanes+c] += all[i][0][c]
			if b != nil {
				b[i%planes*simd.Lanes+c] += all[i][1][c]
			}
		}
	}
}

func (l *norm) forward(t *tape, y, x []float32) {
	if l.batch {
		l.moments(x)
	} else {
		for c := range l.node.Shape.C {
			l.set(c, float64(l.mean[c]), float64(l.variance[c]))
		}
	}
	t.planes(l.x, func(_ *worker, _, plane, at int) {
		v := l.plane(plane)
		l.Scale(y[at:][:l.x.plane()], x[at:], v.Scale, v.Shift, v.Floor)
	})
}

// moments computes the mean and variance of the batch. It sums differences to the first
// pixel, to keep the rounding error small if the mean is large.
func (l *norm) moments(x []float32) {
	for plane := range l.x.planes() {
		copy(of(l.pivot, plane), x[plane*l.x.plane():])
	}
	sum, squares := l.sumA, l.sumB
	l.total(l.x, sum, squares, func(_ *worker, plane int, a, b []float32, first, end int) {
		l.training.Moments(a, b, x[first:end], of(l.pivot, plane))
	})
	count := float64(l.x.pixels())
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

// set computes a channel's vectors from its statistics.
func (l *norm) set(c int, mean, variance float64) {
	gain := 1 / math.Sqrt(variance+l.node.Eps)
	scale := float64(l.gamma.Value[c]) * gain
	l.gain[c], l.vectors.Mean[c] = float32(gain), float32(mean)
	l.vectors.Scale[c], l.vectors.Shift[c] = float32(scale), float32(float64(l.beta.Value[c])-mean*scale)
}

// backward adds to the gradients of weight and bias, and writes the gradient of the input
// to dx unless that is nil. dx may be dy.
func (l *norm) backward(t *tape, dx, dy, x []float32) {
	if l.batch || !l.gamma.frozen || !l.beta.frozen {
		l.gradients(dy, x)
	}
	if !l.batch {
		copy(l.a, l.vectors.Scale)
	}
	if dx == nil {
		return
	}
	t.planes(l.x, func(w *worker, _, plane, at int) {
		w.norm = l.plane(plane)
		end := at + l.x.plane()
		l.training.NormGrad(&w.norm, dx[at:end], dy[at:end], x[at:end], of(l.a, plane), of(l.b, plane), of(l.c, plane))
	})
}

// gradients adds to the gradients of weight and bias, and computes the coefficients of the
// input's gradient from them.
func (l *norm) gradients(dy, x []float32) {
	sum, dot := l.sumA, l.sumB
	l.total(l.x, sum, dot, func(w *worker, plane int, a, b []float32, first, end int) {
		w.norm = l.plane(plane)
		l.training.NormSums(&w.norm, a, b, dy[first:end], x[first:end])
	})
	count := float64(l.x.pixels())
	for c := range sum {
		gain := float64(l.gain[c])
		if !l.gamma.frozen {
			l.gamma.Grad[c] += float32(dot[c] * gain)
		}
		if !l.beta.frozen {
			l.beta.Grad[c] += float32(sum[c])
		}
		if l.batch {
			a := float64(l.gamma.Value[c]) * gain
			l.a[c] = float32(a)
			l.b[c] = float32(-a * gain * gain * dot[c] / count)
			l.c[c] = float32(-a * sum[c] / count)
		}
	}
}

// commit updates the running statistics: the batch gets the share momentum.
func (l *norm) commit(momentum float64) {
	count := float64(l.x.pixels())
	bessel := count / max(1, count-1)
	for c := range l.batchMean {
		l.mean[c] = float32((1-momentum)*float64(l.mean[c]) + momentum*l.batchMean[c])
		l.variance[c] = float32((1-momentum)*float64(l.variance[c]) + momentum*l.batchVar[c]*bessel)
	}
}

// finite reports whether the statistics of the batch are finite.
func (l *norm) finite() bool {
	for c, m := range l.batchMean {
		if v := m + l.batchVar[c]; math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}
