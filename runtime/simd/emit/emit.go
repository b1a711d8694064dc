// Package emit holds what emitters of SIMD routines share: registers of one width for
// AVX2 or AVX-512, constants behind the code, and loops over values.
//
//	e := emit.New(amd64.ZMM)
//	e.VMOVUPS(e.V(0), emit.Field(unsafe.Offsetof(job.X)))
//	…
//	f, err := emit.Function[job](e, "name")
//
// Routines get the address of their job in RAX, and keep it there. They obey the rules
// of package machinecode.
package emit

import (
	"math"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/runtime/amd64"
	"github.com/deploy-kernel/deploy-kernel/runtime/machinecode"
)

// Lanes is the number of channels of a pixel, and Float the size of a value in bytes.
const (
	Lanes = 16
	Float = 4
	// Pixel is the size of a pixel in bytes.
	Pixel = Lanes * Float
)

// Emitter writes one routine for registers of one width.
type Emitter struct {
	amd64.Assembler
	// Width is amd64.YMM for AVX2 and amd64.ZMM for AVX-512.
	Width  amd64.Width
	tables []table
}

// table is data behind the code.
type table struct {
	label amd64.Label
	words []uint32
}

// New returns an emitter without code.
func New(width amd64.Width) *Emitter { return &Emitter{Width: width} }

// Lanes returns the number of float32 values in a register.
func (e *Emitter) Lanes() int { return e.Width.Bytes() / Float }

// Parts returns the number of registers that hold a pixel.
func (e *Emitter) Parts() int { return Lanes / e.Lanes() }

// Registers returns the number of vector registers.
func (e *Emitter) Registers() int {
	if e.Width == amd64.ZMM {
		return 32
	}
	return 16
}

// V returns vector register n.
func (e *Emitter) V(n int) amd64.Vec { return e.Width.Reg(n) }

// Field returns the job's field at an offset. For a slice, this is the address of its
// data. The length is 8 bytes further.
func Field(offset uintptr) amd64.Mem { return amd64.At(amd64.RAX).Plus(int(offset)) }

// Table returns the memory of a table behind the code.
func (e *Emitter) Table(words []uint32) amd64.Mem {
	t := table{e.NewLabel(), words}
	e.tables = append(e.tables, t)
	return amd64.Data(t.label)
}

// Constant returns the memory of a register whose lanes hold v.
func (e *Emitter) Constant(v float32) amd64.Mem { return e.Repeat(math.Float32bits(v)) }

// Repeat returns the memory of a register that holds the word in each 32 bits.
func (e *Emitter) Repeat(word uint32) amd64.Mem {
	words := slices.Repeat([]uint32{word}, e.Lanes())
	for _, t := range e.tables {
		if slices.Equal(t.words, words) {
			return amd64.Data(t.label)
		}
	}
	return e.Table(words)
}

// Zero clears a register. The narrow form clears all of it.
func (e *Emitter) Zero(v amd64.Vec) {
	x := v.As(amd64.XMM)
	e.VXORPS(x, x, x)
}

// Above computes d = max(d, floor), and keeps NaN: the instruction returns its last
// operand if either is NaN.
func (e *Emitter) Above(d, floor amd64.Vec) { e.VMAXPS(d, floor, d) }

// Select computes d = x in the lanes where a compares to b by the predicate, and 0 in
// the others. With AVX-512 it changes the mask K1, and d is not read otherwise.
func (e *Emitter) Select(d, a, b amd64.Vec, predicate uint8, x amd64.Mem) {
	if e.Width == amd64.ZMM {
		e.VCMPPS(amd64.K1, a, b, predicate)
		e.VMOVUPS(d.Zero(amd64.K1), x)
		return
	}
	e.VCMPPS(d, a, b, predicate)
	e.VANDPS(d, d, x)
}

// FindNaN marks the lanes of x that are NaN, for Larger: in the mask K1, or in the
// register marks.
func (e *Emitter) FindNaN(x, marks amd64.Vec) {
	if e.Width == amd64.ZMM {
		e.VCMPPS(amd64.K1, x, x, amd64.NaN)
	} else {
		e.VCMPPS(marks, x, x, amd64.NaN)
	}
}

// Larger computes d = max(d, x), which is NaN if either operand is. FindNaN has marked
// the lanes of x. The instruction returns its last operand if either is NaN, so d
// stays NaN.
func (e *Emitter) Larger(d, x, marks amd64.Vec) {
	e.VMAXPS(d, x, d)
	if e.Width == amd64.ZMM {
		e.VMOVAPS(d.Mask(amd64.K1), x)
	} else {
		e.VORPS(d, d, marks) // all bits: a NaN
	}
}

// Function ends the routine, appends its tables and makes it a function.
func Function[T any](e *Emitter, name string) (func(*T), error) {
	machinecode.Return(&e.Assembler)
	for _, t := range e.tables {
		e.Align(64)
		e.Bind(t.label)
		e.Uint32s(t.words...)
	}
	code, err := e.Bytes()
	if err != nil {
		return nil, err
	}
	return machinecode.Load[T](name, code)
}
