package jpeg

import (
	"unsafe"

	"github.com/deploy-kernel/deploy-kernel/runtime/amd64"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd/emit"
)

// dctEmitter writes routines.Inverse. A register holds eight numbers of 32 bits: a row
// in the first pass, and a column in the second. Before a pass, numbers of 16 bits lie
// in pairs, so that one instruction multiplies both and adds the products.
type dctEmitter struct{ *emit.Emitter }

// The registers of a pass. The inputs are pairs: 0 and 4, 2 and 6, 1 and 5, 3 and 7.
const (
	pair04 = iota
	pair26
	pair15
	pair37
	passOut  // the eight outputs
	passTemp = passOut + 8
)

func emitInverse(set string) (func(*dctJob), error) {
	var j dctJob
	e := &dctEmitter{emit.New(amd64.YMM)}
	e.load(unsafe.Offsetof(j.block))
	e.pass(round1, shift1)
	e.transpose()
	e.pass(center2, shift2)
	e.store(emit.Field(unsafe.Offsetof(j.dst)), emit.Field(unsafe.Offsetof(j.stride)))
	return emit.Function[dctJob](e.Emitter, set+"-jpeg-inverse")
}

// load loads the pairs of the block's rows.
func (e *dctEmitter) load(block uintptr) {
	for i := range 4 { // the lower halves of two rows, then the upper halves
		e.VPERMQ(e.V(passOut+i), emit.Field(block).Plus(32*i), 0xd8)
	}
	e.VPUNPCKLWD(e.V(pair04), e.V(passOut), e.V(passOut+2))
	e.VPUNPCKHWD(e.V(pair15), e.V(passOut), e.V(passOut+2))
	e.VPUNPCKLWD(e.V(pair26), e.V(passOut+1), e.V(passOut+3))
	e.VPUNPCKHWD(e.V(pair37), e.V(passOut+1), e.V(passOut+3))
}

// multiply sets d to the sum of the products of a pair.
func (e *dctEmitter) multiply(d amd64.Vec, pair int, first, second int16) {
	e.VPMADDWD(d, e.V(pair), e.Repeat(uint32(uint16(first))|uint32(uint16(second))<<16))
}

// pass computes eight inverse transforms: even and odd of the scalar routine.
func (e *dctEmitter) pass(round int32, shift uint8) {
	out := func(n int) amd64.Vec { return e.V(passOut + n) }
	t, u := e.V(passTemp), e.V(passTemp+1)
	e.multiply(out(0), pair04, 1<<constBits, 1<<constBits)
	e.multiply(out(1), pair04, 1<<constBits, -1<<constBits)
	e.multiply(t, pair26, fix0541+fix0765, fix0541)
	e.multiply(u, pair26, fix0541, fix0541-fix1847)
	e.VPADDD(out(0), out(0), e.Repeat(uint32(round)))
	e.VPADDD(out(1), out(1), e.Repeat(uint32(round)))
	e.VPSUBD(out(3), out(0), t)
	e.VPADDD(out(0), out(0), t)
	e.VPSUBD(out(2), out(1), u)
	e.VPADDD(out(1), out(1), u)
	for i, f := range [4]struct{ b1, b5, b3, b7 int16 }{
		{fix1501 - fix0899 + fix1175 - fix0390, fix1175 - fix0390, fix1175, fix1175 - fix0899},
		{fix1175, fix1175 - fix2562, fix3072 - fix2562 + fix1175 - fix1961, fix1175 - fix1961},
		{fix1175 - fix0390, fix2053 - fix2562 + fix1175 - fix0390, fix1175 - fix2562, fix1175},
		{fix1175 - fix0899, fix1175, fix1175 - fix1961, fix0298 - fix0899 + fix1175 - fix1961},
	} {
		e.multiply(t, pair15, f.b1, f.b5)
		e.multiply(u, pair37, f.b3, f.b7)
		e.VPADDD(t, t, u)
		e.VPSUBD(out(7-i), out(i), t)
		e.VPADDD(out(i), out(i), t)
		e.VPSRAD(out(7-i), out(7-i), shift)
		e.VPSRAD(out(i), out(i), shift)
	}
}

// transpose turns the outputs, which fit 16 bits, into the pairs of their columns. The
// lower half of a pair belongs to the even rows and the upper half to the odd ones.
func (e *dctEmitter) transpose() {
	halves := e.pattern([16]byte{0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15})
	row := func(n int) amd64.Vec { return e.V(passOut + 2*n) } // 2n, and 2n+1 in the upper half
	for n := range 4 {
		e.VPACKSSDW(row(n), row(n), e.V(passOut+2*n+1))
		e.VPERMQ(row(n), row(n), 0xd8)
		e.VPSHUFB(row(n), row(n), halves)
	}
	t, u := e.V(passTemp), e.V(passTemp+1)
	e.VPUNPCKLDQ(t, row(0), row(1))
	e.VPUNPCKLDQ(u, row(2), row(3))
	e.VPUNPCKLQDQ(e.V(pair04), t, u)
	e.VPUNPCKHQDQ(e.V(pair15), t, u)
	e.VPUNPCKHDQ(t, row(0), row(1))
	e.VPUNPCKHDQ(u, row(2), row(3))
	e.VPUNPCKLQDQ(e.V(pair26), t, u)
	e.VPUNPCKHQDQ(e.V(pair37), t, u)
}

// store writes the outputs, columns of samples, limited to bytes.
func (e *dctEmitter) store(dst, stride amd64.Mem) {
	column := func(n int) amd64.Vec { return e.V(passOut + n) }
	turned := e.pattern([16]byte{0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15})
	for _, first := range []int{0, 4} {
		e.VPACKSSDW(column(first), column(first), column(first+1))
		e.VPACKSSDW(column(first+2), column(first+2), column(first+3))
		e.VPACKUSWB(column(first), column(first), column(first+2))
		e.VPSHUFB(column(first), column(first), turned) // four columns of a row beside each other
	}
	rows := [2]amd64.Vec{column(1), column(2)} // 0, 2, 1, 3 and 4, 6, 5, 7
	e.VPUNPCKLDQ(rows[0], column(0), column(4))
	e.VPUNPCKHDQ(rows[1], column(0), column(4))
	at, step := amd64.RDI, amd64.RSI
	e.MOV(at, dst)
	e.MOV(step, stride)
	for _, r := range rows {
		odd := e.V(passTemp).As(amd64.XMM)
		e.VEXTRACTI128(odd, r, 1)
		e.VMOVQ(amd64.At(at), r.As(amd64.XMM))
		e.VMOVQ(amd64.At(at).Index(step, 1), odd)
		e.LEA(at, amd64.At(at).Index(step, 2))
		e.VPEXTRQ(amd64.At(at), r.As(amd64.XMM), 1)
		e.VPEXTRQ(amd64.At(at).Index(step, 1), odd, 1)
		e.LEA(at, amd64.At(at).Index(step, 2))
	}
}

// pattern returns the memory of bytes that repeat in both halves of a register.
func (e *dctEmitter) pattern(bytes [16]byte) amd64.Mem { return pattern(e.Emitter, bytes) }
