package routines

import (
	"math"

	"github.com/deploy-kernel/deploy-kernel/runtime/amd64"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd/emit"
)

// activations adds the routines of activations.
func (s *Set) activations(width amd64.Width) error {
	m := &maker{width: width, set: s.Name}

	swish := m.loop("swishgrad", 4, emit.Body{
		Before: func(e *emit.Emitter) { e.Factor(e.V(3), 0) },
		Each: func(e *emit.Emitter, part int) {
			one, factor := e.V(2), e.V(3)
			e.VMOVUPS(one, e.Constant(1))
			s, d := load(e, 0, 3, part), e.V(1)
			e.VSUBPS(d, one, s)
			e.VMULPS(d, d, e.At(2, part))
			e.VFMADD213PS(d, factor, one)
			e.VMULPS(d, d, s)
			e.VMULPS(d, d, e.At(1, part))
			e.VMOVUPS(e.At(0, part), d)
		},
	})
	s.SwishGrad = func(dx, dy, x, sigmoid []float32, factor float32) {
		swish.Run(len(dx), factors{factor}, dx, dy, x, sigmoid)
	}

	gelu := m.loop("gelu", 2, emit.Body{Each: func(e *emit.Emitter, part int) {
		x, normal, _ := distribution(e, 1, part)
		e.VMULPS(x, x, normal)
		e.VMOVUPS(e.At(0, part), x)
	}})
	s.GELU = func(y, x []float32) { gelu.Run(len(y), factors{}, y, x) }
	geluGrad := m.loop("gelugrad", 3, emit.Body{Each: func(e *emit.Emitter, part int) {
		x, normal, exp := distribution(e, 2, part)
		e.VMULPS(x, x, exp)
		root := e.V(1)
		e.VMOVUPS(root, e.Constant(0.3989422804)) // 1/sqrt(2π)
		e.VFMADD231PS(normal, x, root)
		e.VMULPS(normal, normal, e.At(1, part))
		e.VMOVUPS(e.At(0, part), normal)
	}})
	s.GELUGrad = func(dx, dy, x []float32) { geluGrad.Run(len(dx), factors{}, dx, dy, x) }
	return m.err
}

// distribution computes the distribution Φ(x) of a standard normal and exp(-x²/2) of an
// operand x, and returns their registers. With e = exp(-x²/2), 1-Φ(|x|) is e*P(t)/2 with
// t = 1/(1 + p*|x|/√2) and an error of 1e-7 (Abramowitz and Stegun, "Handbook of
// Mathematical Functions", 7.1.26).
func distribution(e *emit.Emitter, operand, part int) (x, normal, exp amd64.Vec) {
	x = load(e, 0, operand, part)
	square, n, t, sum := e.V(1), e.V(2), e.V(4), e.V(5)
	exp = e.V(3)
	e.VMULPS(square, x, x)
	e.VMULPS(square, square, e.Constant(-0.5))
	const most = 87 // exp of less is not normal
	e.VMAXPS(square, square, e.Constant(-most))
	// exp(square) is 2^n * exp(r) with a whole n and |r| <= ln(2)/2.
	e.VMULPS(n, square, e.Constant(math.Log2E))
	if e.Width == amd64.ZMM {
		e.VRNDSCALEPS(n, n, 0)
	} else {
		e.VROUNDPS(n, n, 0)
	}
	e.VFNMADD231PS(square, n, e.Constant(0x1.62e4p-1)) // ln(2) in two parts
	e.VFNMADD231PS(square, n, e.Constant(0x1.7f7d1cf8p-20))
	e.VMOVUPS(exp, e.Constant(1./5040))
	for _, c := range []float32{1. / 720, 1. / 120, 1. / 24, 1. / 6, 1. / 2, 1, 1} {
		e.VFMADD213PS(exp, square, e.Constant(c))
	}
	e.VCVTPS2DQ(n, n)
	e.VPSLLD(n, n, 23) // to the exponent
	e.VPADDD(exp, exp, n)

	e.VANDPS(t, x, e.Table(repeated(e, 0x7fffffff)))
	e.VMOVUPS(n, e.Constant(1))
	e.VMULPS(t, t, e.Constant(0.3275911/math.Sqrt2))
	e.VADDPS(t, t, n)
	e.VDIVPS(t, n, t)
	e.VMOVUPS(sum, e.Constant(1.061405429))
	for _, c := range []float32{-1.453152027, 1.421413741, -0.284496736, 0.254829592} {
		e.VFMADD213PS(sum, t, e.Constant(c))
	}
	e.VMULPS(sum, sum, t)
	e.VMULPS(sum, sum, exp)
	// Φ = 1/2 + sign(x) * (1 - sum)/2
	e.VSUBPS(sum, n, sum)
	e.VANDPS(t, x, e.Table(repeated(e, 0x80000000)))
	e.VXORPS(sum, sum, t)
	e.VADDPS(sum, sum, n)
	e.VMULPS(sum, sum, e.Constant(0.5))
	return x, sum, exp
}

// repeated returns the words of a register whose lanes are equal.
func repeated(e *emit.Emitter, word uint32) []uint32 {
	words := make([]uint32, e.Lanes())
	for i := range words {
		words[i] = word
	}
	return words
}
