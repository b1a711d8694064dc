package simd

import (
	"math"
	"unsafe"

	"github.com/deploy-kernel/deploy-kernel/runtime/amd64"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd/emit"
)

// Across is one job of a routine that combines all channels of each pixel. The n values
// of pixel p, First <= p < End, are
//
//	x[i] = X[In[p]+i/Lanes*XStep+i%Lanes], i < n = Planes*Lanes
//
// and y is alike. Set.LayerNorm computes
//
//	y[i] = (x[i]-mean) / sqrt(variance+Eps) * Scale[i] + Shift[i]
//
// with the mean and the variance of Channels values. The other ones must be 0.
// Set.Softmax computes y[i] = exp(x[i]-max) / sum. X and Y may be the same memory if the
// offsets are the same too.
type Across struct {
	X, Y         []float32
	In, Out      []int32
	XStep, YStep int
	First, End   int // pixels
	Planes       int
	Scale, Shift []float32
	Channels     int
	Eps          float32

	// What generated code keeps here: the number of pixels that are next to each other,
	// from addresses on, steps in bytes, and factors.
	count        int
	x, y         *float32
	stepX, stepY int
	// The inverse number of channels, and the number of other values.
	inverse, others float32
}

func layerNormScalar(a *Across) {
	for p := a.First; p < a.End; p++ {
		sum, squares := 0.0, 0.0
		a.each(p, func(v float32, _ *float32, _ int) { sum += float64(v) })
		mean := sum / float64(a.Channels)
		a.each(p, func(v float32, _ *float32, _ int) { squares += (float64(v) - mean) * (float64(v) - mean) })
		others := a.Planes*Lanes - a.Channels
		inverse := 1 / math.Sqrt(max(0, (squares-float64(others)*mean*mean)/float64(a.Channels))+float64(a.Eps))
		a.each(p, func(v float32, y *float32, i int) {
			*y = float32((float64(v)-mean)*inverse)*a.Scale[i] + a.Shift[i]
		})
	}
}

func softmaxScalar(a *Across) {
	for p := a.First; p < a.End; p++ {
		peak, sum := None, float32(0)
		a.each(p, func(v float32, _ *float32, _ int) { peak = max(peak, v) })
		a.each(p, func(v float32, y *float32, _ int) {
			*y = float32(math.Exp(float64(v - peak)))
			sum += *y
		})
		a.each(p, func(_ float32, y *float32, _ int) { *y /= sum })
	}
}

// each calls f with every value of a pixel, its result and its number.
func (a *Across) each(p int, f func(x float32, y *float32, i int)) {
	for plane := range a.Planes {
		y := a.Y[int(a.Out[p])+plane*a.YStep:][:Lanes]
		for i, v := range a.X[int(a.In[p])+plane*a.XStep:][:Lanes] {
			f(v, &y[i], plane*Lanes+i)
		}
	}
}

// maxAcross is the number of values that one call of a routine takes. It limits the
// time of a call to about 50 microseconds.
const maxAcross = 1 << 17

// run calls a routine for each run of pixels that are next to each other.
func (a *Across) run(code func(*Across)) {
	if a.Planes == 0 {
		return
	}
	n := a.Planes * Lanes
	a.stepX, a.stepY = emit.Float*a.XStep, emit.Float*a.YStep
	a.inverse, a.others = 1/float32(a.Channels), float32(n-a.Channels)
	for p := a.First; p < a.End; p += a.count {
		a.count = 1
		for p+a.count < a.End && a.count*n < maxAcross &&
			a.In[p+a.count]-a.In[p] == int32(a.count*Lanes) && a.Out[p+a.count]-a.Out[p] == int32(a.count*Lanes) {
			a.count++
		}
		x, y := a.X[a.In[p]:], a.Y[a.Out[p]:]
		_, _ = x[(a.Planes-1)*a.XStep+a.count*Lanes-1], y[(a.Planes-1)*a.YStep+a.count*Lanes-1]
		a.x, a.y = unsafe.SliceData(x), unsafe.SliceData(y)
		code(a)
	}
	a.x, a.y = nil, nil
}

// acrossEmitter writes a routine of Across:
//
//	for each tile of pixels {
//		for each plane { combine, per pixel }
//		reduce the lanes, per pixel
//		for each plane { combine, per pixel }
//		reduce the lanes, per pixel
//		for each plane { store, per pixel }
//	}
//
// A tile's values stay in the first cache.
type acrossEmitter struct{ *emit.Emitter }

// The registers of the routine. Vector registers hold two numbers per pixel of a tile,
// then four to work with, and constants.
const (
	acrossX     = amd64.RBX // of the current tile
	acrossY     = amd64.RDI
	acrossStepX = amd64.RCX
	acrossStepY = amd64.RDX
	acrossAtX   = amd64.RSI // of the current plane
	acrossAtY   = amd64.R8
	acrossLeft  = amd64.R9  // pixels
	acrossPlane = amd64.R10 // remaining planes
	acrossScale = amd64.R11
	acrossShift = amd64.R12
)

// tile returns the number of pixels of a large tile.
func (e *acrossEmitter) tile() int { return e.Registers() / 4 }

func (e *acrossEmitter) first(r int) amd64.Vec  { return e.V(r) }
func (e *acrossEmitter) second(r int) amd64.Vec { return e.V(e.tile() + r) }
func (e *acrossEmitter) work(i int) amd64.Vec   { return e.V(2*e.tile() + i) }

// held is the number of the first register after those to work with.
func (e *acrossEmitter) held() int { return 2*e.tile() + 4 }

// emit writes the loops over tiles, the largest first. body computes n pixels.
func (e *acrossEmitter) emit(body func(n int)) {
	var a Across
	e.MOV(acrossX, emit.Field(unsafe.Offsetof(a.x)))
	e.MOV(acrossY, emit.Field(unsafe.Offsetof(a.y)))
	e.MOV(acrossStepX, emit.Field(unsafe.Offsetof(a.stepX)))
	e.MOV(acrossStepY, emit.Field(unsafe.Offsetof(a.stepY)))
	e.MOV(acrossLeft, emit.Field(unsafe.Offsetof(a.count)))
	for n := e.tile(); n > 0; n /= 2 {
		loop, done := e.NewLabel(), e.NewLabel()
		e.Bind(loop)
		e.CMP(acrossLeft, amd64.Imm(n))
		e.JL(done)
		body(n)
		e.ADD(acrossX, amd64.Imm(n*emit.Pixel))
		e.ADD(acrossY, amd64.Imm(n*emit.Pixel))
		e.SUB(acrossLeft, amd64.Imm(n))
		e.JMP(loop)
		e.Bind(done)
	}
}

// planes writes a loop over the planes. f gets the offset of each register of a pixel.
func (e *acrossEmitter) planes(f func(part int)) {
	var a Across
	e.MOV(acrossAtX, acrossX)
	e.MOV(acrossAtY, acrossY)
	e.MOV(acrossPlane, emit.Field(unsafe.Offsetof(a.Planes)))
	loop := e.NewLabel()
	e.Bind(loop)
	for part := range e.Parts() {
		f(part * e.Width.Bytes())
	}
	e.ADD(acrossAtX, acrossStepX)
	e.ADD(acrossAtY, acrossStepY)
	e.DEC(acrossPlane)
	e.JNZ(loop)
}

func (e *acrossEmitter) x(r, part int) amd64.Mem {
	return amd64.At(acrossAtX).Plus(r*emit.Pixel + part)
}

func (e *acrossEmitter) y(r, part int) amd64.Mem {
	return amd64.At(acrossAtY).Plus(r*emit.Pixel + part)
}

// reduce combines the lanes of v into its lowest one.
func (e *acrossEmitter) reduce(v amd64.Vec, combine func(d, x amd64.Vec, y amd64.VecMem)) {
	t := e.work(0)
	if e.Width == amd64.ZMM {
		e.VEXTRACTF64X4(t.As(amd64.YMM), v, 1)
		combine(v.As(amd64.YMM), v.As(amd64.YMM), t.As(amd64.YMM))
	}
	x := v.As(amd64.XMM)
	if e.Width == amd64.ZMM {
		e.VEXTRACTF32X4(t.As(amd64.XMM), v.As(amd64.YMM), 1)
	} else {
		e.VEXTRACTF128(t.As(amd64.XMM), v, 1)
	}
	combine(x, x, t.As(amd64.XMM))
	for _, order := range []uint8{0b01_00_11_10, 0b10_11_00_01} { // pairs, then neighbors
		e.VPERMILPS(t.As(amd64.XMM), x, order)
		combine(x, x, t.As(amd64.XMM))
	}
}

// emitLayerNorm writes Set.LayerNorm.
func emitLayerNorm(width amd64.Width, set string) (func(*Across), error) {
	var a Across
	e := &acrossEmitter{emit.New(width)}
	e.emit(func(n int) {
		for r := range n {
			e.Zero(e.first(r))
			e.Zero(e.second(r))
		}
		e.planes(func(part int) {
			for r := range n {
				e.VADDPS(e.first(r), e.first(r), e.x(r, part))
			}
		})
		inverse := e.V(e.held())
		e.VBROADCASTSS(inverse, emit.Field(unsafe.Offsetof(a.inverse)))
		for r := range n {
			e.reduce(e.first(r), e.VADDPS)
			x := e.first(r).As(amd64.XMM)
			e.VMULPS(x, x, inverse.As(amd64.XMM))
			e.VBROADCASTSS(e.first(r), x)
		}
		e.planes(func(part int) {
			for r := range n {
				d := e.work(r % 4)
				e.VSUBPS(d, e.first(r), e.x(r, part))
				e.VFMADD231PS(e.second(r), d, d)
			}
		})
		zero, one := e.work(2).As(amd64.XMM), e.work(3).As(amd64.XMM)
		e.Zero(zero)
		e.VMOVUPS(one, e.Constant(1))
		for r := range n {
			e.reduce(e.second(r), e.VADDPS)
			mean, v, t := e.first(r).As(amd64.XMM), e.second(r).As(amd64.XMM), e.work(1).As(amd64.XMM)
			e.VBROADCASTSS(t, emit.Field(unsafe.Offsetof(a.others)))
			e.VMULPS(t, t, mean)
			e.VFNMADD231PS(v, t, mean)
			e.VMAXPS(v, zero, v)
			e.VBROADCASTSS(t, emit.Field(unsafe.Offsetof(a.Eps)))
			e.VFMADD213PS(v, inverse.As(amd64.XMM), t)
			e.VSQRTPS(v, v)
			e.VDIVPS(v, one, v)
			e.VBROADCASTSS(e.second(r), v)
		}
		e.MOV(acrossScale, emit.Field(unsafe.Offsetof(a.Scale)))
		e.MOV(acrossShift, emit.Field(unsafe.Offsetof(a.Shift)))
		scale, shift := e.V(e.held()), e.V(e.held()+1)
		e.planes(func(part int) {
			e.VMOVUPS(scale, amd64.At(acrossScale))
			e.VMOVUPS(shift, amd64.At(acrossShift))
			for r := range n {
				v := e.work(r % 4)
				e.VMOVUPS(v, e.x(r, part))
				e.VSUBPS(v, v, e.first(r))
				e.VMULPS(v, v, e.second(r))
				e.VFMADD213PS(v, scale, shift)
				e.VMOVUPS(e.y(r, part), v)
			}
			e.ADD(acrossScale, amd64.Imm(e.Width.Bytes()))
			e.ADD(acrossShift, amd64.Imm(e.Width.Bytes()))
		})
	})
	return emit.Function[Across](e.Emitter, set+"-layernorm")
}

// negligible is the exponential from which a softmax counts it as 0. Products with
// denormal numbers take many times as long as others.
const negligible = 1e-30

// emitSoftmax writes Set.Softmax.
func emitSoftmax(width amd64.Width, set string) (func(*Across), error) {
	e := &acrossEmitter{emit.New(width)}
	f := &activationEmitter{Emitter: e.Emitter, held: []float32{-maxExponent, 0, math.Log2E, negligible}}
	f.load()
	chains := make([]chain, (e.Registers()-2*e.tile()-len(f.held))/chainRegisters)
	for i := range chains {
		r := chainRegisters * i
		chains[i] = chain{e.work(r), e.work(r + 1), e.work(r + 2), e.work(r + 3)}
	}
	e.emit(func(n int) {
		for r := range n {
			e.VMOVUPS(e.first(r), e.Constant(None))
			e.Zero(e.second(r))
		}
		e.planes(func(part int) {
			for r := range n {
				e.VMAXPS(e.first(r), e.first(r), e.x(r, part))
			}
		})
		for r := range n {
			e.reduce(e.first(r), e.VMAXPS)
			e.VBROADCASTSS(e.first(r), e.first(r).As(amd64.XMM))
		}
		e.planes(func(part int) {
			for at := 0; at < n; at += len(chains) {
				group := chains[:min(len(chains), n-at)]
				for i, c := range group {
					e.VMOVUPS(c.x, e.x(at+i, part))
					e.VSUBPS(c.x, c.x, e.first(at+i))
				}
				f.exp(group, 1, 0)
				for i, c := range group {
					e.VSUBPS(c.p, c.p, f.hold(negligible))
					e.VMAXPS(c.p, f.hold(0), c.p)
					e.VMOVUPS(e.y(at+i, part), c.p)
					e.VADDPS(e.second(at+i), e.second(at+i), c.p)
				}
			}
		})
		one := e.work(1).As(amd64.XMM)
		e.VMOVUPS(one, e.Constant(1))
		for r := range n {
			e.reduce(e.second(r), e.VADDPS)
			x := e.second(r).As(amd64.XMM)
			e.VDIVPS(x, one, x)
			e.VBROADCASTSS(e.second(r), x)
		}
		e.planes(func(part int) {
			for r := range n {
				v := e.work(r % chainRegisters)
				e.VMULPS(v, e.second(r), e.y(r, part))
				e.VMOVUPS(e.y(r, part), v)
			}
		})
	})
	return emit.Function[Across](e.Emitter, set+"-softmax")
}
