package simd

import (
	"unsafe"

	"github.com/deploy-kernel/deploy-kernel/runtime/amd64"
)

// transformEmitter writes the transforms of F(4,3).
type transformEmitter struct {
	emitter
	constants amd64.Label
}

// The registers of a transform: its current inputs, results and residuals, the bytes
// from one to the next, and the remaining count.
const (
	transformX   = amd64.RBX
	transformY   = amd64.RDI
	transformR   = amd64.RSI
	transformAt  = amd64.RDX
	transformInc = amd64.RCX
	transformN   = amd64.R8
)

// emit writes the loop over the transforms around the body, which computes one part
// of a pixel from the inputs in registers 0 to 5. Its results are in the registers
// that it returns.
func (e *transformEmitter) emit(in int, body func(part int) []amd64.Vec) {
	var t Transform
	e.constants = e.NewLabel()
	loop, done := e.NewLabel(), e.NewLabel()
	e.MOV(transformX, field(unsafe.Offsetof(t.X)))
	e.MOV(transformY, field(unsafe.Offsetof(t.Y)))
	e.MOV(transformR, field(unsafe.Offsetof(t.Residual)))
	e.MOV(transformN, field(unsafe.Offsetof(t.Count)))
	e.Bind(loop)
	e.DEC(transformN)
	e.JS(done)
	for part := range e.parts() {
		bytes := part * e.width.Bytes()
		e.LEA(transformAt, amd64.At(transformX).Plus(bytes))
		e.MOV(transformInc, field(unsafe.Offsetof(t.XStep)))
		for i := range in {
			e.VMOVUPS(e.v(i), amd64.At(transformAt))
			if i < in-1 {
				e.LEA(transformAt, amd64.At(transformAt).Index(transformInc, float))
			}
		}
		results := body(bytes)
		e.LEA(transformAt, amd64.At(transformY).Plus(bytes))
		e.MOV(transformInc, field(unsafe.Offsetof(t.YStep)))
		for i, v := range results {
			e.VMOVUPS(amd64.At(transformAt), v)
			if i < len(results)-1 {
				e.LEA(transformAt, amd64.At(transformAt).Index(transformInc, float))
			}
		}
	}
	for _, f := range [...]struct {
		r    amd64.Reg
		next uintptr
	}{
		{transformX, unsafe.Offsetof(t.XNext)},
		{transformY, unsafe.Offsetof(t.YNext)},
		{transformR, unsafe.Offsetof(t.ResidualNext)},
	} {
		e.MOV(transformInc, field(f.next))
		e.LEA(f.r, amd64.At(f.r).Index(transformInc, float))
	}
	e.JMP(loop)
	e.Bind(done)
}

// data appends the constants that both transforms use.
func (e *transformEmitter) data() {
	e.Align(64)
	e.Bind(e.constants)
	for _, c := range [...]float32{2, 4, 8, -4, -5} {
		for range e.lanes() {
			e.Float32s(c)
		}
	}
}

// Places of the constants.
const (
	two = iota
	four
	eight
	minus4
	minus5
)

func (e *transformEmitter) constant(n int) amd64.Mem {
	return amd64.Data(e.constants).Plus(n * e.width.Bytes())
}

// multiplyAdd computes d = x*constant + y.
func (e *transformEmitter) multiplyAdd(d, x amd64.Vec, constant int, y amd64.Vec) {
	e.VMOVAPS(d, y)
	e.VFMADD231PS(d, x, e.constant(constant))
}

func emitToWinograd(width amd64.Width, set string) (func(*Transform), error) {
	e := &transformEmitter{emitter: emitter{width: width}}
	e.emit(6, func(int) []amd64.Vec {
		var d, r [6]amd64.Vec
		for i := range d {
			d[i], r[i] = e.v(i), e.v(6+i)
		}
		even, odd := e.v(12), e.v(13)
		e.multiplyAdd(r[0], d[2], minus5, d[4])
		e.VFMADD231PS(r[0], d[0], e.constant(four))
		e.multiplyAdd(r[5], d[3], minus5, d[5])
		e.VFMADD231PS(r[5], d[1], e.constant(four))
		e.multiplyAdd(even, d[2], minus4, d[4])
		e.multiplyAdd(odd, d[1], minus4, d[3])
		e.VADDPS(r[1], even, odd)
		e.VSUBPS(r[2], even, odd)
		e.VSUBPS(even, d[4], d[2])
		e.VSUBPS(odd, d[3], d[1])
		e.VADDPS(odd, odd, odd)
		e.VADDPS(r[3], even, odd)
		e.VSUBPS(r[4], even, odd)
		return r[:]
	})
	return load[Transform](&e.emitter, set+"-towinograd", e.data)
}

func emitFromWinograd(width amd64.Width, set string) (func(*Transform), error) {
	var t Transform
	e := &transformEmitter{emitter: emitter{width: width}}
	e.emit(6, func(part int) []amd64.Vec {
		var d [6]amd64.Vec
		for i := range d {
			d[i] = e.v(i)
		}
		s12, d12, s34, d34 := e.v(6), e.v(7), e.v(8), e.v(9)
		r := []amd64.Vec{e.v(10), e.v(11), e.v(12), e.v(13)}
		e.VADDPS(s12, d[1], d[2])
		e.VSUBPS(d12, d[1], d[2])
		e.VADDPS(s34, d[3], d[4])
		e.VSUBPS(d34, d[3], d[4])
		e.VADDPS(r[0], d[0], s12)
		e.VADDPS(r[0], r[0], s34)
		e.multiplyAdd(r[1], d34, two, d12)
		e.multiplyAdd(r[2], s34, four, s12)
		e.multiplyAdd(r[3], d34, eight, d12)
		e.VADDPS(r[3], r[3], d[5])
		without := e.NewLabel()
		e.MOV(transformAt, field(unsafe.Offsetof(t.Bias)))
		e.TEST(transformAt, transformAt)
		e.JZ(without)
		for _, v := range r {
			e.VADDPS(v, v, amd64.At(transformAt).Plus(part))
		}
		e.Bind(without)
		without = e.NewLabel()
		e.MOV(transformAt, field(unsafe.Offsetof(t.Residual)))
		e.TEST(transformAt, transformAt)
		e.JZ(without)
		e.LEA(transformAt, amd64.At(transformR).Plus(part))
		e.MOV(transformInc, field(unsafe.Offsetof(t.ResidualStep)))
		for i, v := range r {
			e.VADDPS(v, v, amd64.At(transformAt))
			if i < len(r)-1 {
				e.LEA(transformAt, amd64.At(transformAt).Index(transformInc, float))
			}
		}
		e.Bind(without)
		least := e.v(0)
		e.VBROADCASTSS(least, field(unsafe.Offsetof(t.Floor)))
		for _, v := range r {
			e.above(v, least)
		}
		return r
	})
	return load[Transform](&e.emitter, set+"-fromwinograd", e.data)
}
