package amd64

import "encoding/binary"

// form is one encoding of a vector instruction: the opcode in its lowest byte, and
// the fields below.
type form uint32

// The mandatory prefix, in bits 8 and 9, and the opcode map, in bits 10 and 11.
const (
	p66 form = (iota + 1) << 8
	pF3
	pF2
)

const (
	m0F form = (iota + 1) << 10
	m38
	m3A
)

// Bits of a form.
const (
	vexW     form = 1 << (12 + iota)
	evexW         // W under EVEX
	vexOnly       // there is no EVEX form
	evexOnly      // there is no VEX form
	noX           // not for XMM
	noY           // not for YMM
	noZ           // not for ZMM
	store         // the destination is the register or memory of rm
	middle        // the destination is the register in VEX.v
	unmasked      // takes no mask
	withImm       // an immediate byte follows
	fixedL        // L is 1, whatever the registers

	w1     = vexW | evexW
	scalar = noY | noZ
)

// The tuple type of the form, in bits 28 to 31. It determines which part of the
// register's width rm has, the elements of a broadcast, and the unit of EVEX's
// one-byte displacements (manual, volume 2, section 2.7.5).
const (
	full    form = iota << tupleShift // the whole width
	full4                             // the same, or a broadcast of 4 bytes
	full8                             // or of 8 bytes
	half                              // half of the width
	half4                             // or a broadcast of 4 bytes
	quarter                           // a quarter of the width
	eighth                            // an eighth of the width
	one1                              // one element of 1 byte
	one2                              // of 2 bytes
	one4                              // of 4 bytes
	one8                              // of 8 bytes
	part16                            // 16 bytes
	part32                            // 32 bytes

	tupleShift = 28
)

// The fields of instructions on float32 and float64: one element, or all of float64.
const (
	ss = pF3 | scalar | one4
	sd = pF2 | evexW | scalar | one8
	pd = p66 | evexW | full8
)

func (f form) tuple() form { return f >> tupleShift << tupleShift }

// rmWidth returns the width of a vector register as rm, if the instruction has
// width w.
func (f form) rmWidth(w Width) Width {
	switch f.tuple() {
	case half, half4:
		return max(w, YMM) - 1
	case quarter:
		return max(w, ZMM) - 2
	case full, full4, full8:
		return w
	case part32:
		return YMM
	}
	return XMM
}

// unit returns the bytes of rm in memory, or of one element of a broadcast: the
// unit of one-byte displacements under EVEX.
func (f form) unit(w Width, broadcast bool) int {
	bytes := w.Bytes()
	switch f.tuple() {
	case full4, half4:
		if broadcast {
			return 4
		}
	case full8:
		if broadcast {
			return 8
		}
	}
	switch f.tuple() {
	case half, half4:
		return bytes / 2
	case quarter:
		return bytes / 4
	case eighth:
		return bytes / 8
	case one1, one2, one4, one8:
		return 1 << (f.tuple()>>tupleShift - one1>>tupleShift)
	case part16:
		return 16
	case part32:
		return 32
	}
	return bytes
}

// digit is an opcode extension in the place of a register operand.
type digit uint8

func (digit) operand() {}

// coder holds the operands of one vector instruction while it is checked and
// encoded.
type coder struct {
	form
	width     Width
	evex      bool
	wide      bool // a general register of 64 bits
	reg, v    uint8
	rm        uint8 // the register, unless memory is set
	memory    bool
	mem       Mem
	mask      Mask
	zero      bool
	broadcast bool
	why       string // what is wrong with the operands, or ""
}

// vector encodes an instruction of form f with the operands in ModRM.reg, VEX.v and
// ModRM.rm. Those that the instruction lacks are nil.
func (a *Assembler) vector(name string, f form, reg, v, rm Operand, imm uint8) {
	c := coder{form: f}
	c.take(reg, v, rm)
	if c.why == "" && c.memory {
		c.why = a.wrong(c.mem)
	}
	if c.why != "" {
		a.refuseVector(name, f, c.why, reg, v, rm, imm)
		return
	}
	if c.evex {
		a.prefixEVEX(&c)
	} else {
		a.prefixVEX(&c)
	}
	a.code = append(a.code, byte(f))
	trailing := 0
	if f&withImm != 0 {
		trailing = 1
	}
	if c.memory {
		unit := 1
		if c.evex {
			unit = f.unit(c.width, c.broadcast)
		}
		a.modRM(c.reg, c.mem, unit, trailing)
	} else {
		a.code = append(a.code, 0xc0|c.reg&7<<3|c.rm&7)
	}
	if trailing == 1 {
		a.code = append(a.code, imm)
	}
}

// refuseVector refuses an instruction, with its operands in their written order.
func (a *Assembler) refuseVector(name string, f form, why string, reg, v, rm Operand, imm uint8) {
	var operands [4]Operand
	n := 0
	for _, o := range [...]Operand{reg, v, rm} {
		if _, ok := o.(digit); !ok && o != nil {
			operands[n] = o
			n++
		}
	}
	if f&store != 0 { // the destination comes first
		operands[0], operands[n-1] = operands[n-1], operands[0]
	}
	if f&withImm != 0 {
		operands[n] = Imm(imm)
		n++
	}
	a.refuse(name, why, operands[:n]...)
}

// take checks the operands and sets the fields of the encoding.
func (c *coder) take(reg, v, rm Operand) {
	c.width = widthOf(c.form, reg, v, rm)
	if c.width > ZMM || c.form&(noX<<c.width) != 0 {
		c.why = "no form of this width"
		return
	}
	c.evex = c.form&evexOnly != 0 || c.width == ZMM
	c.reg = c.register(reg, c.width, c.form&(store|middle) == 0)
	c.v = c.register(v, c.width, c.form&middle != 0)
	if m, ok := rm.(Mem); ok {
		c.memory, c.mem, c.broadcast = true, m, m.broadcast
		c.masked(m.mask, false, c.form&store != 0)
		if m.broadcast {
			c.evex = true
			if t := c.tuple(); t != full4 && t != full8 && t != half4 || c.form&vexOnly != 0 {
				c.why = "the instruction cannot broadcast its operand"
			}
		}
	} else {
		c.rm = c.register(rm, c.rmWidth(c.width), c.form&store != 0)
		if _, ok := rm.(Mask); ok && isVec(reg) {
			c.why = "no form with these operands"
		}
	}
	if c.evex && c.form&vexOnly != 0 {
		c.why = "the instruction has no EVEX form for registers 16 to 31, 512 bits or masks"
	}
}

func isVec(o Operand) bool {
	_, ok := o.(Vec)
	return ok
}

// widthOf returns the width of the instruction: that of the first vector register
// whose width is the whole one.
func widthOf(f form, reg, v, rm Operand) Width {
	for _, o := range [...]Operand{reg, v, rm} {
		if r, ok := o.(Vec); ok {
			return r.width
		}
	}
	if f&fixedL != 0 {
		return YMM
	}
	return XMM
}

// register checks an operand in a register of at most so much width, and returns
// its number.
func (c *coder) register(o Operand, width Width, destination bool) uint8 {
	switch o := o.(type) {
	case Vec:
		if o.n >= vectors {
			c.why = "there is no such register"
		} else if o.width != width {
			c.why = o.String() + " has the wrong width"
		}
		c.evex = c.evex || o.n >= 16
		c.masked(o.mask, o.zero, destination)
		return o.n
	case Mask:
		if o > K7 {
			c.why = "there is no such mask"
		}
		return uint8(o)
	case Reg:
		if o >= noReg {
			c.why = "there is no such register"
		}
		c.wide = o.wide()
		return o.number()
	case digit:
		return uint8(o)
	case nil:
	default:
		c.why = "no form with these operands"
	}
	return 0
}

// masked takes the mask of an operand.
func (c *coder) masked(k Mask, zero, destination bool) {
	if k == K0 {
		return
	}
	switch {
	case k > K7:
		c.why = "only k1 to k7 can mask an instruction"
	case !destination:
		c.why = "only the destination takes a mask"
	case c.form&unmasked != 0:
		c.why = "the instruction takes no mask"
	}
	c.mask, c.zero, c.evex = k, zero, true
}

// wrong returns what is wrong with an operand in memory, or "".
func (a *Assembler) wrong(m Mem) string {
	switch {
	case m.bad:
		return "the memory's index, scale or displacement has no encoding"
	case m.base != noReg && !m.base.wide():
		return "the memory's base is no 64-bit register"
	case m.label >= 0 && (m.base != noReg || m.index != noReg):
		return "memory at a label has neither base nor index"
	case m.label >= 0 && !a.has(m.label):
		return m.label.String() + " is no label of this assembler"
	}
	return ""
}

// low returns 1 if v's bit n is clear: prefixes hold extension bits inverted.
func low(v uint8, n int) byte { return ^v >> n & 1 }

// extensions returns the bits that extend rm or its base and index.
func (c *coder) extensions() (x, b uint8) {
	if c.memory {
		return indexBit(c.mem), baseBit(c.mem)
	}
	return c.rm >> 4, c.rm >> 3 & 1
}

func baseBit(m Mem) uint8 {
	if m.base == noReg {
		return 0
	}
	return m.base.number() >> 3
}

func indexBit(m Mem) uint8 {
	if m.index == noReg {
		return 0
	}
	return m.index.number() >> 3
}

// wBit returns W.
func (c *coder) wBit() byte {
	w := vexW
	if c.evex {
		w = evexW
	}
	if c.form&w != 0 || c.wide {
		return 1
	}
	return 0
}

// prefixVEX appends the VEX prefix, of two bytes where they suffice.
func (a *Assembler) prefixVEX(c *coder) {
	l := byte(c.width)
	if c.form&fixedL != 0 {
		l = 1
	}
	x, b := c.extensions()
	last := ^c.v&15<<3 | l<<2 | byte(c.form>>8&3)
	opcodes := byte(c.form >> 10 & 3)
	if x|b|c.wBit() == 0 && opcodes == 1 {
		a.code = append(a.code, 0xc5, low(c.reg, 3)<<7|last)
		return
	}
	a.code = append(a.code, 0xc4, low(c.reg, 3)<<7|low(x, 0)<<6|low(b, 0)<<5|opcodes, c.wBit()<<7|last)
}

// prefixEVEX appends the EVEX prefix.
func (a *Assembler) prefixEVEX(c *coder) {
	x, b := c.extensions()
	var z, broadcast byte
	if c.zero {
		z = 1
	}
	if c.broadcast {
		broadcast = 1
	}
	a.code = append(a.code, 0x62,
		low(c.reg, 3)<<7|low(x, 0)<<6|low(b, 0)<<5|low(c.reg, 4)<<4|byte(c.form>>10&3),
		c.wBit()<<7|^c.v&15<<3|4|byte(c.form>>8&3),
		z<<7|byte(c.width)<<5|broadcast<<4|low(c.v, 4)<<3|byte(c.mask))
}

// modRM appends the ModRM byte, SIB and displacement of an operand in memory. A
// one-byte displacement counts units. So many bytes of the instruction follow.
func (a *Assembler) modRM(reg uint8, m Mem, unit, trailing int) {
	reg = reg & 7 << 3
	if m.label >= 0 {
		a.code = append(a.code, reg|5)
		a.points = append(a.points, point{at: len(a.code), kind: address, label: m.label, n: trailing - int(m.disp)})
		return
	}
	rm, sib := byte(4), byte(0)
	switch {
	case m.index != noReg:
		sib = m.index.number() & 7 << 3
		for s := m.scale; s > 1; s /= 2 {
			sib += 1 << 6
		}
	case m.base == noReg || m.base.number()&7 == 4:
		sib = 4 << 3 // no index
	default:
		rm = m.base.number() & 7
	}
	if rm == 4 {
		sib |= 5 // no base
		if m.base != noReg {
			sib = sib&^7 | m.base.number()&7
		}
	}
	short := int(m.disp) / unit
	var mode byte
	switch {
	case m.base == noReg:
	case m.disp == 0 && m.base.number()&7 != 5:
	case int(m.disp)%unit == 0 && short == int(int8(short)):
		mode = 1 << 6
	default:
		mode = 2 << 6
	}
	a.code = append(a.code, mode|reg|rm)
	if rm == 4 {
		a.code = append(a.code, sib)
	}
	if mode == 1<<6 {
		a.code = append(a.code, byte(short))
	} else if mode == 2<<6 || m.base == noReg {
		a.code = binary.LittleEndian.AppendUint32(a.code, uint32(m.disp))
	}
}
