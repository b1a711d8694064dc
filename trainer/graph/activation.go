package graph

import (
	"fmt"
	"math"

	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
)

// activateLayer is an nn.Activation of each value.
type activateLayer struct {
	node *nn.Node
	x    *value
}

func (l *activateLayer) forward(t *tape, in []*value) *value {
	l.x = in[0]
	return t.apply("activation of", t.like(l.node.Shape), in, l.run(t))
}

// run returns the function that computes the activation.
func (l *activateLayer) run(t *tape) func(out []float32, in [][]float32) {
	a := l.node.Activation
	switch a.Kind {
	case nn.Swish:
		return t.swish(float32(a.A))
	case nn.GELU:
		return func(out []float32, in [][]float32) {
			t.elements(len(out), func(i, j int) { t.training.GELU(out[i:j], in[0][i:j]) })
		}
	}
	return func(out []float32, in [][]float32) {
		t.elements(len(out), func(i, j int) {
			for k, v := range in[0][i:j] {
				out[i+k] = float32(a.Of(float64(v)))
			}
		})
	}
}

// swish returns the function that computes x*sigmoid(factor*x).
func (t *tape) swish(factor float32) func(out []float32, in [][]float32) {
	zero := make([]float32, elementsPerPart)
	return func(out []float32, in [][]float32) {
		t.elements(len(out), func(i, j int) {
			x, y := in[0][i:j], out[i:j]
			t.AddScaled(y, zero, x, factor, simd.None)
			t.Sigmoid(y, y)
			t.Affine(y, y, x, zero, simd.None)
		})
	}
}

func (l *activateLayer) backward(t *tape, dy *value) {
	t.give(l.node.In[0], t.apply("gradient of the activation of", t.reuse(dy), []*value{dy, l.x}, l.gradient(t)))
}

// gradient returns the function that computes the gradient of the input from the gradient
// of the output and the input.
func (l *activateLayer) gradient(t *tape) func(out []float32, in [][]float32) {
	a := l.node.Activation
	switch a.Kind {
	case nn.Swish:
		return t.swishGradient(float32(a.A))
	case nn.GELU:
		return func(out []float32, in [][]float32) {
			t.elements(len(out), func(i, j int) { t.training.GELUGrad(out[i:j], in[0][i:j], in[1][i:j]) })
		}
	}
	return func(out []float32, in [][]float32) {
		t.elements(len(out), func(i, j int) {
			for k, v := range in[1][i:j] {
				out[i+k] = in[0][i+k] * float32(slope(a, float64(v)))
			}
		})
	}
}

// swishGradient returns the function that computes the gradient of x*sigmoid(factor*x).
func (t *tape) swishGradient(factor float32) func(out []float32, in [][]float32) {
	zero := make([]float32, elementsPerPart)
	return func(out []float32, in [][]float32) {
		parts, bounds := split(len(out), elementsPerPart)
		t.run(parts, func(w *worker, part int) {
			i, j := bounds(part)
			x, s := in[1][i:j], w.take(j - i)[:j-i]
			t.AddScaled(s, zero, x, factor, simd.None)
			t.Sigmoid(s, s)
			t.training.SwishGrad(out[i:j], in[0][i:j], x, s, factor)
		})
	}
}

// slope returns the derivative at x of an activation that has no SIMD routine. At a kink it
// is the one that PyTorch computes.
func slope(a nn.Activation, x float64) float64 {
	sigmoid := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	switch a.Kind {
	case nn.GELUTanh:
		const c = 0.7978845608028654 // sqrt(2/pi)
		th := math.Tanh(c * (x + 0.044715*x*x*x))
		return 0.5*(1+th) + 0.5*x*(1-th*th)*c*(1+3*0.044715*x*x)
	case nn.HardSigmoid:
		if y := a.A*x + a.B; y > 0 && y < 1 {
			return a.A
		}
		return 0
	case nn.HardSwish:
		switch {
		case x <= -3:
			return 0
		case x < 3:
			return x/3 + 0.5
		}
		return 1
	case nn.Mish:
		th := math.Tanh(max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))))
		return th + x*(1-th*th)*sigmoid(x)
	case nn.Clip:
		if x >= a.A && x <= a.B {
			return 1
		}
		return 0
	case nn.LeakyReLU:
		if x > 0 {
			return 1
		}
		return a.A
	case nn.ELU:
		if x > 0 {
			return 1
		}
		return a.A * math.Exp(x)
	case nn.Tanh:
		y := math.Tanh(x)
		return 1 - y*y
	}
	panic(fmt.Sprintf("graph: internal error: no derivative of %v", a))
}
