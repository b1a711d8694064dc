package engine

import (
	"math"

	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
)

// activation applies a function to each element.
type activation struct {
	apply func(y, x []float32) // on one row
	x, y  *tensor
}

func newActivation(set *simd.Set, a nn.Activation, x, y *tensor) *activation {
	return &activation{apply: rowOf(set, a), x: x, y: y}
}

func (a *activation) parts(int) int { return a.y.count() }

func (a *activation) run(arena []float32, _ *scratch, plane, _ int) {
	for y := range a.y.h {
		dst := a.y.line(arena, plane, y)
		a.apply(dst, a.x.line(arena, plane, y))
		a.y.clearEmpty(dst, plane)
	}
	a.y.clearBorder(arena, plane)
}

// rowOf returns an activation of a row. Those that have a form with a sigmoid use the
// SIMD routine.
func rowOf(set *simd.Set, a nn.Activation) func(y, x []float32) {
	switch a.Kind {
	case nn.Swish:
		factor := float32(a.A)
		return gated(set, func(v float32) float32 { return factor * v })
	case nn.GELUTanh:
		// (1 + tanh(u)) / 2 is the sigmoid of 2u.
		const factor = 2 * math.Sqrt2 / math.SqrtPi
		return gated(set, func(v float32) float32 { return factor * (v + 0.044715*v*v*v) })
	case nn.Clip:
		low, high := float32(a.A), float32(a.B)
		return each(func(v float32) float32 { return max(low, min(high, v)) })
	case nn.HardSigmoid:
		scale, shift := float32(a.A), float32(a.B)
		return each(func(v float32) float32 { return max(0, min(1, scale*v+shift)) })
	case nn.HardSwish:
		return each(func(v float32) float32 { return v * max(0, min(1, v*(1.0/6)+0.5)) })
	case nn.Power:
		switch a.A {
		case 2:
			return each(func(v float32) float32 { return v * v })
		case 0.5:
			return each(func(v float32) float32 { return float32(math.Sqrt(float64(v))) })
		case -1:
			return each(func(v float32) float32 { return 1 / v })
		}
	case nn.LeakyReLU:
		slope := float32(a.A)
		return each(func(v float32) float32 { return max(v, 0) + slope*min(v, 0) })
	}
	return each(func(v float32) float32 { return float32(a.Of(float64(v))) })
}

// gated returns y = x * sigmoid(f(x)).
func gated(set *simd.Set, f func(float32) float32) func(y, x []float32) {
	return func(y, x []float32) {
		for i, v := range x {
			y[i] = f(v)
		}
		set.Sigmoid(y, y)
		for i, v := range x {
			y[i] *= v
		}
	}
}

func each(f func(float32) float32) func(y, x []float32) {
	return func(y, x []float32) {
		for i, v := range x {
			y[i] = f(v)
		}
	}
}
