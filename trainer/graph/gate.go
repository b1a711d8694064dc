package graph

import (
	"github.com/deploy-kernel/deploy-kernel/runtime/kernel"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

// mulLayer is x times a gate, of one value a channel or one a pixel.
type mulLayer struct {
	node    *nn.Node
	x, gate *value
}

// perPixel reports whether the gate has one value a pixel.
func (l *mulLayer) perPixel() bool {
	g := l.gate.shape
	return g.H > 1 || g.W > 1 || g.C < l.x.shape.C
}

// gateRows is how many pixels a part has.
const gateRows = 256

// parts splits the images' pixels: f gets the first and the end pixel of a
// part, which lie in one image.
func (l *mulLayer) parts(t *tape, f func(image, part, first, end int)) (perImage int) {
	pixels := l.x.shape.H * l.x.shape.W
	perImage, bounds := split(pixels, gateRows)
	t.run(t.n*perImage, func(_ *worker, i int) {
		first, end := bounds(i % perImage)
		image := i / perImage
		f(image, i%perImage, image*pixels+first, image*pixels+end)
	})
	return perImage
}

func (l *mulLayer) forward(t *tape, in []*value) *value {
	l.x, l.gate = in[0], in[1]
	px, gpx := l.x.pixel, l.gate.pixel
	zero := make([]float32, gateRows*px)
	return t.apply("gating", t.like(l.node.Shape), in, func(out []float32, in [][]float32) {
		x, gate := in[0], in[1]
		l.parts(t, func(image, _, first, end int) {
			if !l.perPixel() {
				t.training.GateRows(out[first*px:end*px], x[first*px:end*px], gate[image*gpx:][:px], zero[:(end-first)*px], kernel.None)
				return
			}
			for p := first; p < end; p++ {
				t.AddScaled(out[p*px:][:px], zero[:px], x[p*px:][:px], gate[p*gpx], kernel.None)
			}
		})
	})
}

func (l *mulLayer) backward(t *tape, dy *value) {
	px, gpx := l.x.pixel, l.gate.pixel
	// The gate's gradient is a by-product of the input's, which has to be read
	// for both.
	zero := make([]float32, px)
	pixels := l.x.shape.H * l.x.shape.W
	perImage := (pixels + gateRows - 1) / gateRows
	size := px // floats that a part gives to the gate
	if l.perPixel() {
		size = gateRows
	}
	dgate := make([]float32, t.n*perImage*size)
	dx := t.apply("gradient of", t.reuse(dy), []*value{dy, l.x, l.gate}, func(out []float32, in [][]float32) {
		dy, x, gate := in[0], in[1], in[2]
		l.parts(t, func(image, part, first, end int) {
			d := dgate[(image*perImage+part)*size:][:size]
			if !l.perPixel() {
				clear(d)
				t.training.GateGrad(out[first*px:end*px], d, dy[first*px:end*px], x[first*px:end*px], gate[image*gpx:][:px])
				return
			}
			for p := first; p < end; p++ {
				d[p-first] = t.training.Dot(dy[p*px:][:px], x[p*px:][:px])
				t.AddScaled(out[p*px:][:px], zero, dy[p*px:][:px], gate[p*gpx], kernel.None)
			}
		})
	})
	if g := l.node.In[1]; t.needs[g.ID] {
		t.give(g, t.apply("gradient of the gate of", t.like(g.Shape), []*value{dx}, func(out []float32, _ [][]float32) {
			clear(out)
			if l.perPixel() {
				for p := range t.n * pixels {
					out[p*gpx] = dgate[(p/pixels*perImage+p%pixels/gateRows)*size+p%pixels%gateRows]
				}
				return
			}
			for i := range t.n {
				sum := out[i*gpx:][:px]
				for part := range perImage {
					t.AddScaled(sum, sum, dgate[(i*perImage+part)*size:][:size], 1, kernel.None)
				}
			}
		}))
	}
	t.give(l.node.In[0], dx)
}
