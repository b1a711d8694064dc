package amd64

// move encodes a move to a register, or to memory by the opcode that is toMem higher.
func (a *Assembler) move(name string, f form, toMem form, d, s VecMem) {
	if r, ok := d.(Vec); ok {
		a.vector(name, f, r, nil, s, 0)
		return
	}
	if r, ok := s.(Vec); ok {
		a.vector(name, f+toMem|store, r, nil, d, 0)
		return
	}
	a.refuse(name, "both operands are memory", d, s)
}

// Moves between registers, or from and to memory. VMOVUPS, VMOVUPD and VMOVDQU allow
// any address, VMOVAPS only multiples of the width.

func (a *Assembler) VMOVUPS(d, s VecMem)  { a.move("VMOVUPS", 0x10|m0F, 1, d, s) }
func (a *Assembler) VMOVUPD(d, s VecMem)  { a.move("VMOVUPD", 0x10|m0F|p66|evexW, 1, d, s) }
func (a *Assembler) VMOVAPS(d, s VecMem)  { a.move("VMOVAPS", 0x28|m0F, 1, d, s) }
func (a *Assembler) VMOVDQU(d, s VecMem)  { a.move("VMOVDQU", 0x6f|m0F|pF3|vexOnly|noZ, 0x10, d, s) }
func (a *Assembler) VMOVDQU8(d, s VecMem) { a.move("VMOVDQU8", 0x6f|m0F|pF2|evexOnly, 0x10, d, s) }
func (a *Assembler) VMOVDQU16(d, s VecMem) {
	a.move("VMOVDQU16", 0x6f|m0F|pF2|evexOnly|evexW, 0x10, d, s)
}

func (a *Assembler) VMOVDQU32(d, s VecMem) { a.move("VMOVDQU32", 0x6f|m0F|pF3|evexOnly, 0x10, d, s) }

func (a *Assembler) VMOVDQU64(d, s VecMem) {
	a.move("VMOVDQU64", 0x6f|m0F|pF3|evexOnly|evexW, 0x10, d, s)
}

// VMOVNTPS stores past the caches, to a multiple of the width.

func (a *Assembler) VMOVNTPS(d Mem, s Vec) {
	a.vector("VMOVNTPS", 0x2b|m0F|unmasked|store, s, nil, d, 0)
}

// VMOVSS and VMOVSD load or store the lowest element. A load clears the others.

func (a *Assembler) VMOVSS(d, s VecMem) {
	if bothRegisters(d, s) {
		a.refuse("VMOVSS", "one operand must be memory", d, s)
		return
	}
	a.move("VMOVSS", 0x10|m0F|ss, 1, d, s)
}

func (a *Assembler) VMOVSD(d, s VecMem) {
	if bothRegisters(d, s) {
		a.refuse("VMOVSD", "one operand must be memory", d, s)
		return
	}
	a.move("VMOVSD", 0x10|m0F|sd, 1, d, s)
}

func bothRegisters(d, s VecMem) bool {
	_, x := d.(Vec)
	_, y := s.(Vec)
	return x && y
}

// VMOVD copies the lowest 32 bits between a vector register and a general register
// or memory.
func (a *Assembler) VMOVD(d, s Operand) {
	const f = 0x6e | m0F | p66 | scalar | one4 | unmasked
	to, toVec := d.(Vec)
	from, fromVec := s.(Vec)
	switch {
	case toVec && !fromVec:
		a.vector("VMOVD", f, to, nil, sized(s, 32), 0)
	case fromVec && !toVec:
		a.vector("VMOVD", f+0x10|store, from, nil, sized(d, 32), 0)
	default:
		a.refuse("VMOVD", "one operand must be a vector register", d, s)
	}
}

// VMOVQ copies the lowest 64 bits between vector registers, general registers and
// memory.
func (a *Assembler) VMOVQ(d, s Operand) {
	const f = scalar | one8 | unmasked
	to, toVec := d.(Vec)
	from, fromVec := s.(Vec)
	_, toReg := d.(Reg)
	_, fromReg := s.(Reg)
	switch {
	case toVec && (fromReg || !fromVec && to.n >= 16):
		a.vector("VMOVQ", 0x6e|m0F|p66|w1|f, to, nil, sized(s, 64), 0)
	case toVec:
		a.vector("VMOVQ", 0x7e|m0F|pF3|evexW|f, to, nil, s, 0)
	case fromVec && (toReg || from.n >= 16):
		a.vector("VMOVQ", 0x7e|m0F|p66|w1|f|store, from, nil, sized(d, 64), 0)
	case fromVec:
		a.vector("VMOVQ", 0xd6|m0F|p66|evexW|f|store, from, nil, d, 0)
	default:
		a.refuse("VMOVQ", "one operand must be a vector register", d, s)
	}
}

// VBROADCAST repeats an element or a part of memory in all lanes.

func (a *Assembler) VBROADCASTSS(d Vec, s VecMem) {
	a.vector("VBROADCASTSS", 0x18|m38|p66|one4, d, nil, s, 0)
}

func (a *Assembler) VBROADCASTSD(d Vec, s VecMem) {
	a.vector("VBROADCASTSD", 0x19|m38|p66|evexW|noX|one8, d, nil, s, 0)
}

func (a *Assembler) VBROADCASTF128(d Vec, s Mem) {
	a.vector("VBROADCASTF128", 0x1a|m38|p66|vexOnly|noX|noZ|part16, d, nil, s, 0)
}

func (a *Assembler) VBROADCASTF32X4(d Vec, s Mem) {
	a.vector("VBROADCASTF32X4", 0x1a|m38|p66|evexOnly|noX|part16, d, nil, s, 0)
}

// VPBROADCASTB repeats an integer element of a vector register, of memory or, with
// AVX-512, of a general register.
func (a *Assembler) VPBROADCASTB(d Vec, s Operand) {
	if r, ok := s.(Reg); ok {
		a.vector("VPBROADCASTB", 0x7a|m38|p66|evexOnly, d, nil, sized(r, 32), 0)
		return
	}
	a.vector("VPBROADCASTB", 0x78|m38|p66|one1, d, nil, s, 0)
}

// VPBROADCASTW repeats an integer element of a vector register, of memory or, with
// AVX-512, of a general register.
func (a *Assembler) VPBROADCASTW(d Vec, s Operand) {
	if r, ok := s.(Reg); ok {
		a.vector("VPBROADCASTW", 0x7b|m38|p66|evexOnly, d, nil, sized(r, 32), 0)
		return
	}
	a.vector("VPBROADCASTW", 0x79|m38|p66|one2, d, nil, s, 0)
}

// VPBROADCASTD repeats an integer element of a vector register, of memory or, with
// AVX-512, of a general register.
func (a *Assembler) VPBROADCASTD(d Vec, s Operand) {
	if r, ok := s.(Reg); ok {
		a.vector("VPBROADCASTD", 0x7c|m38|p66|evexOnly, d, nil, sized(r, 32), 0)
		return
	}
	a.vector("VPBROADCASTD", 0x58|m38|p66|one4, d, nil, s, 0)
}

// VPBROADCASTQ repeats an integer element of a vector register, of memory or, with
// AVX-512, of a general register.
func (a *Assembler) VPBROADCASTQ(d Vec, s Operand) {
	if r, ok := s.(Reg); ok {
		a.vector("VPBROADCASTQ", 0x7c|m38|p66|evexOnly|w1, d, nil, sized(r, 64), 0)
		return
	}
	a.vector("VPBROADCASTQ", 0x59|m38|p66|evexW|one8, d, nil, s, 0)
}

// VINSERT copies x with part i replaced by y. VEXTRACT copies part i of s. Parts have
// 128 bits, or 256 for 64X4.

func (a *Assembler) VINSERTF128(d, x Vec, y VecMem, i uint8) {
	a.vector("VINSERTF128", 0x18|m3A|p66|vexOnly|noX|noZ|part16|withImm, d, x, y, i)
}

func (a *Assembler) VEXTRACTF128(d VecMem, s Vec, i uint8) {
	a.vector("VEXTRACTF128", 0x19|m3A|p66|vexOnly|noX|noZ|part16|store|withImm, s, nil, d, i)
}

func (a *Assembler) VINSERTF32X4(d, x Vec, y VecMem, i uint8) {
	a.vector("VINSERTF32X4", 0x18|m3A|p66|evexOnly|noX|part16|withImm, d, x, y, i)
}

func (a *Assembler) VEXTRACTF32X4(d VecMem, s Vec, i uint8) {
	a.vector("VEXTRACTF32X4", 0x19|m3A|p66|evexOnly|noX|part16|store|withImm, s, nil, d, i)
}

func (a *Assembler) VINSERTF64X4(d, x Vec, y VecMem, i uint8) {
	a.vector("VINSERTF64X4", 0x1a|m3A|p66|evexOnly|evexW|noX|noY|part32|withImm, d, x, y, i)
}

func (a *Assembler) VEXTRACTF64X4(d VecMem, s Vec, i uint8) {
	a.vector("VEXTRACTF64X4", 0x1b|m3A|p66|evexOnly|evexW|noX|noY|part32|store|withImm, s, nil, d, i)
}

func (a *Assembler) VINSERTI128(d, x Vec, y VecMem, i uint8) {
	a.vector("VINSERTI128", 0x38|m3A|p66|vexOnly|noX|noZ|part16|withImm, d, x, y, i)
}

func (a *Assembler) VEXTRACTI128(d VecMem, s Vec, i uint8) {
	a.vector("VEXTRACTI128", 0x39|m3A|p66|vexOnly|noX|noZ|part16|store|withImm, s, nil, d, i)
}

func (a *Assembler) VINSERTI32X4(d, x Vec, y VecMem, i uint8) {
	a.vector("VINSERTI32X4", 0x38|m3A|p66|evexOnly|noX|part16|withImm, d, x, y, i)
}

func (a *Assembler) VEXTRACTI32X4(d VecMem, s Vec, i uint8) {
	a.vector("VEXTRACTI32X4", 0x39|m3A|p66|evexOnly|noX|part16|store|withImm, s, nil, d, i)
}

func (a *Assembler) VINSERTI64X4(d, x Vec, y VecMem, i uint8) {
	a.vector("VINSERTI64X4", 0x3a|m3A|p66|evexOnly|evexW|noX|noY|part32|withImm, d, x, y, i)
}

func (a *Assembler) VEXTRACTI64X4(d VecMem, s Vec, i uint8) {
	a.vector("VEXTRACTI64X4", 0x3b|m3A|p66|evexOnly|evexW|noX|noY|part32|store|withImm, s, nil, d, i)
}

// Masked loads and stores with VEX: elements whose sign bit is set in the register m.

func (a *Assembler) VMASKMOVPS(d VecMem, m Vec, s VecMem) {
	_, load := d.(Vec)
	switch r, ok := s.(Vec); {
	case load && !ok:
		a.vector("VMASKMOVPS", 0x2c|m38|p66|vexOnly|noZ, d, m, s, 0)
	case ok && !load:
		a.vector("VMASKMOVPS", 0x2e|m38|p66|vexOnly|noZ|store, r, m, d, 0)
	default:
		a.refuse("VMASKMOVPS", "one operand must be memory", d, m, s)
	}
}

func (a *Assembler) VPMASKMOVD(d VecMem, m Vec, s VecMem) {
	_, load := d.(Vec)
	switch r, ok := s.(Vec); {
	case load && !ok:
		a.vector("VPMASKMOVD", 0x8c|m38|p66|vexOnly|noZ, d, m, s, 0)
	case ok && !load:
		a.vector("VPMASKMOVD", 0x8e|m38|p66|vexOnly|noZ|store, r, m, d, 0)
	default:
		a.refuse("VPMASKMOVD", "one operand must be memory", d, m, s)
	}
}

// VPCOMPRESS and VCOMPRESS copy the elements that the mask of d selects, one after the
// other. Some processors are slow to store them: a register as d is faster there.

func (a *Assembler) VCOMPRESSPS(d VecMem, s Vec) {
	a.vector("VCOMPRESSPS", compressed(d, one4)|0x8a|m38|p66|evexOnly|store, s, nil, d, 0)
}

func (a *Assembler) VPCOMPRESSD(d VecMem, s Vec) {
	a.vector("VPCOMPRESSD", compressed(d, one4)|0x8b|m38|p66|evexOnly|store, s, nil, d, 0)
}

func (a *Assembler) VPCOMPRESSQ(d VecMem, s Vec) {
	a.vector("VPCOMPRESSQ", compressed(d, one8)|0x8b|m38|p66|evexOnly|evexW|store, s, nil, d, 0)
}

// compressed returns the tuple type of a destination: a whole register, or elements.
func compressed(d VecMem, element form) form {
	if isVec(d) {
		return full
	}
	return element
}

// VPEXTR copies element i of s to a general register or memory, VPINSR the other way.

func (a *Assembler) VPEXTRB(d RegMem, s Vec, i uint8) {
	a.vector("VPEXTRB", 0x14|m3A|p66|scalar|one1|unmasked|store|withImm, s, nil, sized(d, 32), i)
}

func (a *Assembler) VPEXTRD(d RegMem, s Vec, i uint8) {
	a.vector("VPEXTRD", 0x16|m3A|p66|scalar|one4|unmasked|store|withImm, s, nil, sized(d, 32), i)
}

func (a *Assembler) VPEXTRQ(d RegMem, s Vec, i uint8) {
	a.vector("VPEXTRQ", 0x16|m3A|p66|scalar|w1|one8|unmasked|store|withImm, s, nil, sized(d, 64), i)
}

func (a *Assembler) VPEXTRW(d RegMem, s Vec, i uint8) {
	if r, ok := d.(Reg); ok { // the older and shorter form
		a.vector("VPEXTRW", 0xc5|m0F|p66|scalar|unmasked|withImm, r.Low(), nil, s, i)
		return
	}
	a.vector("VPEXTRW", 0x15|m3A|p66|scalar|one2|unmasked|store|withImm, s, nil, d, i)
}

func (a *Assembler) VPINSRB(d, x Vec, s RegMem, i uint8) {
	a.vector("VPINSRB", 0x20|m3A|p66|scalar|one1|unmasked|withImm, d, x, sized(s, 32), i)
}

func (a *Assembler) VPINSRW(d, x Vec, s RegMem, i uint8) {
	a.vector("VPINSRW", 0xc4|m0F|p66|scalar|one2|unmasked|withImm, d, x, sized(s, 32), i)
}

func (a *Assembler) VPINSRD(d, x Vec, s RegMem, i uint8) {
	a.vector("VPINSRD", 0x22|m3A|p66|scalar|one4|unmasked|withImm, d, x, sized(s, 32), i)
}

func (a *Assembler) VPINSRQ(d, x Vec, s RegMem, i uint8) {
	a.vector("VPINSRQ", 0x22|m3A|p66|scalar|w1|one8|unmasked|withImm, d, x, sized(s, 64), i)
}

// sized returns o, or a general register's part of 32 or 64 bits.
func sized(o Operand, bits int) Operand {
	r, ok := o.(Reg)
	switch {
	case !ok || r >= noReg:
		return o
	case bits == 64:
		return r &^ EAX
	}
	return r.Low()
}

// The sign bits of all elements, in a general register.

func (a *Assembler) VMOVMSKPS(d Reg, s Vec) {
	a.vector("VMOVMSKPS", 0x50|m0F|vexOnly|noZ, d.Low(), nil, s, 0)
}

func (a *Assembler) VMOVMSKPD(d Reg, s Vec) {
	a.vector("VMOVMSKPD", 0x50|m0F|p66|vexOnly|noZ, d.Low(), nil, s, 0)
}

func (a *Assembler) VPMOVMSKB(d Reg, s Vec) {
	a.vector("VPMOVMSKB", 0xd7|m0F|p66|vexOnly|noZ, d.Low(), nil, s, 0)
}

// VZEROUPPER clears all bits of the vector registers 0 to 15 from bit 128 on. Code
// without VEX prefixes is slow before that.
func (a *Assembler) VZEROUPPER() { a.code = append(a.code, 0xc5, 0xf8, 0x77) }
