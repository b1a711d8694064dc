package graph

import (
	"math"

	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
)

// layerNorm normalizes the channels of each pixel (Ba et al., arXiv 1607.06450).
type layerNorm struct {
	node        *nn.Node
	x           *value
	gamma, beta *param
	// gammas and betas are padded to whole planes.
	gammas, betas []float32
	// With gain g = 1/sqrt(variance + eps), a value is normalized as x*gain + offset.
	gain, offset []float32 // by pixel
	sumA, sumB   []float64
}

func newLayerNorm(t *tape, n *nn.Node, x *value) *layerNorm {
	p := n.Params()
	return &layerNorm{
		node: n, x: x, gamma: t.model.params[p[0].Name], beta: t.model.params[p[1].Name],
		gammas: make([]float32, x.channels()), betas: make([]float32, x.channels()),
		gain: make([]float32, x.pixels()), offset: make([]float32, x.pixels()),
		sumA: make([]float64, n.Shape.C), sumB: make([]float64, n.Shape.C),
	}
}

// normPixels is the number of pixels that a part of a layer norm computes. With their
// sums, a plane of them fits the first-level cache.
const normPixels = 64

// chunk is a range of pixels of an image in the planes of a layer norm.
type chunk struct {
	x     *value
	image int
	first int // pixel
	n     int // floats in a plane
}

// chunks calls f in parallel for ranges of pixels of every image.
func (l *layerNorm) chunks(t *tape, f func(w *worker, c chunk)) {
	parts, bounds := split(l.x.shape.H*l.x.shape.W, normPixels)
	t.run(l.x.images*parts, func(w *worker, part int) {
		first, end := bounds(part % parts)
		f(w, chunk{l.x, part / parts, first, (end - first) * simd.Lanes})
	})
}

// plane returns the chunk's values in a plane of v.
func (c chunk) plane(v []float32, plane int) []float32 {
	return v[c.image*c.x.image()+plane*c.x.plane()+c.first*simd.Lanes:][:c.n]
}

// pixels returns the chunk's values of a vector with one for each pixel.
func (c chunk) pixels(v []float32) []float32 {
	return v[c.image*c.x.shape.H*c.x.shape.W+c.first:][:c.n/simd.Lanes]
}

// clearMissing clears the lanes of a plane that have no channel.
func (c chunk) clearMissing(v []float32, plane int) {
	for i := range v {
		if plane*simd.Lanes+i%simd.Lanes >= c.x.shape.C {
			v[i] = 0
		}
	}
}

// missing reports whether a plane has lanes without a channel.
func (c chunk) missing(plane int) bool { return (plane+1)*simd.Lanes > c.x.shape.C }

// spread writes the value of each pixel to all its lanes.
func spread(lanes, pixels []float32) {
	for p, v := range pixels {
		px := at(lanes, p*simd.Lanes)
		for i := range px {
			px[i] = v
		}
	}
}

// sumLanes writes the sum of each pixel's lanes times factor to all its lanes.
func sumLanes(x []float32, factor float64) {
	for p := 0; p < len(x); p += simd.Lanes {
		px := at(x, p)
		var sum float64
		for _, v := range px {
			sum += float64(v)
		}
		for i := range px {
			px[i] = float32(sum * factor)
		}
	}
}

func (l *layerNorm) forward(t *tape, in []*value) *value {
	return t.apply("normalizing", t.like(l.node.Shape), []*value{in[0], l.gamma.on(t), l.beta.on(t)}, func(y []float32, in [][]float32) {
		copy(l.gammas, l.gamma.Value)
		copy(l.betas, l.beta.Value)
		l.chunks(t, func(w *worker, c chunk) { l.normalize(t, w, c, y, in[0]) })
	})
}

// normalize computes a chunk. It sums the squares of differences to the mean, not of the
// values, to keep the rounding error small if the mean is large.
func (l *layerNorm) normalize(t *tape, w *worker, c chunk, y, x []float32) {
	mean, squares, d := w.take(c.n)[:c.n], w.take(c.n)[:c.n], w.take(c.n)[:c.n]
	clear(mean)
	clear(squares)
	for plane := range l.x.planes() {
		v := c.plane(x, plane)
		if c.missing(plane) {
			copy(d, v)
			c.clearMissing(d, plane)
			v = d
		}
		t.AddScaled(mean, mean, v, 1, simd.None)
	}
	sumLanes(mean, 1/float64(l.node.Shape.C))
	for plane := range l.x.planes() {
		t.AddScaled(d, c.plane(x, plane), mean, -1, simd.None)
		if c.missing(plane) {
			c.clearMissing(d, plane)
		}
		t.training.MulAdd(squares, d, d)
	}
	sumLanes(squares, 1/float64(l.node.Shape.C))
	gain, offset := c.pixels(l.gain), c.pixels(l.offset)
	for p := range gain {
		g := 1 / math.Sqrt(float64(squares[p*simd.Lanes])+l.node.Eps)
		gain[p], offset[p] = float32(g), float32(-float64(mean[p*simd.Lanes])*g)
	}
	spread(squares, gain)
	spread(mean, offset)
	for plane := range l.x.planes() {
		t.GatePixels(d, c.plane(x, plane), squares, mean, simd.None)
		t.Scale(c.plane(y, plane), d, of(l.gammas, plane), of(l.betas, plane), simd.None)
	}
}

func (l *layerNorm) backward(t *tape, dy *value) {
	in := []*value{dy, l.x}
	if !t.needs[l.node.In[0].ID] {
		t.apply("gradient of the parameters of", l.gamma.grad(t), in, func(_ []float32, in [][]float32) { l.gradients(t, in[0], in[1]) })
		return
	}
	t.give(l.node.In[0], t.apply("gradient of", t.reuse(dy), in, func(dx []float32, in [][]float32) {
		l.gradients(t, in[0], in[1])
		l.chunks(t, func(w *worker, c chunk) { l.gradient(t, w, c, dx, in[0], in[1]) })
	}))
}

// gradients adds to the gradients of weight and bias.
func (l *layerNorm) gradients(t *tape, dy, x []float32) {
	if l.gamma.frozen && l.beta.frozen {
		return
	}
	pixels := l.x.shape.H * l.x.shape.W
	t.total(l.x, l.sumA, l.sumB, func(w *worker, plane int, a, b []float32, first, end int) {
		gain, offset, normal := w.take(end - first)[:end-first], w.take(end - first)[:end-first], w.take(end - first)[:end-first]
		p := first/l.x.image()*pixels + first%l.x.plane()/simd.Lanes
		spread(gain, l.gain[p:][:(end-first)/simd.Lanes])
		spread(offset, l.offset[p:][:(end-first)/simd.Lanes])
		t.GatePixels(normal, x[first:end], gain, offset, simd.None)
		t.training.Dot(a, dy[first:end], normal)
		t.Sum(b, dy[first:end])
	})
	for c := range l.sumA {
		if !l.gamma.frozen {
			l.gamma.Grad[c] += float32(l.sumA[c])
		}
		if !l.beta.frozen {
			l.beta.Grad[c] += float32(l.sumB[c])
		}
	}
}

// gradient computes the input's gradient of a chunk. With g = dy*gamma and the normalized
// value v, it is gain * (g - mean(g) - v*mean(g*v)). dx may be dy.
func (l *layerNorm) gradient(t *tape, w *worker, c chunk, dx, dy, x []float32) {
	take := func() []float32 { return w.take(c.n)[:c.n] }
	gain, offset, v, g, sum, dot := take(), take(), take(), take(), take(), take()
	spread(gain, c.pixels(l.gain))
	spread(offset, c.pixels(l.offset))
	clear(sum)
	clear(dot)
	var zero lane
	load := func(plane int) {
		t.GatePixels(v, c.plane(x, plane), gain, offset, simd.None)
		t.Scale(g, c.plane(dy, plane), of(l.gammas, plane), zero[:], simd.None)
	}
	for plane := range l.x.planes() {
		load(plane)
		t.AddScaled(sum, sum, g, 1, simd.None)
		t.training.MulAdd(dot, g, v)
	}
	for _, x := range [][]float32{sum, dot} {
		sumLanes(x, -1/float64(l.node.Shape.C))
		for i := range x {
			x[i] *= gain[i]
		}
	}
	rest := take()
	for plane := range l.x.planes() {
		load(plane)
		copy(rest, sum)
		t.training.MulAdd(rest, v, dot)
		t.GatePixels(c.plane(dx, plane), g, gain, rest, simd.None)
	}
}
