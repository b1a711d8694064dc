package graph

import (
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
)

// scaleLayer multiplies each channel by a parameter.
type scaleLayer struct {
	node   *nn.Node
	x      *value
	gamma  *param
	gammas []float32 // padded to whole planes
	sum    []float64
}

func newScale(t *tape, n *nn.Node, x *value) *scaleLayer {
	return &scaleLayer{
		node: n, x: x, gamma: t.model.params[n.Params()[0].Name], gammas: make([]float32, x.channels()),
		sum: make([]float64, n.Shape.C),
	}
}

// scale computes y = x*gamma. y may be x.
func (l *scaleLayer) scale(t *tape, y, x []float32) {
	copy(l.gammas, l.gamma.Value)
	var zero lane
	t.planes(l.x, func(_ *worker, _, plane, at int) {
		t.Scale(y[at:][:l.x.plane()], x[at:], of(l.gammas, plane), zero[:], simd.None)
	})
}

func (l *scaleLayer) forward(t *tape, in []*value) *value {
	return t.apply("scaling", t.like(l.node.Shape), []*value{in[0], l.gamma.on(t)}, func(out []float32, in [][]float32) {
		l.scale(t, out, in[0])
	})
}

func (l *scaleLayer) backward(t *tape, dy *value) {
	// Both gradients read dy. The input's may overwrite dy, so the factors' come first.
	if !l.gamma.frozen {
		t.apply("gradient of the factors of", l.gamma.grad(t), []*value{dy, l.x}, func(out []float32, in [][]float32) {
			t.total(l.x, l.sum, nil, func(_ *worker, _ int, a, _ []float32, first, end int) {
				t.training.Dot(a, in[0][first:end], in[1][first:end])
			})
			for c, v := range l.sum {
				out[c] += float32(v)
			}
		})
	}
	if !t.needs[l.node.In[0].ID] {
		return
	}
	t.give(l.node.In[0], t.apply("gradient of", t.reuse(dy), []*value{dy, l.gamma.on(t)}, func(out []float32, in [][]float32) {
		l.scale(t, out, in[0])
	}))
}
