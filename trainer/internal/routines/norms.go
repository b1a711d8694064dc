package routines

import (
	"github.com/deploy-kernel/deploy-kernel/runtime/amd64"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd/emit"
)

// load loads an operand's part into a register.
func load(e *emit.Emitter, n, operand, part int) amd64.Vec {
	e.VMOVUPS(e.V(n), e.At(operand, part))
	return e.V(n)
}

// norms adds the routines of batch norms.
func (s *Set) norms(width amd64.Width) error {
	m := &maker{width: width, set: s.Name}
	const d, v, g = 0, 1, 2 // registers

	moments := m.loop("moments", 1, emit.Body{
		Before: func(e *emit.Emitter) {
			for i, operand := range []int{1, 2, 3} {
				e.LoadPixel(3+2*i, operand)
			}
		},
		Each: func(e *emit.Emitter, part int) {
			sum, squares, pivot := e.V(3+part), e.V(5+part), e.V(7+part)
			x := load(e, d, 0, part)
			e.VSUBPS(x, x, pivot)
			e.VADDPS(sum, sum, x)
			e.VFMADD231PS(squares, x, x)
		},
		After: func(e *emit.Emitter) {
			e.StorePixel(1, 3)
			e.StorePixel(2, 5)
		},
	})
	s.Moments = func(sum, squares, x, pivot []float32) {
		moments.Run(len(x), factors{}, x, sum, squares, pivot)
	}

	// gradient loads x into v, and into g the gradient dy where x*scale + shift > floor.
	// The registers of scale and shift are 3 and 5, and the floor's is 15.
	gradient := func(e *emit.Emitter, part, dy int) {
		x := load(e, v, 1, part)
		e.VMOVAPS(e.V(d), x)
		e.VFMADD213PS(e.V(d), e.V(3+part), e.V(5+part))
		e.Select(e.V(g), e.V(d), e.V(15), amd64.Greater, e.At(dy, part))
	}
	normSums := m.loop("normsums", 2, emit.Body{
		Before: func(e *emit.Emitter) {
			e.Factor(e.V(15), 0)
			for i, operand := range []int{2, 3, 4, 5, 6} {
				e.LoadPixel(3+2*i, operand)
			}
		},
		Each: func(e *emit.Emitter, part int) {
			mean, sum, dot := e.V(7+part), e.V(9+part), e.V(11+part)
			gradient(e, part, 0)
			e.VADDPS(sum, sum, e.V(g))
			e.VSUBPS(e.V(v), e.V(v), mean)
			e.VFMADD231PS(dot, e.V(v), e.V(g))
		},
		After: func(e *emit.Emitter) {
			e.StorePixel(5, 9)
			e.StorePixel(6, 11)
		},
	})
	s.NormSums = func(n *Norm, sum, dot, dy, x []float32) {
		normSums.Run(len(x), factors{n.Floor}, dy, x, n.Scale, n.Shift, n.Mean, sum, dot)
	}

	// With AVX2, too few registers are left for all operands of a pixel: some are
	// loaded at every pixel.
	normGrad := m.loop("normgrad", 3, emit.Body{
		Before: func(e *emit.Emitter) {
			e.Factor(e.V(15), 0)
			for i, operand := range []int{3, 4, 5, 6, 7} {
				e.LoadPixel(3+2*i, operand)
			}
			if e.Width == amd64.ZMM {
				e.LoadPixel(16, 8)
			}
		},
		Each: func(e *emit.Emitter, part int) {
			mean, a, b := e.V(7+part), e.V(9+part), e.V(11+part)
			gradient(e, part, 2)
			e.VSUBPS(e.V(v), e.V(v), mean)
			if e.Width == amd64.ZMM {
				e.VFMADD213PS(e.V(v), b, e.V(16))
			} else {
				e.VFMADD213PS(e.V(v), b, e.Pixel(8, part))
			}
			e.VFMADD231PS(e.V(v), e.V(g), a)
			e.VMOVUPS(e.At(0, part), e.V(v))
		},
	})
	s.NormGrad = func(n *Norm, dx, dy, x, a, b, c []float32) {
		normGrad.Run(len(x), factors{n.Floor}, dx, x, dy, n.Scale, n.Shift, n.Mean, a, b, c)
	}
	return m.err
}
