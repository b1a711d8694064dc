package graph

import (
	"math"

	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
)

// reluLayer is max(x, 0).
type reluLayer struct {
	node *nn.Node
	y    *value
}

func (l *reluLayer) forward(t *tape, in []*value) *value {
	l.y = t.apply("ReLU of", t.like(l.node.Shape), in, func(out []float32, in [][]float32) {
		t.elements(len(out), func(i, j int) {
			// AddScaled with scale 0 computes x + 0*x, and its floor is the ReLU.
			t.AddScaled(out[i:j], in[0][i:j], in[0][i:j], 0, 0)
		})
	})
	return l.y
}

func (l *reluLayer) backward(t *tape, dy *value) {
	t.give(l.node.In[0], t.mask(dy, l.y))
}

// mask adds the operation for the gradient of a ReLU with output y.
func (t *tape) mask(dy, y *value) *value {
	return t.apply("gradient of the ReLU of", t.reuse(dy), []*value{dy, y}, func(out []float32, in [][]float32) {
		t.elements(len(out), func(i, j int) {
			t.training.Mask(out[i:j], in[0][i:j], in[1][i:j])
		})
	})
}

// addLayer is a + scale*b, fused with the ReLU behind it if there is one.
type addLayer struct {
	node *nn.Node
	relu bool
	y    *value
}

func (l *addLayer) forward(t *tape, in []*value) *value {
	scale, floor := float32(l.node.Scale), simd.None
	if l.relu {
		floor = 0
	}
	l.y = t.apply("adding", t.like(l.node.Shape), in, func(out []float32, in [][]float32) {
		t.elements(len(out), func(i, j int) {
			t.AddScaled(out[i:j], in[0][i:j], in[1][i:j], scale, floor)
		})
	})
	return l.y
}

func (l *addLayer) backward(t *tape, dy *value) {
	a, b := l.node.In[0], l.node.In[1]
	if l.relu {
		dy = t.mask(dy, l.y)
	}
	db := dy
	if scale := float32(l.node.Scale); scale != 1 && t.needs[b.ID] {
		zero := make([]float32, elementsPerPart)
		db = t.apply("gradient of the second input of", t.like(l.node.Shape), []*value{dy}, func(out []float32, in [][]float32) {
			t.elements(len(out), func(i, j int) {
				t.AddScaled(out[i:j], zero[:j-i], in[0][i:j], scale, simd.None)
			})
		})
	}
	db.mem.holders++ // b still needs the memory
	t.give(a, dy)
	db.mem.holders--
	t.give(b, db)
}

// sigmoidLayer is 1/(1+exp(-x)).
type sigmoidLayer struct {
	node *nn.Node
	y    *value
}

func (l *sigmoidLayer) forward(t *tape, in []*value) *value {
	l.y = t.apply("sigmoid of", t.like(l.node.Shape), in, func(out []float32, in [][]float32) {
		t.elements(len(out), func(i, j int) {
			for k, v := range in[0][i:j] {
				out[i+k] = float32(1 / (1 + math.Exp(-float64(v))))
			}
		})
	})
	return l.y
}

func (l *sigmoidLayer) backward(t *tape, dy *value) {
	t.give(l.node.In[0], t.apply("gradient of the sigmoid of", t.reuse(dy), []*value{dy, l.y}, func(out []float32, in [][]float32) {
		t.elements(len(out), func(i, j int) {
			for k, y := range in[1][i:j] {
				out[i+k] = in[0][i+k] * y * (1 - y)
			}
		})
	}))
}

// dropoutLayer drops each value with probability P and scales the others by 1/(1-P)
// (Srivastava et al., JMLR 2014). A hash of the seed, the step, the layer and the index
// decides whether a value is dropped, so the number of threads does not matter.
type dropoutLayer struct {
	node *nn.Node
}

func (l *dropoutLayer) run(t *tape, out, x []float32) {
	keep := float32(1 / (1 - l.node.P))
	// Drop a value if 32 random bits, as a number in [0, 1), are below P.
	limit := uint64(l.node.P * (1 << 32))
	key := mix(mix(t.model.seed+uint64(l.node.ID)) ^ t.model.steps)
	t.elements(len(out), func(i, j int) {
		for k, v := range x[i:j] {
			out[i+k] = 0
			if mix(key+uint64(i+k))>>32 >= limit {
				out[i+k] = v * keep
			}
		}
	})
}

// mix is a step of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014, figure 16).
func mix(x uint64) uint64 {
	x += 0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}

func (l *dropoutLayer) forward(t *tape, in []*value) *value {
	return t.apply("dropout of", t.like(l.node.Shape), in, func(out []float32, in [][]float32) { l.run(t, out, in[0]) })
}

func (l *dropoutLayer) backward(t *tape, dy *value) {
	t.give(l.node.In[0], t.apply("gradient of the dropout of", t.reuse(dy), []*value{dy}, func(out []float32, in [][]float32) { l.run(t, out, in[0]) }))
}
