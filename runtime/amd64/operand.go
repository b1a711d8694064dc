package amd64

import (
	"math"
	"strconv"
)

// Operand is an operand of an instruction: [Reg], [Vec], [Mask], [Mem], [Imm] or
// [Label].
type Operand interface{ operand() }

// RegMem is a general register or memory.
type RegMem interface {
	Operand
	regMem()
}

// VecMem is a vector register or memory.
type VecMem interface {
	Operand
	vecMem()
}

// VecMask is a vector register or a mask: the destination of a comparison.
type VecMask interface {
	Operand
	vecMask()
}

// Reg is a general register, of 64 or 32 bits. An instruction on a 32-bit register
// clears the upper half.
type Reg uint8

// The general registers.
const (
	RAX Reg = iota
	RCX
	RDX
	RBX
	RSP
	RBP
	RSI
	RDI
	R8
	R9
	R10
	R11
	R12
	R13
	R14
	R15
	EAX
	ECX
	EDX
	EBX
	ESP
	EBP
	ESI
	EDI
	R8D
	R9D
	R10D
	R11D
	R12D
	R13D
	R14D
	R15D
	noReg
)

// Low returns the lower 32 bits of r.
func (r Reg) Low() Reg { return r | EAX }

// number returns the register's number in an encoding, 0 to 15.
func (r Reg) number() uint8 { return uint8(r) & 15 }

// wide reports whether r has 64 bits.
func (r Reg) wide() bool { return r < EAX }

var regNames = [...]string{"ax", "cx", "dx", "bx", "sp", "bp", "si", "di"}

func (r Reg) String() string {
	switch {
	case r >= noReg:
		return "no register"
	case r.number() >= 8 && r.wide():
		return "r" + strconv.Itoa(int(r.number()))
	case r.number() >= 8:
		return "r" + strconv.Itoa(int(r.number())) + "d"
	case r.wide():
		return "r" + regNames[r.number()]
	}
	return "e" + regNames[r.number()]
}

// Mask is a mask register of AVX-512.
type Mask uint8

// The mask registers. K0 cannot mask an instruction.
const (
	K0 Mask = iota
	K1
	K2
	K3
	K4
	K5
	K6
	K7
)

func (k Mask) String() string { return "k" + strconv.Itoa(int(k)) }

// Width is the width of a vector register.
type Width uint8

// The widths, of 16, 32 and 64 bytes.
const (
	XMM Width = iota
	YMM
	ZMM
)

// Bytes returns the width in bytes.
func (w Width) Bytes() int { return 16 << w }

// Reg returns register n of this width. The numbers end at 15, and with AVX-512 at
// 31.
func (w Width) Reg(n int) Vec {
	return Vec{width: w, n: uint8(min(uint(n), vectors))}
}

// vectors is the number of vector registers.
const vectors = 32

// X returns the 128-bit register n.
func X(n int) Vec { return XMM.Reg(n) }

// Y returns the 256-bit register n.
func Y(n int) Vec { return YMM.Reg(n) }

// Z returns the 512-bit register n.
func Z(n int) Vec { return ZMM.Reg(n) }

// Vec is a vector register, as a destination with an optional mask.
type Vec struct {
	width Width
	n     uint8
	mask  Mask
	zero  bool
}

// Mask returns v as a destination that keeps its elements where k is 0.
func (v Vec) Mask(k Mask) Vec {
	v.mask = maskBy(k)
	return v
}

// Zero returns v as a destination whose elements become 0 where k is 0.
func (v Vec) Zero(k Mask) Vec {
	v.mask, v.zero = maskBy(k), true
	return v
}

// badMask stands for a mask that cannot mask an instruction.
const badMask Mask = 8

// maskBy returns k, or badMask if k cannot mask an instruction.
func maskBy(k Mask) Mask {
	if k == K0 || k > K7 {
		return badMask
	}
	return k
}

// As returns the register of another width with the same number.
func (v Vec) As(w Width) Vec { return Vec{width: w, n: v.n} }

func (v Vec) String() string {
	name := "?mm"
	if v.width <= ZMM {
		name = "xyz"[v.width:v.width+1] + "mm"
	}
	return name + strconv.Itoa(int(v.n)) + maskText(v.mask, v.zero)
}

func maskText(k Mask, zero bool) string {
	text := ""
	if k != K0 {
		text = "{" + k.String() + "}"
	}
	if zero {
		text += "{z}"
	}
	return text
}

// Imm is an immediate operand.
type Imm int64

func (i Imm) String() string { return strconv.FormatInt(int64(i), 10) }

// Label is a place in the code, made by [Assembler.NewLabel].
type Label int32

func (l Label) String() string { return "L" + strconv.Itoa(int(l)) }

// Mem is an operand in memory, at base + index*scale + displacement or at a label.
type Mem struct {
	base, index Reg
	scale       uint8
	mask        Mask
	broadcast   bool
	disp        int32
	label       Label // of an address relative to the code, or -1
	bad         bool  // a scale or displacement that has no encoding
}

// At returns the memory at the address in base.
func At(base Reg) Mem { return Mem{base: base, index: noReg, scale: 1, label: -1} }

// Scaled returns the memory at index*scale.
func Scaled(index Reg, scale int) Mem { return At(noReg).Index(index, scale) }

// Data returns the memory at a label, such as constants behind the code.
func Data(l Label) Mem {
	m := At(noReg)
	m.label = l
	return m
}

// Index returns m with index*scale added to the address. The scale is 1, 2, 4 or 8.
func (m Mem) Index(index Reg, scale int) Mem {
	m.bad = m.bad || m.index != noReg || !index.wide() || index == RSP || scale != 1 && scale != 2 && scale != 4 && scale != 8
	m.index, m.scale = index, uint8(scale)
	return m
}

// Plus returns m with so many bytes added to the address.
func (m Mem) Plus(bytes int) Mem {
	sum := int64(m.disp) + int64(bytes)
	m.bad = m.bad || bytes != int(int32(bytes)) || sum < math.MinInt32 || sum > math.MaxInt32
	m.disp = int32(sum)
	return m
}

// Broadcast returns m as a single element that an AVX-512 instruction repeats in
// every lane.
func (m Mem) Broadcast() Mem {
	m.broadcast = true
	return m
}

// Mask returns m as a destination that keeps its elements where k is 0. Elements
// that are kept are not accessed.
func (m Mem) Mask(k Mask) Mem {
	m.mask = maskBy(k)
	return m
}

func (m Mem) String() string {
	text := ""
	add := func(part string) {
		if text != "" {
			text += "+"
		}
		text += part
	}
	if m.label >= 0 {
		add("rip+" + m.label.String())
	}
	if m.base != noReg {
		add(m.base.String())
	}
	if m.index != noReg {
		add(m.index.String() + "*" + strconv.Itoa(int(m.scale)))
	}
	if m.disp != 0 || text == "" {
		add(strconv.Itoa(int(m.disp)))
	}
	text = "[" + text + "]"
	if m.broadcast {
		text += "{1toN}"
	}
	return text + maskText(m.mask, false)
}

func (Reg) operand()   {}
func (Vec) operand()   {}
func (Mask) operand()  {}
func (Mem) operand()   {}
func (Imm) operand()   {}
func (Label) operand() {}

func (Reg) regMem() {}
func (Mem) regMem() {}

func (Vec) vecMem() {}
func (Mem) vecMem() {}

func (Vec) vecMask()  {}
func (Mask) vecMask() {}
