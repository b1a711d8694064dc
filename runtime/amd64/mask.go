package amd64

// kmov encodes a move of a mask: to a mask, to memory, and from and to a general
// register.
func (a *Assembler) kmov(name string, mask, general form, bits int, d, s Operand) {
	k, toMask := d.(Mask)
	from, fromMask := s.(Mask)
	_, toReg := d.(Reg)
	_, fromReg := s.(Reg)
	_, toMem := d.(Mem)
	_, fromMem := s.(Mem)
	switch {
	case toMask && (fromMask || fromMem):
		a.vector(name, 0x90|m0F|vexOnly|mask, k, nil, s, 0)
	case toMem && fromMask:
		a.vector(name, 0x91|m0F|vexOnly|mask|store, from, nil, d, 0)
	case toMask && fromReg:
		a.vector(name, 0x92|m0F|vexOnly|general, k, nil, sized(s, bits), 0)
	case toReg && fromMask:
		a.vector(name, 0x93|m0F|vexOnly|general, sized(d, bits), nil, from, 0)
	default:
		a.refuse(name, "no form with these operands", d, s)
	}
}

// KMOV copies masks of 8, 16, 32 or 64 bits between masks, general registers and memory.

func (a *Assembler) KMOVB(d, s Operand) { a.kmov("KMOVB", p66, p66, 32, d, s) }
func (a *Assembler) KMOVW(d, s Operand) { a.kmov("KMOVW", 0, 0, 32, d, s) }
func (a *Assembler) KMOVD(d, s Operand) { a.kmov("KMOVD", p66|w1, pF2, 32, d, s) }
func (a *Assembler) KMOVQ(d, s Operand) { a.kmov("KMOVQ", w1, pF2|w1, 64, d, s) }

// Bitwise operations on masks of 16 bits. KANDNW is ^x & y.

func (a *Assembler) KANDW(d, x, y Mask)  { a.vector("KANDW", 0x41|m0F|vexOnly|fixedL, d, x, y, 0) }
func (a *Assembler) KANDNW(d, x, y Mask) { a.vector("KANDNW", 0x42|m0F|vexOnly|fixedL, d, x, y, 0) }
func (a *Assembler) KORW(d, x, y Mask)   { a.vector("KORW", 0x45|m0F|vexOnly|fixedL, d, x, y, 0) }
func (a *Assembler) KXNORW(d, x, y Mask) { a.vector("KXNORW", 0x46|m0F|vexOnly|fixedL, d, x, y, 0) }
func (a *Assembler) KXORW(d, x, y Mask)  { a.vector("KXORW", 0x47|m0F|vexOnly|fixedL, d, x, y, 0) }
func (a *Assembler) KNOTW(d, s Mask)     { a.vector("KNOTW", 0x44|m0F|vexOnly, d, nil, s, 0) }

// KORTESTW sets ZF if x | y is 0, and CF if it is all ones.

func (a *Assembler) KORTESTW(x, y Mask) { a.vector("KORTESTW", 0x98|m0F|vexOnly, x, nil, y, 0) }

// Shifts of a mask of 16 bits.

func (a *Assembler) KSHIFTLW(d, s Mask, i uint8) {
	a.vector("KSHIFTLW", 0x32|m3A|p66|w1|vexOnly|withImm, d, nil, s, i)
}

func (a *Assembler) KSHIFTRW(d, s Mask, i uint8) {
	a.vector("KSHIFTRW", 0x30|m3A|p66|w1|vexOnly|withImm, d, nil, s, i)
}

// KUNPCK appends the lower half of x to that of y.

func (a *Assembler) KUNPCKBW(d, x, y Mask) {
	a.vector("KUNPCKBW", 0x4b|m0F|p66|vexOnly|fixedL, d, x, y, 0)
}

func (a *Assembler) KUNPCKWD(d, x, y Mask) { a.vector("KUNPCKWD", 0x4b|m0F|vexOnly|fixedL, d, x, y, 0) }

func (a *Assembler) KUNPCKDQ(d, x, y Mask) {
	a.vector("KUNPCKDQ", 0x4b|m0F|w1|vexOnly|fixedL, d, x, y, 0)
}
