package simd

import (
	"math"
	"sync"
	"unsafe"

	"github.com/deploy-kernel/deploy-kernel/runtime/amd64"
)

// vectorJob is the argument of the elementwise routines and reductions.
type vectorJob struct {
	y, x, a, b    *float32
	n             int // values, a multiple of Lanes
	factor, floor float32
}

// vectorJobs holds unused jobs: routines take slices, and code keeps its argument in
// the heap.
var vectorJobs = sync.Pool{New: func() any { return new(vectorJob) }}

// maxValues is the number of values that one call of a routine takes, which limits
// its time: a garbage collection waits for it.
const maxValues = 1 << 15

// vectorRoutine is the code of an elementwise routine or a reduction.
type vectorRoutine func(*vectorJob)

// operands are the slices of a call. Those with Lanes values apply to every pixel;
// nil ones are not used.
type operands struct {
	y, x, a, b    []float32
	factor, floor float32
}

// each runs the routine on n values. The operands in fixed do not advance.
func (f vectorRoutine) each(n int, o operands, fixed operands) {
	job := vectorJobs.Get().(*vectorJob)
	job.factor, job.floor = o.factor, o.floor
	for at := 0; at < n; at += maxValues {
		job.n = min(maxValues, n-at)
		job.y, job.x = choose(o.y, fixed.y, at, job.n), choose(o.x, fixed.x, at, job.n)
		job.a, job.b = choose(o.a, fixed.a, at, job.n), choose(o.b, fixed.b, at, job.n)
		f(job)
	}
	*job = vectorJob{}
	vectorJobs.Put(job)
}

// choose returns the address of n values of an operand from at on, or of the Lanes
// values of a fixed one.
func choose(x, fixed []float32, at, n int) *float32 {
	switch {
	case fixed != nil:
		return unsafe.SliceData(fixed[:Lanes])
	case x != nil:
		return unsafe.SliceData(x[at:][:n])
	}
	return nil
}

// The registers of an elementwise routine.
const (
	vectorY  = amd64.RDI
	vectorX  = amd64.RSI
	vectorA  = amd64.RDX
	vectorB  = amd64.RCX
	vectorAt = amd64.R8 // the offset of the current pixel
	vectorN  = amd64.R9 // the bytes of all pixels
)

// vectorEmitter writes elementwise routines and reductions.
type vectorEmitter struct {
	emitter
	constants []float32 // behind the code, in every lane
	data      amd64.Label
}

// Registers of elementwise routines: the floor, the factor, and two that hold the
// channels' values of two operands, for each part of a pixel.
const (
	vectorFloor  = 0
	vectorFactor = 1
	channelsA    = 3
	channelsB    = 5
)

// vector generates a routine: before emits what comes before the loop, and body
// computes one register of a pixel, at so many bytes in it.
func vector(width amd64.Width, name string, before func(e *vectorEmitter), body func(e *vectorEmitter, part int), after func(e *vectorEmitter)) (vectorRoutine, error) {
	var job vectorJob
	e := &vectorEmitter{emitter: emitter{width: width}}
	e.data = e.NewLabel()
	for _, f := range []struct {
		to amd64.Reg
		at uintptr
	}{
		{vectorY, unsafe.Offsetof(job.y)},
		{vectorX, unsafe.Offsetof(job.x)},
		{vectorA, unsafe.Offsetof(job.a)},
		{vectorB, unsafe.Offsetof(job.b)},
		{vectorN, unsafe.Offsetof(job.n)},
	} {
		e.MOV(f.to, field(f.at))
	}
	e.SHL(vectorN, amd64.Imm(2))
	e.VBROADCASTSS(e.v(vectorFloor), field(unsafe.Offsetof(job.floor)))
	e.VBROADCASTSS(e.v(vectorFactor), field(unsafe.Offsetof(job.factor)))
	if before != nil {
		before(e)
	}
	loop := e.NewLabel()
	e.XOR(vectorAt.Low(), vectorAt.Low())
	e.Align(32)
	e.Bind(loop)
	for part := range e.parts() {
		body(e, part)
	}
	e.ADD(vectorAt, amd64.Imm(pixelBytes))
	e.CMP(vectorAt, vectorN)
	e.JB(loop)
	if after != nil {
		after(e)
	}
	return load[vectorJob](&e.emitter, name, func() {
		e.Align(64)
		e.Bind(e.data)
		for _, c := range e.constants {
			for range e.lanes() {
				e.Float32s(c)
			}
		}
	})
}

// at returns the memory of an operand's current pixel, at a part.
func (e *vectorEmitter) at(operand amd64.Reg, part int) amd64.Mem {
	return amd64.At(operand).Index(vectorAt, 1).Plus(part * e.width.Bytes())
}

// constant returns the memory of a constant.
func (e *vectorEmitter) constant(v float32) amd64.Mem {
	e.constants = append(e.constants, v)
	return amd64.Data(e.data).Plus((len(e.constants) - 1) * e.width.Bytes())
}

// store limits v by the floor and stores it.
func (e *vectorEmitter) store(v amd64.Vec, part int) {
	e.above(v, e.v(vectorFloor))
	e.VMOVUPS(e.at(vectorY, part), v)
}

// channels loads the values of the channels of an operand, before the loop.
func (e *vectorEmitter) channels(first int, operand amd64.Reg) {
	for part := range e.parts() {
		e.VMOVUPS(e.v(first+part), amd64.At(operand).Plus(part*e.width.Bytes()))
	}
}

// The values of one register: the working register and others.
const (
	work  = 7
	other = 8
)

func (e *vectorEmitter) affine(part int) {
	v, w := e.v(work), e.v(other)
	e.VMOVUPS(v, e.at(vectorX, part))
	e.VMOVUPS(w, e.at(vectorA, part))
	e.VFMADD213PS(v, w, e.at(vectorB, part))
	e.store(v, part)
}

func (e *vectorEmitter) addScaled(part int) {
	v := e.v(work)
	e.VMOVUPS(v, e.at(vectorB, part))
	e.VFMADD213PS(v, e.v(vectorFactor), e.at(vectorA, part))
	e.store(v, part)
}

func (e *vectorEmitter) max(part int) {
	v, x := e.v(work), e.v(other)
	e.VMOVUPS(v, e.at(vectorY, part))
	e.VMOVUPS(x, e.at(vectorX, part))
	e.findNaN(x)
	e.larger(v, x)
	e.VMOVUPS(e.at(vectorY, part), v)
}

func (e *vectorEmitter) scale(part int) {
	v := e.v(work)
	e.VMOVUPS(v, e.at(vectorX, part))
	e.VFMADD213PS(v, e.v(channelsA+part), e.v(channelsB+part))
	e.store(v, part)
}

func (e *vectorEmitter) gate(part int) {
	v := e.v(work)
	e.VMOVUPS(v, e.at(vectorX, part))
	e.VFMADD213PS(v, e.v(channelsA+part), e.at(vectorB, part))
	e.store(v, part)
}

func (e *vectorEmitter) gatePixels(part int) {
	v, gate := e.v(work), e.v(other)
	e.VBROADCASTSS(gate, e.at(vectorA, 0))
	e.VMOVUPS(v, e.at(vectorX, part))
	e.VFMADD213PS(v, gate, e.at(vectorB, part))
	e.store(v, part)
}

// sigmoid computes 1/(1+exp(-x)). The exponential is 2^n * exp(r) with a whole n and
// |r| <= ln(2)/2 (Cody and Waite, "Software Manual for the Elementary Functions",
// chapter 6); a Taylor polynomial of degree 7 gives exp(r).
func (e *vectorEmitter) sigmoid(part int) {
	const most = 87 // exp of more is infinite
	t, n, r, sum, one := e.v(work), e.v(work+1), e.v(work+2), e.v(work+3), e.v(work+4)
	e.zero(t)
	e.VSUBPS(t, t, e.at(vectorX, part))
	e.VMOVUPS(n, e.constant(-most))
	e.VMAXPS(t, n, t)
	e.VMOVUPS(n, e.constant(most))
	e.VMINPS(t, n, t)
	e.VMULPS(n, t, e.constant(math.Log2E))
	if e.width == amd64.ZMM {
		e.VRNDSCALEPS(n, n, 0)
	} else {
		e.VROUNDPS(n, n, 0)
	}
	e.VMOVAPS(r, t)
	e.VFNMADD231PS(r, n, e.constant(0x1.62e4p-1)) // ln(2) in two parts
	e.VFNMADD231PS(r, n, e.constant(0x1.7f7d1cf8p-20))
	e.VMOVUPS(sum, e.constant(1./5040))
	for _, c := range []float32{1. / 720, 1. / 120, 1. / 24, 1. / 6, 1. / 2, 1, 1} {
		e.VFMADD213PS(sum, r, e.constant(c))
	}
	e.VCVTPS2DQ(n, n)
	e.VPSLLD(n, n, 23) // to the exponent
	e.VPADDD(sum, sum, n)
	e.VMOVUPS(one, e.constant(1))
	e.VADDPS(sum, sum, one)
	e.VDIVPS(sum, one, sum)
	e.VMOVUPS(e.at(vectorY, part), sum)
}

func (e *vectorEmitter) sum(part int) {
	v := e.v(channelsA + part)
	e.VADDPS(v, v, e.at(vectorX, part))
}

func (e *vectorEmitter) peak(part int) {
	x := e.v(work)
	e.VMOVUPS(x, e.at(vectorX, part))
	e.findNaN(x)
	e.larger(e.v(channelsA+part), x)
}

// storeChannels stores the result of a reduction.
func (e *vectorEmitter) storeChannels() {
	for part := range e.parts() {
		e.VMOVUPS(amd64.At(vectorY).Plus(part*e.width.Bytes()), e.v(channelsA+part))
	}
}

// vectors adds the elementwise routines and reductions to a set.
func (s *Set) vectors(width amd64.Width) error {
	var failed error
	make := func(name string, before func(*vectorEmitter), body func(*vectorEmitter, int), after func(*vectorEmitter)) vectorRoutine {
		f, err := vector(width, s.Name+"-"+name, before, body, after)
		if err != nil && failed == nil {
			failed = err
		}
		return f
	}
	affine := make("affine", nil, (*vectorEmitter).affine, nil)
	addScaled := make("addscaled", nil, (*vectorEmitter).addScaled, nil)
	largest := make("max", nil, (*vectorEmitter).max, nil)
	scale := make("scale", func(e *vectorEmitter) { e.channels(channelsA, vectorA); e.channels(channelsB, vectorB) }, (*vectorEmitter).scale, nil)
	gate := make("gate", func(e *vectorEmitter) { e.channels(channelsA, vectorA) }, (*vectorEmitter).gate, nil)
	gatePixels := make("gatepixels", nil, (*vectorEmitter).gatePixels, nil)
	sigmoid := make("sigmoid", nil, (*vectorEmitter).sigmoid, nil)
	result := func(e *vectorEmitter) { e.channels(channelsA, vectorY) }
	sum := make("sum", result, (*vectorEmitter).sum, (*vectorEmitter).storeChannels)
	peak := make("peak", result, (*vectorEmitter).peak, (*vectorEmitter).storeChannels)
	s.Affine = func(y, x, scale, shift []float32, floor float32) {
		affine.each(len(y), operands{y: y, x: x, a: scale, b: shift, floor: floor}, operands{})
	}
	s.AddScaled = func(y, a, b []float32, factor, floor float32) {
		addScaled.each(len(y), operands{y: y, a: a, b: b, factor: factor, floor: floor}, operands{})
	}
	s.Max = func(y, x []float32) { largest.each(len(y), operands{y: y, x: x}, operands{}) }
	s.Scale = func(y, x, factors, shift []float32, floor float32) {
		scale.each(len(y), operands{y: y, x: x, floor: floor}, operands{a: factors, b: shift})
	}
	s.Gate = func(y, x, factors, res []float32, floor float32) {
		gate.each(len(y), operands{y: y, x: x, b: res, floor: floor}, operands{a: factors})
	}
	s.GatePixels = func(y, x, factors, res []float32, floor float32) {
		gatePixels.each(len(y), operands{y: y, x: x, a: factors, b: res, floor: floor}, operands{})
	}
	s.Sigmoid = func(y, x []float32) { sigmoid.each(len(y), operands{y: y, x: x}, operands{}) }
	s.Sum = func(y, x []float32) { sum.each(len(x), operands{x: x}, operands{y: y}) }
	s.Peak = func(y, x []float32) { peak.each(len(x), operands{x: x}, operands{y: y}) }
	return failed
}
