package emit

import (
	"sync"
	"unsafe"

	"github.com/deploy-kernel/deploy-kernel/runtime/amd64"
)

// The numbers of operands and factors of a loop.
const (
	Operands = 10
	Factors  = 12
)

// job is the argument of a loop.
type job struct {
	operands [Operands]*float32
	factors  [Factors]float32
	values   int // a multiple of Lanes
}

// jobs holds unused jobs: loops take slices, and code keeps its argument in the heap.
var jobs = sync.Pool{New: func() any { return new(job) }}

// maxValues is the number of values that one call of a loop takes. It limits the time
// of a call: a garbage collection waits for it.
const maxValues = 1 << 15

// Loop is a routine over the pixels of some operands.
type Loop struct {
	code   func(*job)
	moving int // operands that advance; the others have one pixel
}

// Run runs the loop on n values, a multiple of Lanes. The first operands have n values
// each, and the others one pixel. A nil operand must be one that the loop does not use.
func (l Loop) Run(n int, factors [Factors]float32, operands ...[]float32) {
	j := jobs.Get().(*job)
	j.factors = factors
	for at := 0; at < n; at += maxValues {
		j.values = min(maxValues, n-at)
		for i, x := range operands {
			switch {
			case x == nil:
				j.operands[i] = nil
			case i < l.moving:
				j.operands[i] = unsafe.SliceData(x[at:][:j.values])
			default:
				j.operands[i] = unsafe.SliceData(x[:Lanes])
			}
		}
		l.code(j)
	}
	*j = job{}
	jobs.Put(j)
}

// pointers holds the registers of the operands that advance.
var pointers = [...]amd64.Reg{amd64.RDI, amd64.RSI, amd64.RDX, amd64.RCX, amd64.RBX, amd64.R10, amd64.R11}

// Registers of a loop. The first two hold bytes.
const (
	loopAt    = amd64.R8  // the current pixel
	loopEnd   = amd64.R9  // the end of the operands
	loopPixel = amd64.R12 // the address of an operand of one pixel
)

// Body holds the parts of a loop. Each may be nil.
type Body struct {
	// Before comes before the loop.
	Before func(e *Emitter)
	// Each computes the register of a pixel that is number part.
	Each func(e *Emitter, part int)
	// After comes behind the loop.
	After func(e *Emitter)
}

// NewLoop generates a loop in which so many operands advance.
func NewLoop(width amd64.Width, name string, moving int, body Body) (Loop, error) {
	var j job
	e := New(width)
	for i := range moving {
		e.MOV(pointers[i], Field(unsafe.Offsetof(j.operands)+uintptr(i)*unsafe.Sizeof(j.operands[0])))
	}
	e.MOV(loopEnd, Field(unsafe.Offsetof(j.values)))
	e.SHL(loopEnd, amd64.Imm(2))
	if body.Before != nil {
		body.Before(e)
	}
	loop := e.NewLabel()
	e.XOR(loopAt.Low(), loopAt.Low())
	e.Align(32)
	e.Bind(loop)
	for part := range e.Parts() {
		body.Each(e, part)
	}
	e.ADD(loopAt, amd64.Imm(Pixel))
	e.CMP(loopAt, loopEnd)
	e.JB(loop)
	if body.After != nil {
		body.After(e)
	}
	code, err := Function[job](e, name)
	return Loop{code, moving}, err
}

// At returns the memory of an operand that advances, for a part of the current pixel.
func (e *Emitter) At(operand, part int) amd64.Mem {
	return amd64.At(pointers[operand]).Index(loopAt, 1).Plus(part * e.Width.Bytes())
}

// Factor loads a factor into every lane of d.
func (e *Emitter) Factor(d amd64.Vec, n int) {
	e.VBROADCASTSS(d, Field(unsafe.Offsetof(job{}.factors)+uintptr(Float*n)))
}

// LoadPixel loads an operand of one pixel. It takes a register for
// each part, from first on.
func (e *Emitter) LoadPixel(first, operand int) {
	for part := range e.Parts() {
		e.VMOVUPS(e.V(first+part), e.Pixel(operand, part))
	}
}

// StorePixel stores an operand of one pixel.
func (e *Emitter) StorePixel(operand, first int) {
	for part := range e.Parts() {
		e.VMOVUPS(e.Pixel(operand, part), e.V(first+part))
	}
}

// Pixel returns the memory of a part of an operand of one pixel.
func (e *Emitter) Pixel(operand, part int) amd64.Mem {
	var j job
	e.MOV(loopPixel, Field(unsafe.Offsetof(j.operands)+uintptr(operand)*unsafe.Sizeof(j.operands[0])))
	return amd64.At(loopPixel).Plus(part * e.Width.Bytes())
}
