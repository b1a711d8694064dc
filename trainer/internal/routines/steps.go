package routines

import (
	"github.com/deploy-kernel/deploy-kernel/runtime/amd64"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd/emit"
)

// steps adds the optimizers' routines. The scalar routines compute the last few
// values.
func (s *Set) steps(width amd64.Width) error {
	m := &maker{width: width, set: s.Name}
	adam := m.loop("adam", 4, adamBody(false))
	adamTop := m.loop("adam-top", 5, adamBody(true))
	s.Adam = func(a *Adam, w, g, mean, v, top []float32) {
		n := whole(len(w))
		f := factors{a.Scale, a.Decay, a.Keep, a.Beta1, a.Rest1, a.Beta2, a.Rest2, a.Rate, a.Root, a.Epsilon}
		if top == nil {
			adam.Run(n, f, w, g, mean, v)
		} else {
			adamTop.Run(n, f, w, g, mean, v, top)
			top = top[n:]
		}
		adamScalar(a, w[n:], g[n:], mean[n:], v[n:], top)
	}
	plain := m.loop("sgd", 2, sgdBody(false, false))
	momentum := m.loop("sgd-momentum", 3, sgdBody(true, false))
	nesterov := m.loop("sgd-nesterov", 3, sgdBody(true, true))
	s.SGD = func(o *SGD, w, g, b []float32) {
		n := whole(len(w))
		f := factors{o.Scale, o.Decay, o.Rate, o.Momentum}
		switch {
		case b == nil:
			plain.Run(n, f, w, g)
			sgdScalar(o, w[n:], g[n:], nil)
			return
		case o.Nesterov:
			nesterov.Run(n, f, w, g, b)
		default:
			momentum.Run(n, f, w, g, b)
		}
		sgdScalar(o, w[n:], g[n:], b[n:])
	}
	return m.err
}

// loadFactors loads so many factors into registers from first on.
func loadFactors(e *emit.Emitter, first, count int) {
	for i := range count {
		e.Factor(e.V(first+i), i)
	}
}

// adamBody computes a step of Adam. The operands are weights, gradients, means,
// squares and, if withTop is set, the largest squares.
func adamBody(withTop bool) emit.Body {
	const first = 6 // register of the first factor
	return emit.Body{
		Before: func(e *emit.Emitter) { loadFactors(e, first, 10) },
		Each: func(e *emit.Emitter, part int) {
			factor := func(n int) amd64.Vec { return e.V(first + n) }
			scale, decay, keep := factor(0), factor(1), factor(2)
			beta1, rest1, beta2, rest2 := factor(3), factor(4), factor(5), factor(6)
			rate, root, epsilon := factor(7), factor(8), factor(9)
			x := load(e, 0, 0, part)
			e.VMULPS(x, x, keep)
			d := e.V(1)
			e.VMULPS(d, x, decay)
			e.VFMADD231PS(d, scale, e.At(1, part))
			mean, square := e.V(2), e.V(3)
			e.VMULPS(mean, d, rest1)
			e.VFMADD231PS(mean, beta1, e.At(2, part))
			e.VMOVUPS(e.At(2, part), mean)
			e.VMULPS(square, d, d)
			e.VMULPS(square, square, rest2)
			e.VFMADD231PS(square, beta2, e.At(3, part))
			e.VMOVUPS(e.At(3, part), square)
			if withTop {
				e.VMAXPS(square, square, e.At(4, part))
				e.VMOVUPS(e.At(4, part), square)
			}
			e.VSQRTPS(square, square)
			e.VFMADD213PS(square, root, epsilon)
			e.VMULPS(mean, mean, rate)
			e.VDIVPS(mean, mean, square)
			e.VSUBPS(x, x, mean)
			e.VMOVUPS(e.At(0, part), x)
		},
	}
}

// sgdBody computes a step of SGD. The operands are weights, gradients and the momentum.
func sgdBody(withMomentum, nesterov bool) emit.Body {
	const first = 4
	return emit.Body{
		Before: func(e *emit.Emitter) { loadFactors(e, first, 4) },
		Each: func(e *emit.Emitter, part int) {
			scale, decay, rate, momentum := e.V(first), e.V(first+1), e.V(first+2), e.V(first+3)
			x, d, moving := load(e, 0, 0, part), e.V(1), e.V(2)
			e.VMULPS(d, x, decay)
			e.VFMADD231PS(d, scale, e.At(1, part))
			if withMomentum {
				e.VMOVAPS(moving, d)
				e.VFMADD231PS(moving, momentum, e.At(2, part))
				e.VMOVUPS(e.At(2, part), moving)
				if nesterov {
					e.VFMADD231PS(d, momentum, moving)
				} else {
					d = moving
				}
			}
			e.VMULPS(d, d, rate)
			e.VSUBPS(x, x, d)
			e.VMOVUPS(e.At(0, part), x)
		},
	}
}
