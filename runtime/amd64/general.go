package amd64

import "encoding/binary"

// always is the condition of an unconditional jump.
const always = 16

// The conditions of jumps and conditional moves, by their codes.
const (
	below          = 2
	aboveOrEqual   = 3
	equal          = 4
	notEqual       = 5
	belowOrEqual   = 6
	above          = 7
	negative       = 8
	notNegative    = 9
	less           = 12
	greaterOrEqual = 13
	lessOrEqual    = 14
	greater        = 15
)

func (a *Assembler) jump(name string, condition int, l Label) {
	if !a.has(l) {
		a.refuse(name, "it is no label of this assembler", l)
		return
	}
	a.points = append(a.points, point{at: len(a.code), kind: jump, label: l, n: condition})
}

// Jumps to a label: always, or after a comparison or an arithmetic instruction.

func (a *Assembler) JMP(l Label) { a.jump("JMP", always, l) }
func (a *Assembler) JB(l Label)  { a.jump("JB", below, l) }
func (a *Assembler) JAE(l Label) { a.jump("JAE", aboveOrEqual, l) }
func (a *Assembler) JZ(l Label)  { a.jump("JZ", equal, l) }
func (a *Assembler) JNZ(l Label) { a.jump("JNZ", notEqual, l) }
func (a *Assembler) JE(l Label)  { a.jump("JE", equal, l) }
func (a *Assembler) JNE(l Label) { a.jump("JNE", notEqual, l) }
func (a *Assembler) JBE(l Label) { a.jump("JBE", belowOrEqual, l) }
func (a *Assembler) JA(l Label)  { a.jump("JA", above, l) }
func (a *Assembler) JS(l Label)  { a.jump("JS", negative, l) }
func (a *Assembler) JNS(l Label) { a.jump("JNS", notNegative, l) }
func (a *Assembler) JL(l Label)  { a.jump("JL", less, l) }
func (a *Assembler) JGE(l Label) { a.jump("JGE", greaterOrEqual, l) }
func (a *Assembler) JLE(l Label) { a.jump("JLE", lessOrEqual, l) }
func (a *Assembler) JG(l Label)  { a.jump("JG", greater, l) }

// RET returns to the caller.
func (a *Assembler) RET() { a.code = append(a.code, 0xc3) }

// CPUID asks the processor about itself: the leaf is in EAX and its part in ECX.
func (a *Assembler) CPUID() { a.code = append(a.code, 0x0f, 0xa2) }

// XGETBV reads the extended control register ECX into EDX:EAX.
func (a *Assembler) XGETBV() { a.code = append(a.code, 0x0f, 0x01, 0xd0) }

// Bits of an opcode of a general instruction, above its bytes.
const (
	op0F   = 1 << (8 + iota) // the opcode follows the byte 0F
	opF3                     // the prefix F3
	op66                     // the prefix 66
	opByte                   // the register operand is the lowest byte of reg
	noSize                   // W is 0: the operand has a size of its own
)

// general encodes an instruction with a register or digit, and a register or
// memory. The register operands have the same size.
func (a *Assembler) general(name string, opcode int, reg Operand, rm Operand, trailing int) bool {
	var n, rmBits, rex uint8
	r, isReg := reg.(Reg)
	base, isBase := rm.(Reg)
	m, memory := rm.(Mem)
	why := ""
	switch {
	case isReg && r >= noReg || isBase && base >= noReg:
		why = "there is no such register"
	case isReg && isBase && r.wide() != base.wide() && opcode&noSize == 0:
		why = "the registers differ in size"
	case memory && (m.broadcast || m.mask != K0):
		why = "the instruction takes neither masks nor broadcasts"
	case memory:
		why = a.wrong(m)
	}
	if why != "" {
		if isReg {
			a.refuse(name, why, r, rm)
		} else {
			a.refuse(name, why, rm)
		}
		return false
	}
	wide := isReg && r.wide() || !isReg && isBase && base.wide()
	if isReg {
		n = r.number()
	} else if d, ok := reg.(digit); ok {
		n = uint8(d)
	}
	if memory {
		rex = indexBit(m)<<1 | baseBit(m)
	} else {
		rmBits = base.number()
		rex = rmBits >> 3
	}
	rex |= n >> 3 << 2
	if wide && opcode&noSize == 0 {
		rex |= 8
	}
	if opcode&op66 != 0 {
		a.code = append(a.code, 0x66)
	}
	if opcode&opF3 != 0 {
		a.code = append(a.code, 0xf3)
	}
	if rex != 0 || opcode&opByte != 0 && n >= 4 {
		a.code = append(a.code, 0x40|rex)
	}
	if opcode&op0F != 0 {
		a.code = append(a.code, 0x0f)
	}
	a.code = append(a.code, byte(opcode))
	if memory {
		a.modRM(n, m, 1, trailing)
	} else {
		a.code = append(a.code, 0xc0|n&7<<3|rmBits&7)
	}
	return true
}

// immediate appends an immediate of 1 or 4 bytes.
func (a *Assembler) immediate(i Imm, bytes int) {
	if bytes == 1 {
		a.code = append(a.code, byte(i))
	} else {
		a.code = binary.LittleEndian.AppendUint32(a.code, uint32(i))
	}
}

func (i Imm) fits8() bool { return i == Imm(int8(i)) }

// fits32 reports whether i is an immediate of 4 bytes for a register of r's size.
func (i Imm) fits32(r Reg) bool {
	return i == Imm(int32(i)) || !r.wide() && i == Imm(uint32(i))
}

// arithmetic encodes the instructions of two operands with opcodes n*8 to n*8+5.
func (a *Assembler) arithmetic(name string, n int, d RegMem, s Operand) {
	switch s := s.(type) {
	case Reg:
		a.general(name, n<<3+1, s, d, 0)
		return
	case Mem:
		if r, ok := d.(Reg); ok {
			a.general(name, n<<3+3, r, s, 0)
			return
		}
	case Imm:
		r, ok := d.(Reg)
		if !ok || !s.fits32(r) {
			break
		}
		if !r.wide() {
			s = Imm(int32(s))
		}
		if s.fits8() {
			if a.general(name, 0x83, digit(n), r, 1) {
				a.immediate(s, 1)
			}
			return
		}
		if r.number() == 0 { // the accumulator has an opcode without ModRM
			if r.wide() {
				a.code = append(a.code, 0x48)
			}
			a.code = append(a.code, byte(n<<3+5))
		} else if !a.general(name, 0x81, digit(n), r, 4) {
			return
		}
		a.immediate(s, 4)
		return
	}
	a.refuse(name, "no form with these operands", d, s)
}

// ADD, OR, AND, SUB, XOR and CMP take registers of 32 or 64 bits. One operand may
// be memory, and the second an immediate of 32 bits.

func (a *Assembler) ADD(d RegMem, s Operand) { a.arithmetic("ADD", 0, d, s) }
func (a *Assembler) OR(d RegMem, s Operand)  { a.arithmetic("OR", 1, d, s) }
func (a *Assembler) AND(d RegMem, s Operand) { a.arithmetic("AND", 4, d, s) }
func (a *Assembler) SUB(d RegMem, s Operand) { a.arithmetic("SUB", 5, d, s) }
func (a *Assembler) XOR(d RegMem, s Operand) { a.arithmetic("XOR", 6, d, s) }
func (a *Assembler) CMP(d RegMem, s Operand) { a.arithmetic("CMP", 7, d, s) }

// MOV copies between registers and memory, or loads an immediate.
func (a *Assembler) MOV(d RegMem, s Operand) {
	r, toReg := d.(Reg)
	switch s := s.(type) {
	case Reg:
		a.general("MOV", 0x89, s, d, 0)
		return
	case Mem:
		if toReg {
			a.general("MOV", 0x8b, r, s, 0)
			return
		}
	case Imm:
		switch {
		case !toReg || r >= noReg || !r.wide() && !s.fits32(r):
		case r.wide() && s.fits32(r):
			if a.general("MOV", 0xc7, digit(0), r, 4) {
				a.immediate(s, 4)
			}
			return
		default:
			rex := r.number() >> 3
			if r.wide() {
				rex |= 8
			}
			if rex != 0 {
				a.code = append(a.code, 0x40|rex)
			}
			a.code = append(a.code, 0xb8|r.number()&7)
			if r.wide() {
				a.code = binary.LittleEndian.AppendUint64(a.code, uint64(s))
			} else {
				a.immediate(s, 4)
			}
			return
		}
	}
	a.refuse("MOV", "no form with these operands", d, s)
}

// MOVB stores the lowest byte of s.
func (a *Assembler) MOVB(d Mem, s Reg) { a.general("MOVB", 0x88|opByte|noSize, s, d, 0) }

// MOVW stores the lowest 16 bits of s.
func (a *Assembler) MOVW(d Mem, s Reg) { a.general("MOVW", 0x89|op66|noSize, s, d, 0) }

// MOVZBL loads a byte and clears the rest of d.
func (a *Assembler) MOVZBL(d Reg, s Mem) { a.general("MOVZBL", 0xb6|op0F, d, s, 0) }

// MOVZWL loads 16 bits and clears the rest of d.
func (a *Assembler) MOVZWL(d Reg, s Mem) { a.general("MOVZWL", 0xb7|op0F, d, s, 0) }

// MOVSBL loads a byte and extends its sign to all of d.
func (a *Assembler) MOVSBL(d Reg, s Mem) { a.general("MOVSBL", 0xbe|op0F, d, s, 0) }

// MOVSWL loads 16 bits and extends their sign to all of d.
func (a *Assembler) MOVSWL(d Reg, s Mem) { a.general("MOVSWL", 0xbf|op0F, d, s, 0) }

// MOVSLQ extends the sign of 32 bits to all 64 of d.
func (a *Assembler) MOVSLQ(d Reg, s RegMem) {
	if r, ok := s.(Reg); !d.wide() || ok && r.wide() {
		a.refuse("MOVSLQ", "the destination has 64 bits and the source 32", d, s)
		return
	}
	a.general("MOVSLQ", 0x63, d, sized(s, 64), 0)
}

// LEA computes the address of s.
func (a *Assembler) LEA(d Reg, s Mem) { a.general("LEA", 0x8d, d, s, 0) }

// IMUL multiplies d by s.
func (a *Assembler) IMUL(d Reg, s RegMem) { a.general("IMUL", 0xaf|op0F, d, s, 0) }

// IMULI computes d = s * i.
func (a *Assembler) IMULI(d Reg, s RegMem, i Imm) {
	switch {
	case i.fits8():
		if a.general("IMUL", 0x6b, d, s, 1) {
			a.immediate(i, 1)
		}
	case i == Imm(int32(i)):
		if a.general("IMUL", 0x69, d, s, 4) {
			a.immediate(i, 4)
		}
	default:
		a.refuse("IMUL", "the immediate exceeds 32 bits", d, s, i)
	}
}

// TEST sets the flags of the bitwise and of two registers.
func (a *Assembler) TEST(x, y Reg) { a.general("TEST", 0x85, y, x, 0) }

func (a *Assembler) INC(d Reg) { a.general("INC", 0xff, digit(0), d, 0) }
func (a *Assembler) DEC(d Reg) { a.general("DEC", 0xff, digit(1), d, 0) }
func (a *Assembler) NOT(d Reg) { a.general("NOT", 0xf7, digit(2), d, 0) }
func (a *Assembler) NEG(d Reg) { a.general("NEG", 0xf7, digit(3), d, 0) }

// shift encodes a shift by an immediate, or by CL if n is RCX.
func (a *Assembler) shift(name string, d digit, r Reg, n Operand) {
	switch n := n.(type) {
	case Imm:
		if n == 1 {
			a.general(name, 0xd1, d, r, 0)
			return
		}
		if n >= 0 && (n < 32 || n < 64 && r.wide()) {
			if a.general(name, 0xc1, d, r, 1) {
				a.immediate(n, 1)
			}
			return
		}
	case Reg:
		if n == RCX {
			a.general(name, 0xd3, d, r, 0)
			return
		}
	}
	a.refuse(name, "the count is neither a number of bits nor rcx", r, n)
}

// SHL, SHR and SAR shift by an immediate, or by the lowest byte of RCX.

func (a *Assembler) SHL(d Reg, n Operand) { a.shift("SHL", 4, d, n) }
func (a *Assembler) SHR(d Reg, n Operand) { a.shift("SHR", 5, d, n) }
func (a *Assembler) SAR(d Reg, n Operand) { a.shift("SAR", 7, d, n) }

// Conditional moves.

func (a *Assembler) CMOVB(d Reg, s RegMem)  { a.general("CMOVB", 0x40|below|op0F, d, s, 0) }
func (a *Assembler) CMOVAE(d Reg, s RegMem) { a.general("CMOVAE", 0x40|aboveOrEqual|op0F, d, s, 0) }
func (a *Assembler) CMOVE(d Reg, s RegMem)  { a.general("CMOVE", 0x40|equal|op0F, d, s, 0) }
func (a *Assembler) CMOVNE(d Reg, s RegMem) { a.general("CMOVNE", 0x40|notEqual|op0F, d, s, 0) }
func (a *Assembler) CMOVL(d Reg, s RegMem)  { a.general("CMOVL", 0x40|less|op0F, d, s, 0) }
func (a *Assembler) CMOVGE(d Reg, s RegMem) { a.general("CMOVGE", 0x40|greaterOrEqual|op0F, d, s, 0) }

// POPCNT counts the ones of s.
func (a *Assembler) POPCNT(d Reg, s RegMem) { a.general("POPCNT", 0xb8|op0F|opF3, d, s, 0) }

// TZCNT counts the zeros below the lowest one of s.
func (a *Assembler) TZCNT(d Reg, s RegMem) { a.general("TZCNT", 0xbc|op0F|opF3, d, s, 0) }

// LZCNT counts the zeros above the highest one of s.
func (a *Assembler) LZCNT(d Reg, s RegMem) { a.general("LZCNT", 0xbd|op0F|opF3, d, s, 0) }

// Prefetches, into all caches, from the second one on, or past them.

func (a *Assembler) PREFETCHNTA(m Mem) { a.general("PREFETCHNTA", 0x18|op0F, digit(0), m, 0) }
func (a *Assembler) PREFETCHT0(m Mem)  { a.general("PREFETCHT0", 0x18|op0F, digit(1), m, 0) }
func (a *Assembler) PREFETCHT1(m Mem)  { a.general("PREFETCHT1", 0x18|op0F, digit(2), m, 0) }
func (a *Assembler) PREFETCHT2(m Mem)  { a.general("PREFETCHT2", 0x18|op0F, digit(3), m, 0) }
func (a *Assembler) PREFETCHW(m Mem)   { a.general("PREFETCHW", 0x0d|op0F, digit(1), m, 0) }
