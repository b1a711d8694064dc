package routines

import (
	"github.com/deploy-kernel/deploy-kernel/runtime/amd64"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd/emit"
)

// products adds the routines that multiply and select elements.
func (s *Set) products(width amd64.Width) error {
	m := &maker{width: width, set: s.Name}

	dot := m.loop("dot", 2, emit.Body{
		Before: func(e *emit.Emitter) { e.LoadPixel(3, 2) },
		Each: func(e *emit.Emitter, part int) {
			e.VFMADD231PS(e.V(3+part), load(e, 0, 0, part), e.At(1, part))
		},
		After: func(e *emit.Emitter) { e.StorePixel(2, 3) },
	})
	s.Dot = func(sum, a, b []float32) { dot.Run(len(a), factors{}, a, b, sum) }

	mulAdd := m.loop("muladd", 3, emit.Body{Each: func(e *emit.Emitter, part int) {
		a, b := load(e, 0, 1, part), load(e, 1, 2, part)
		e.VFMADD213PS(a, b, e.At(0, part))
		e.VMOVUPS(e.At(0, part), a)
	}})
	s.MulAdd = func(y, a, b []float32) { mulAdd.Run(len(y), factors{}, y, a, b) }

	mask := m.loop("mask", 3, emit.Body{Each: func(e *emit.Emitter, part int) {
		zero := e.V(1)
		e.Zero(zero)
		e.Select(e.V(2), load(e, 0, 2, part), zero, amd64.Greater, e.At(1, part))
		e.VMOVUPS(e.At(0, part), e.V(2))
	}})
	s.Mask = func(dx, dy, y []float32) { mask.Run(len(y), factors{}, dx, dy, y) }

	winner := m.loop("winner", 4, emit.Body{Each: func(e *emit.Emitter, part int) {
		won, rest := e.V(2), e.V(3)
		e.Select(won, load(e, 0, 2, part), load(e, 1, 3, part), amd64.Equal, e.At(1, part))
		e.VMOVUPS(rest, e.At(1, part))
		e.VSUBPS(rest, rest, won)
		e.VMOVUPS(e.At(1, part), rest)
		e.VADDPS(won, won, e.At(0, part))
		e.VMOVUPS(e.At(0, part), won)
	}})
	s.Winner = func(dx, rest, x, y []float32) { winner.Run(len(y), factors{}, dx, rest, x, y) }

	finite := m.loop("finite", 1, emit.Body{
		Before: func(e *emit.Emitter) { e.LoadPixel(3, 1); e.Zero(e.V(1)) },
		Each: func(e *emit.Emitter, part int) {
			e.VFMADD231PS(e.V(3+part), e.V(1), e.At(0, part)) // 0, or NaN
		},
		After: func(e *emit.Emitter) { e.StorePixel(1, 3) },
	})
	s.Finite = func(x []float32) bool {
		var sum [lanes]float32
		n := whole(len(x))
		finite.Run(n, factors{}, x[:n], sum[:])
		return finiteScalar(sum[:]) && finiteScalar(x[n:])
	}
	return m.err
}
