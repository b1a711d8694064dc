package simd

import (
	"unsafe"

	"github.com/deploy-kernel/deploy-kernel/runtime/amd64"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd/emit"
)

// transformEmitter writes the transforms of F(4,3).
type transformEmitter struct{ *emit.Emitter }

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
	loop, done := e.NewLabel(), e.NewLabel()
	e.MOV(transformX, emit.Field(unsafe.Offsetof(t.X)))
	e.MOV(transformY, emit.Field(unsafe.Offsetof(t.Y)))
	e.MOV(transformR, emit.Field(unsafe.Offsetof(t.Residual)))
	e.MOV(transformN, emit.Field(unsafe.Offsetof(t.Count)))
	e.Bind(loop)
	e.DEC(transformN)
	e.JS(done)
	for part := range e.Parts() {
		bytes := part * e.Width.Bytes()
		e.LEA(transformAt, amd64.At(transformX).Plus(bytes))
		e.MOV(transformInc, emit.Field(unsafe.Offsetof(t.XStep)))
		for i := range in {
			e.VMOVUPS(e.V(i), amd64.At(transformAt))
			if i < in-1 {
				e.LEA(transformAt, amd64.At(transformAt).Index(transformInc, emit.Float))
			}
		}
		results := body(bytes)
		e.LEA(transformAt, amd64.At(transformY).Plus(bytes))
		e.MOV(transformInc, emit.Field(unsafe.Offsetof(t.YStep)))
		for i, v := range results {
			e.VMOVUPS(amd64.At(transformAt), v)
			if i < len(results)-1 {
				e.LEA(transformAt, amd64.At(transformAt).Index(transformInc, emit.Float))
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
		e.MOV(transformInc, emit.Field(f.next))
		e.LEA(f.r, amd64.At(f.r).Index(transformInc, emit.Float))
	}
	e.JMP(loop)
	e.Bind(done)
}

// multiplyAdd computes d = x*constant + y.
func (e *transformEmitter) multiplyAdd(d, x amd64.Vec, constant float32, y amd64.Vec) {
	e.VMOVAPS(d, y)
	e.VFMADD231PS(d, x, e.Constant(constant))
}

func emitToWinograd(width amd64.Width, set string) (func(*Transform), error) {
	e := &transformEmitter{emit.New(width)}
	e.emit(6, func(int) []amd64.Vec {
		var d, r [6]amd64.Vec
		for i := range d {
			d[i], r[i] = e.V(i), e.V(6+i)
		}
		even, odd := e.V(12), e.V(13)
		e.multiplyAdd(r[0], d[2], -5, d[4])
		e.VFMADD231PS(r[0], d[0], e.Constant(4))
		e.multiplyAdd(r[5], d[3], -5, d[5])
		e.VFMADD231PS(r[5], d[1], e.Constant(4))
		e.multiplyAdd(even, d[2], -4, d[4])
		e.multiplyAdd(odd, d[1], -4, d[3])
		e.VADDPS(r[1], even, odd)
		e.VSUBPS(r[2], even, odd)
		e.VSUBPS(even, d[4], d[2])
		e.VSUBPS(odd, d[3], d[1])
		e.VADDPS(odd, odd, odd)
		e.VADDPS(r[3], even, odd)
		e.VSUBPS(r[4], even, odd)
		return r[:]
	})
	return emit.Function[Transform](e.Emitter, set+"-towinograd")
}

func emitFromWinograd(width amd64.Width, set string) (func(*Transform), error) {
	var t Transform
	e := &transformEmitter{emit.New(width)}
	e.emit(6, func(part int) []amd64.Vec {
		var d [6]amd64.Vec
		for i := range d {
			d[i] = e.V(i)
		}
		s12, d12, s34, d34 := e.V(6), e.V(7), e.V(8), e.V(9)
		r := []amd64.Vec{e.V(10), e.V(11), e.V(12), e.V(13)}
		e.VADDPS(s12, d[1], d[2])
		e.VSUBPS(d12, d[1], d[2])
		e.VADDPS(s34, d[3], d[4])
		e.VSUBPS(d34, d[3], d[4])
		e.VADDPS(r[0], d[0], s12)
		e.VADDPS(r[0], r[0], s34)
		e.multiplyAdd(r[1], d34, 2, d12)
		e.multiplyAdd(r[2], s34, 4, s12)
		e.multiplyAdd(r[3], d34, 8, d12)
		e.VADDPS(r[3], r[3], d[5])
		without := e.NewLabel()
		e.MOV(transformAt, emit.Field(unsafe.Offsetof(t.Bias)))
		e.TEST(transformAt, transformAt)
		e.JZ(without)
		for _, v := range r {
			e.VADDPS(v, v, amd64.At(transformAt).Plus(part))
		}
		e.Bind(without)
		without = e.NewLabel()
		e.MOV(transformAt, emit.Field(unsafe.Offsetof(t.Residual)))
		e.TEST(transformAt, transformAt)
		e.JZ(without)
		e.LEA(transformAt, amd64.At(transformR).Plus(part))
		e.MOV(transformInc, emit.Field(unsafe.Offsetof(t.ResidualStep)))
		for i, v := range r {
			e.VADDPS(v, v, amd64.At(transformAt))
			if i < len(r)-1 {
				e.LEA(transformAt, amd64.At(transformAt).Index(transformInc, emit.Float))
			}
		}
		e.Bind(without)
		least := e.V(0)
		e.VBROADCASTSS(least, emit.Field(unsafe.Offsetof(t.Floor)))
		for _, v := range r {
			e.Above(v, least)
		}
		return r
	})
	return emit.Function[Transform](e.Emitter, set+"-fromwinograd")
}
