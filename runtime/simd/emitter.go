package simd

import (
	"unsafe"

	"github.com/deploy-kernel/deploy-kernel/runtime/amd64"
	"github.com/deploy-kernel/deploy-kernel/runtime/machinecode"
)

// emitter writes a routine as machine code for registers of one width. Routines get
// their job in RAX.
type emitter struct {
	amd64.Assembler
	width amd64.Width // YMM for AVX2, ZMM for AVX-512
}

// The sizes of what routines read, in bytes.
const (
	float      = 4
	pixelBytes = Lanes * float
)

// lanes returns the number of float32 values in a register.
func (e *emitter) lanes() int { return e.width.Bytes() / float }

// registers returns the number of vector registers.
func (e *emitter) registers() int {
	if e.width == amd64.ZMM {
		return 32
	}
	return 16
}

// parts returns the number of registers that hold a pixel's Lanes values.
func (e *emitter) parts() int { return Lanes / e.lanes() }

// v returns vector register n.
func (e *emitter) v(n int) amd64.Vec { return e.width.Reg(n) }

// field returns the job's field at an offset. Of a slice, it is the address of the
// data, and 8 bytes on is the length.
func field(offset uintptr) amd64.Mem { return amd64.At(amd64.RAX).Plus(int(offset)) }

// zero clears a register. The narrow form clears all of it.
func (e *emitter) zero(v amd64.Vec) {
	x := v.As(amd64.XMM)
	e.VXORPS(x, x, x)
}

// above computes d = max(d, floor), and keeps NaN: the instruction returns its last
// operand if either is NaN.
func (e *emitter) above(d, floor amd64.Vec) { e.VMAXPS(d, floor, d) }

// load ends the routine, appends its data if there are any, and makes it a function.
func load[T any](e *emitter, name string, data func()) (func(*T), error) {
	machinecode.Return(&e.Assembler)
	if data != nil {
		data()
	}
	code, err := e.Bytes()
	if err != nil {
		return nil, err
	}
	return machinecode.Load[T](name, code)
}

// wordSize is the size of an int and of an address.
const wordSize = int(unsafe.Sizeof(uintptr(0)))
