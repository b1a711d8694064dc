package simd

import (
	"math"

	"github.com/deploy-kernel/deploy-kernel/runtime/amd64"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd/emit"
)

// The factors of elementwise loops.
const (
	floorFactor = iota
	scaleFactor
)

// Registers of elementwise loops. An operand of one pixel takes two with AVX2.
const (
	vectorFloor = 0
	vectorScale = 1
	vectorMarks = 2 // lanes that are NaN
	channelsA   = 3
	channelsB   = 5
	work        = 7
	other       = 8
)

// factors loads the floor and the scale.
func factors(e *emit.Emitter) {
	e.Factor(e.V(vectorFloor), floorFactor)
	e.Factor(e.V(vectorScale), scaleFactor)
}

// multiplyAdd returns the part of a loop that stores max(x*factor + y, floor) to
// operand 0, where load returns the registers of x and factor, and the memory or
// register of y.
func multiplyAdd(load func(e *emit.Emitter, part int) (x, factor amd64.Vec, y amd64.VecMem)) func(*emit.Emitter, int) {
	return func(e *emit.Emitter, part int) {
		x, factor, y := load(e, part)
		e.VFMADD213PS(x, factor, y)
		e.Above(x, e.V(vectorFloor))
		e.VMOVUPS(e.At(0, part), x)
	}
}

// loaded loads an operand into the working register.
func loaded(e *emit.Emitter, operand, part int) amd64.Vec {
	e.VMOVUPS(e.V(work), e.At(operand, part))
	return e.V(work)
}

// vectors adds the elementwise routines and reductions to a set.
func (s *Set) vectors(width amd64.Width) (failed error) {
	loop := func(name string, moving int, body emit.Body) emit.Loop {
		l, err := emit.NewLoop(width, s.Name+"-"+name, moving, body)
		if err != nil && failed == nil {
			failed = err
		}
		return l
	}
	limit := func(floor float32) [emit.Factors]float32 { return [emit.Factors]float32{floorFactor: floor} }
	none := [emit.Factors]float32{}

	affine := loop("affine", 4, emit.Body{Before: factors, Each: multiplyAdd(func(e *emit.Emitter, part int) (x, factor amd64.Vec, y amd64.VecMem) {
		e.VMOVUPS(e.V(other), e.At(2, part))
		return loaded(e, 1, part), e.V(other), e.At(3, part)
	})})
	s.Affine = func(y, x, scale, shift []float32, floor float32) {
		affine.Run(len(y), limit(floor), y, x, scale, shift)
	}
	addScaled := loop("addscaled", 3, emit.Body{Before: factors, Each: multiplyAdd(func(e *emit.Emitter, part int) (x, factor amd64.Vec, y amd64.VecMem) {
		return loaded(e, 2, part), e.V(vectorScale), e.At(1, part)
	})})
	s.AddScaled = func(y, a, b []float32, factor, floor float32) {
		addScaled.Run(len(y), [emit.Factors]float32{floorFactor: floor, scaleFactor: factor}, y, a, b)
	}
	scale := loop("scale", 2, emit.Body{
		Before: func(e *emit.Emitter) { factors(e); e.LoadPixel(channelsA, 2); e.LoadPixel(channelsB, 3) },
		Each: multiplyAdd(func(e *emit.Emitter, part int) (x, factor amd64.Vec, y amd64.VecMem) {
			return loaded(e, 1, part), e.V(channelsA + part), e.V(channelsB + part)
		}),
	})
	s.Scale = func(y, x, factors, shift []float32, floor float32) {
		scale.Run(len(y), limit(floor), y, x, factors, shift)
	}
	gate := loop("gate", 3, emit.Body{
		Before: func(e *emit.Emitter) { factors(e); e.LoadPixel(channelsA, 3) },
		Each: multiplyAdd(func(e *emit.Emitter, part int) (x, factor amd64.Vec, y amd64.VecMem) {
			return loaded(e, 1, part), e.V(channelsA + part), e.At(2, part)
		}),
	})
	s.Gate = func(y, x, factors, res []float32, floor float32) {
		gate.Run(len(y), limit(floor), y, x, res, factors)
	}
	gatePixels := loop("gatepixels", 4, emit.Body{Before: factors, Each: multiplyAdd(func(e *emit.Emitter, part int) (x, factor amd64.Vec, y amd64.VecMem) {
		e.VBROADCASTSS(e.V(other), e.At(2, 0))
		return loaded(e, 1, part), e.V(other), e.At(3, part)
	})})
	s.GatePixels = func(y, x, factors, res []float32, floor float32) {
		gatePixels.Run(len(y), limit(floor), y, x, factors, res)
	}
	largest := loop("max", 2, emit.Body{Each: func(e *emit.Emitter, part int) {
		v, x, marks := loaded(e, 0, part), e.V(other), e.V(vectorMarks)
		e.VMOVUPS(x, e.At(1, part))
		e.FindNaN(x, marks)
		e.Larger(v, x, marks)
		e.VMOVUPS(e.At(0, part), v)
	}})
	s.Max = func(y, x []float32) { largest.Run(len(y), none, y, x) }
	sigmoid := loop("sigmoid", 2, emit.Body{Each: sigmoidPart})
	s.Sigmoid = func(y, x []float32) { sigmoid.Run(len(y), none, y, x) }

	result := func(e *emit.Emitter) { e.LoadPixel(channelsA, 1) }
	store := func(e *emit.Emitter) { e.StorePixel(1, channelsA) }
	sum := loop("sum", 1, emit.Body{Before: result, After: store, Each: func(e *emit.Emitter, part int) {
		v := e.V(channelsA + part)
		e.VADDPS(v, v, e.At(0, part))
	}})
	s.Sum = func(y, x []float32) { sum.Run(len(x), none, x, y) }
	peak := loop("peak", 1, emit.Body{Before: result, After: store, Each: func(e *emit.Emitter, part int) {
		x, marks := loaded(e, 0, part), e.V(vectorMarks)
		e.FindNaN(x, marks)
		e.Larger(e.V(channelsA+part), x, marks)
	}})
	s.Peak = func(y, x []float32) { peak.Run(len(x), none, x, y) }
	return failed
}

// sigmoidPart computes 1/(1+exp(-x)). The exponential is 2^n * exp(r) with a whole n
// and |r| <= ln(2)/2 (Cody and Waite, "Software Manual for the Elementary Functions",
// chapter 6); a Taylor polynomial of degree 7 gives exp(r).
func sigmoidPart(e *emit.Emitter, part int) {
	const most = 87 // exp of more is infinite
	t, n, r, sum, one := e.V(0), e.V(1), e.V(2), e.V(3), e.V(4)
	e.Zero(t)
	e.VSUBPS(t, t, e.At(1, part))
	e.VMOVUPS(n, e.Constant(-most))
	e.VMAXPS(t, n, t)
	e.VMOVUPS(n, e.Constant(most))
	e.VMINPS(t, n, t)
	e.VMULPS(n, t, e.Constant(math.Log2E))
	if e.Width == amd64.ZMM {
		e.VRNDSCALEPS(n, n, 0)
	} else {
		e.VROUNDPS(n, n, 0)
	}
	e.VMOVAPS(r, t)
	e.VFNMADD231PS(r, n, e.Constant(0x1.62e4p-1)) // ln(2) in two parts
	e.VFNMADD231PS(r, n, e.Constant(0x1.7f7d1cf8p-20))
	e.VMOVUPS(sum, e.Constant(1./5040))
	for _, c := range []float32{1. / 720, 1. / 120, 1. / 24, 1. / 6, 1. / 2, 1, 1} {
		e.VFMADD213PS(sum, r, e.Constant(c))
	}
	e.VCVTPS2DQ(n, n)
	e.VPSLLD(n, n, 23) // to the exponent
	e.VPADDD(sum, sum, n)
	e.VMOVUPS(one, e.Constant(1))
	e.VADDPS(sum, sum, one)
	e.VDIVPS(sum, one, sum)
	e.VMOVUPS(e.At(0, part), sum)
}
