package graph

import (
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
)

// mulLayer multiplies x by a gate, with one value for each channel or for each pixel.
type mulLayer struct {
	node    *nn.Node
	x, gate *value
}

// perPixel reports whether the gate has one value for each pixel.
func (l *mulLayer) perPixel() bool {
	g := l.gate.shape
	return g.H > 1 || g.W > 1 || g.C < l.x.shape.C
}

func (l *mulLayer) forward(t *tape, in []*value) *value {
	l.x, l.gate = in[0], in[1]
	zero := make([]float32, l.x.plane())
	return t.apply("gating", t.like(l.node.Shape), in, func(out []float32, in [][]float32) {
		t.planes(l.x, func(_ *worker, image, plane, at int) {
			y, x, gate := out[at:][:l.x.plane()], in[0][at:], in[1][image*l.gate.image():]
			if l.perPixel() {
				t.GatePixels(y, x, gate, zero, simd.None)
			} else {
				t.Gate(y, x, gate[plane*simd.Lanes:], zero, simd.None)
			}
		})
	})
}

func (l *mulLayer) backward(t *tape, dy *value) {
	// Both gradients read dy. The input's may overwrite dy, so the gate's comes first.
	if g := l.node.In[1]; t.needs[g.ID] {
		t.give(g, t.apply("gradient of the gate of", t.like(g.Shape), []*value{dy, l.x}, func(out []float32, in [][]float32) {
			clear(out)
			if l.perPixel() {
				l.gatePixels(t, out, in[0], in[1])
				return
			}
			t.planes(l.x, func(w *worker, image, plane, at int) {
				n := l.x.plane()
				t.training.Dot(out[image*l.gate.image()+plane*simd.Lanes:][:simd.Lanes], in[0][at:][:n], in[1][at:][:n])
			})
		}))
	}
	zero := make([]float32, l.x.plane())
	t.give(l.node.In[0], t.apply("gradient of", t.reuse(dy), []*value{dy, l.gate}, func(out []float32, in [][]float32) {
		t.planes(l.x, func(_ *worker, image, plane, at int) {
			dx, dy, gate := out[at:][:l.x.plane()], in[0][at:], in[1][image*l.gate.image():]
			if l.perPixel() {
				t.GatePixels(dx, dy, gate, zero, simd.None)
			} else {
				t.Gate(dx, dy, gate[plane*simd.Lanes:], zero, simd.None)
			}
		})
	}))
}

// gatePixels computes the gradient of a gate with one value for each pixel: the sum of
// dy*x over the planes, and then over the lanes.
func (l *mulLayer) gatePixels(t *tape, dgate, dy, x []float32) {
	t.run(l.x.images, func(_ *worker, image int) {
		sum := dgate[image*l.gate.image():][:l.gate.image()]
		for plane := range l.x.planes() {
			from := image*l.x.image() + plane*l.x.plane()
			t.training.MulAdd(sum, dy[from:][:len(sum)], x[from:][:len(sum)])
		}
		for p := 0; p < len(sum); p += simd.Lanes {
			px := at(sum, p)
			var total float32
			for _, v := range px {
				total += v
			}
			*px = lane{total}
		}
	})
}
