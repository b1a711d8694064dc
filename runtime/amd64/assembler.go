package amd64

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Assembler collects machine code. The zero value is ready to use. An Assembler is
// not safe for concurrent use.
type Assembler struct {
	code   []byte  // without the bytes of points
	points []point // in the order of the code
	labels []int   // the offset of each label in the final code, or unbound
	err    error
}

// unbound is the offset of a label without a place, and bound that of a label whose
// place the layout has not computed yet.
const (
	unbound = -2
	bound   = -1
)

// point is a place in the code whose bytes depend on the layout.
type point struct {
	at    int // offset in Assembler.code
	kind  pointKind
	label Label
	n     int // condition, alignment, or the instruction's bytes after an address
	size  int // bytes that the point inserts
}

type pointKind uint8

const (
	bind    pointKind = iota
	jump              // to a label, on condition n
	align             // to a multiple of n bytes
	address           // of a label, relative to the instruction's end
)

// NewLabel returns a label without a place.
func (a *Assembler) NewLabel() Label {
	a.labels = append(a.labels, unbound)
	return Label(len(a.labels) - 1)
}

// Bind places l at the end of the code so far.
func (a *Assembler) Bind(l Label) {
	switch {
	case !a.has(l):
		a.fail("%v is no label of this assembler", l)
	case a.labels[l] != unbound:
		a.fail("%v is bound twice", l)
	default:
		a.labels[l] = bound
		a.points = append(a.points, point{at: len(a.code), kind: bind, label: l})
	}
}

func (a *Assembler) has(l Label) bool { return l >= 0 && int(l) < len(a.labels) }

// Align inserts no-operations up to a multiple of n bytes, a power of two.
func (a *Assembler) Align(n int) {
	if n <= 0 || n&(n-1) != 0 || n > 4096 {
		a.fail("aligning to %d: not a power of two up to 4096", n)
		return
	}
	a.points = append(a.points, point{at: len(a.code), kind: align, n: n})
}

// Float32s appends data to the code: constants for [Data].
func (a *Assembler) Float32s(values ...float32) {
	for _, v := range values {
		a.code = binary.LittleEndian.AppendUint32(a.code, math.Float32bits(v))
	}
}

// Uint32s appends data to the code.
func (a *Assembler) Uint32s(values ...uint32) {
	for _, v := range values {
		a.code = binary.LittleEndian.AppendUint32(a.code, v)
	}
}

// fail keeps the first error.
func (a *Assembler) fail(format string, args ...any) {
	if a.err == nil {
		a.err = fmt.Errorf("assembling: "+format, args...)
	}
}

// refuse fails with an instruction, its operands and what is wrong with them. It
// copies the operands, so that those of correct instructions stay on the stack.
func (a *Assembler) refuse(name, why string, operands ...Operand) {
	if a.err != nil {
		return
	}
	text := name
	for i, o := range operands {
		if i > 0 {
			text += ","
		}
		text += " " + describe(o)
	}
	a.err = errors.New("assembling " + text + ": " + why)
}

// describe returns the operand's text. It calls no method of the interface, as the
// operand would then escape to the heap.
func describe(o Operand) string {
	switch o := o.(type) {
	case Reg:
		return o.String()
	case Vec:
		return o.String()
	case Mask:
		return o.String()
	case Mem:
		return o.String()
	case Imm:
		return o.String()
	case Label:
		return o.String()
	}
	return "nothing"
}

// Bytes returns the code, or the first error. It resolves labels, and makes each
// jump as short as its distance allows.
func (a *Assembler) Bytes() ([]byte, error) {
	if a.err != nil {
		return nil, a.err
	}
	for i := range a.points {
		p := &a.points[i]
		switch p.kind {
		case jump:
			p.size = shortJump
		case address:
			p.size = 4
		}
		if (p.kind == jump || p.kind == address) && a.labels[p.label] == unbound {
			return nil, fmt.Errorf("assembling: %v is used but not bound", p.label)
		}
	}
	size := a.layOut()
	for a.widen() {
		size = a.layOut()
	}
	out, from := make([]byte, 0, size), 0
	for _, p := range a.points {
		out = append(out, a.code[from:p.at]...)
		from = p.at
		out = a.appendPoint(out, p)
	}
	return append(out, a.code[from:]...), nil
}

// layOut computes the offsets of labels and the sizes of alignments, and returns
// the size of the code.
func (a *Assembler) layOut() int {
	shift := 0
	for i := range a.points {
		p := &a.points[i]
		switch p.kind {
		case bind:
			a.labels[p.label] = p.at + shift
		case align:
			p.size = -(p.at + shift) & (p.n - 1)
		}
		shift += p.size
	}
	return len(a.code) + shift
}

// widen turns short jumps whose target is too far into near ones. It reports
// whether there are any.
func (a *Assembler) widen() bool {
	shift, changed := 0, false
	for i := range a.points {
		p := &a.points[i]
		shift += p.size
		if p.kind != jump || p.size != shortJump {
			continue
		}
		if distance := a.labels[p.label] - (p.at + shift); distance != int(int8(distance)) {
			changed = true
			p.size = nearJump
			if p.n == always {
				p.size--
			}
		}
	}
	return changed
}

const (
	shortJump = 2
	nearJump  = 6
)

// appendPoint appends the bytes of p, which begin at the end of out.
func (a *Assembler) appendPoint(out []byte, p point) []byte {
	switch p.kind {
	case align:
		return appendNops(out, p.size)
	case address:
		return binary.LittleEndian.AppendUint32(out, uint32(a.labels[p.label]-(len(out)+4+p.n)))
	case jump:
		distance := a.labels[p.label] - (len(out) + p.size)
		switch {
		case p.size == shortJump && p.n == always:
			return append(out, 0xeb, byte(distance))
		case p.size == shortJump:
			return append(out, 0x70|byte(p.n), byte(distance))
		case p.n == always:
			out = append(out, 0xe9)
		default:
			out = append(out, 0x0f, 0x80|byte(p.n))
		}
		return binary.LittleEndian.AppendUint32(out, uint32(distance))
	}
	return out
}

// nops holds the no-operations of 1 to 9 bytes that Intel recommends ("NOP", table
// 4-12).
var nops = [...]string{
	"\x90", "\x66\x90", "\x0f\x1f\x00", "\x0f\x1f\x40\x00", "\x0f\x1f\x44\x00\x00",
	"\x66\x0f\x1f\x44\x00\x00", "\x0f\x1f\x80\x00\x00\x00\x00",
	"\x0f\x1f\x84\x00\x00\x00\x00\x00", "\x66\x0f\x1f\x84\x00\x00\x00\x00\x00",
}

func appendNops(out []byte, n int) []byte {
	for ; n > 0; n -= min(n, len(nops)) {
		out = append(out, nops[min(n, len(nops))-1]...)
	}
	return out
}
