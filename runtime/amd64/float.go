package amd64

// VADD, VSUB, VMUL and VDIV compute x op y. PS has elements of 4 bytes and PD of 8;
// SS and SD change the lowest element.

func (a *Assembler) VADDPS(d, x Vec, y VecMem) { a.vector("VADDPS", 0x58|m0F|full4, d, x, y, 0) }
func (a *Assembler) VADDPD(d, x Vec, y VecMem) { a.vector("VADDPD", 0x58|m0F|pd, d, x, y, 0) }
func (a *Assembler) VADDSS(d, x Vec, y VecMem) { a.vector("VADDSS", 0x58|m0F|ss, d, x, y, 0) }
func (a *Assembler) VADDSD(d, x Vec, y VecMem) { a.vector("VADDSD", 0x58|m0F|sd, d, x, y, 0) }
func (a *Assembler) VSUBPS(d, x Vec, y VecMem) { a.vector("VSUBPS", 0x5c|m0F|full4, d, x, y, 0) }
func (a *Assembler) VSUBPD(d, x Vec, y VecMem) { a.vector("VSUBPD", 0x5c|m0F|pd, d, x, y, 0) }
func (a *Assembler) VSUBSS(d, x Vec, y VecMem) { a.vector("VSUBSS", 0x5c|m0F|ss, d, x, y, 0) }
func (a *Assembler) VSUBSD(d, x Vec, y VecMem) { a.vector("VSUBSD", 0x5c|m0F|sd, d, x, y, 0) }
func (a *Assembler) VMULPS(d, x Vec, y VecMem) { a.vector("VMULPS", 0x59|m0F|full4, d, x, y, 0) }
func (a *Assembler) VMULPD(d, x Vec, y VecMem) { a.vector("VMULPD", 0x59|m0F|pd, d, x, y, 0) }
func (a *Assembler) VMULSS(d, x Vec, y VecMem) { a.vector("VMULSS", 0x59|m0F|ss, d, x, y, 0) }
func (a *Assembler) VMULSD(d, x Vec, y VecMem) { a.vector("VMULSD", 0x59|m0F|sd, d, x, y, 0) }
func (a *Assembler) VDIVPS(d, x Vec, y VecMem) { a.vector("VDIVPS", 0x5e|m0F|full4, d, x, y, 0) }
func (a *Assembler) VDIVPD(d, x Vec, y VecMem) { a.vector("VDIVPD", 0x5e|m0F|pd, d, x, y, 0) }
func (a *Assembler) VDIVSS(d, x Vec, y VecMem) { a.vector("VDIVSS", 0x5e|m0F|ss, d, x, y, 0) }
func (a *Assembler) VDIVSD(d, x Vec, y VecMem) { a.vector("VDIVSD", 0x5e|m0F|sd, d, x, y, 0) }

// VMIN and VMAX return y if either operand is NaN, or if both are zero.

func (a *Assembler) VMINPS(d, x Vec, y VecMem) { a.vector("VMINPS", 0x5d|m0F|full4, d, x, y, 0) }
func (a *Assembler) VMINPD(d, x Vec, y VecMem) { a.vector("VMINPD", 0x5d|m0F|pd, d, x, y, 0) }
func (a *Assembler) VMINSS(d, x Vec, y VecMem) { a.vector("VMINSS", 0x5d|m0F|ss, d, x, y, 0) }
func (a *Assembler) VMAXPS(d, x Vec, y VecMem) { a.vector("VMAXPS", 0x5f|m0F|full4, d, x, y, 0) }
func (a *Assembler) VMAXPD(d, x Vec, y VecMem) { a.vector("VMAXPD", 0x5f|m0F|pd, d, x, y, 0) }
func (a *Assembler) VMAXSS(d, x Vec, y VecMem) { a.vector("VMAXSS", 0x5f|m0F|ss, d, x, y, 0) }

// Square roots.

func (a *Assembler) VSQRTPS(d Vec, s VecMem) { a.vector("VSQRTPS", 0x51|m0F|full4, d, nil, s, 0) }
func (a *Assembler) VSQRTPD(d Vec, s VecMem) { a.vector("VSQRTPD", 0x51|m0F|pd, d, nil, s, 0) }

// Fused multiply-adds, with one rounding. The digits name the operands of the product
// and the sum: 231 is d = x*y + d, 213 is d = x*d + y, 132 is d = d*y + x.

func (a *Assembler) VFMADD132PS(d, x Vec, y VecMem) {
	a.vector("VFMADD132PS", 0x98|m38|p66|full4, d, x, y, 0)
}

func (a *Assembler) VFMADD132PD(d, x Vec, y VecMem) {
	a.vector("VFMADD132PD", 0x98|m38|p66|w1|full8, d, x, y, 0)
}

func (a *Assembler) VFMADD132SS(d, x Vec, y VecMem) {
	a.vector("VFMADD132SS", 0x99|m38|p66|scalar|one4, d, x, y, 0)
}

func (a *Assembler) VFMADD213PS(d, x Vec, y VecMem) {
	a.vector("VFMADD213PS", 0xa8|m38|p66|full4, d, x, y, 0)
}

func (a *Assembler) VFMADD213PD(d, x Vec, y VecMem) {
	a.vector("VFMADD213PD", 0xa8|m38|p66|w1|full8, d, x, y, 0)
}

func (a *Assembler) VFMADD213SS(d, x Vec, y VecMem) {
	a.vector("VFMADD213SS", 0xa9|m38|p66|scalar|one4, d, x, y, 0)
}

func (a *Assembler) VFMADD231PS(d, x Vec, y VecMem) {
	a.vector("VFMADD231PS", 0xb8|m38|p66|full4, d, x, y, 0)
}

func (a *Assembler) VFMADD231PD(d, x Vec, y VecMem) {
	a.vector("VFMADD231PD", 0xb8|m38|p66|w1|full8, d, x, y, 0)
}

func (a *Assembler) VFMADD231SS(d, x Vec, y VecMem) {
	a.vector("VFMADD231SS", 0xb9|m38|p66|scalar|one4, d, x, y, 0)
}

// VFNMADD negates the product. VFMSUB subtracts the third operand.

func (a *Assembler) VFNMADD132PS(d, x Vec, y VecMem) {
	a.vector("VFNMADD132PS", 0x9c|m38|p66|full4, d, x, y, 0)
}

func (a *Assembler) VFNMADD132PD(d, x Vec, y VecMem) {
	a.vector("VFNMADD132PD", 0x9c|m38|p66|w1|full8, d, x, y, 0)
}

func (a *Assembler) VFNMADD213PS(d, x Vec, y VecMem) {
	a.vector("VFNMADD213PS", 0xac|m38|p66|full4, d, x, y, 0)
}

func (a *Assembler) VFNMADD213PD(d, x Vec, y VecMem) {
	a.vector("VFNMADD213PD", 0xac|m38|p66|w1|full8, d, x, y, 0)
}

func (a *Assembler) VFNMADD231PS(d, x Vec, y VecMem) {
	a.vector("VFNMADD231PS", 0xbc|m38|p66|full4, d, x, y, 0)
}

func (a *Assembler) VFNMADD231PD(d, x Vec, y VecMem) {
	a.vector("VFNMADD231PD", 0xbc|m38|p66|w1|full8, d, x, y, 0)
}

func (a *Assembler) VFMSUB132PS(d, x Vec, y VecMem) {
	a.vector("VFMSUB132PS", 0x9a|m38|p66|full4, d, x, y, 0)
}

func (a *Assembler) VFMSUB213PS(d, x Vec, y VecMem) {
	a.vector("VFMSUB213PS", 0xaa|m38|p66|full4, d, x, y, 0)
}

func (a *Assembler) VFMSUB231PS(d, x Vec, y VecMem) {
	a.vector("VFMSUB231PS", 0xba|m38|p66|full4, d, x, y, 0)
}

// Bitwise operations. VANDNPS is ^x & y.

func (a *Assembler) VANDPS(d, x Vec, y VecMem)  { a.vector("VANDPS", 0x54|m0F|full4, d, x, y, 0) }
func (a *Assembler) VANDNPS(d, x Vec, y VecMem) { a.vector("VANDNPS", 0x55|m0F|full4, d, x, y, 0) }
func (a *Assembler) VORPS(d, x Vec, y VecMem)   { a.vector("VORPS", 0x56|m0F|full4, d, x, y, 0) }
func (a *Assembler) VXORPS(d, x Vec, y VecMem)  { a.vector("VXORPS", 0x57|m0F|full4, d, x, y, 0) }

// VHADDPS adds neighbors: those of x to the lower half of each 128 bits, those of y to
// the upper half.

func (a *Assembler) VHADDPS(d, x Vec, y VecMem) {
	a.vector("VHADDPS", 0x7c|m0F|pF2|vexOnly|noZ, d, x, y, 0)
}

// Rounding to i bits after the point, by the mode in i's lowest bits.

func (a *Assembler) VROUNDPS(d Vec, s VecMem, i uint8) {
	a.vector("VROUNDPS", 0x8|m3A|p66|vexOnly|noZ|withImm, d, nil, s, i)
}

func (a *Assembler) VROUNDPD(d Vec, s VecMem, i uint8) {
	a.vector("VROUNDPD", 0x9|m3A|p66|vexOnly|noZ|withImm, d, nil, s, i)
}

func (a *Assembler) VRNDSCALEPS(d Vec, s VecMem, i uint8) {
	a.vector("VRNDSCALEPS", 0x8|m3A|p66|evexOnly|full4|withImm, d, nil, s, i)
}

func (a *Assembler) VRNDSCALEPD(d Vec, s VecMem, i uint8) {
	a.vector("VRNDSCALEPD", 0x9|m3A|p66|evexOnly|evexW|full8|withImm, d, nil, s, i)
}

// VSCALEF computes x * 2^floor(y). VGETEXP returns the exponent and VGETMANT the
// mantissa of s.

func (a *Assembler) VSCALEFPS(d, x Vec, y VecMem) {
	a.vector("VSCALEFPS", 0x2c|m38|p66|evexOnly|full4, d, x, y, 0)
}

func (a *Assembler) VGETEXPPS(d Vec, s VecMem) {
	a.vector("VGETEXPPS", 0x42|m38|p66|evexOnly|full4, d, nil, s, 0)
}

func (a *Assembler) VGETMANTPS(d Vec, s VecMem, i uint8) {
	a.vector("VGETMANTPS", 0x26|m3A|p66|evexOnly|full4|withImm, d, nil, s, i)
}

// Comparisons by predicate i, into a mask or, with VEX, into all bits of each element.

func (a *Assembler) VCMPPS(d VecMask, x Vec, y VecMem, i uint8) {
	a.vector("VCMPPS", compared(d)|0xc2|m0F|full4|withImm, d, x, y, i)
}

func (a *Assembler) VCMPPD(d VecMask, x Vec, y VecMem, i uint8) {
	a.vector("VCMPPD", compared(d)|0xc2|m0F|pd|withImm, d, x, y, i)
}

// The predicates of VCMPPS and VCMPPD. Those with NaN in their name are true if
// either operand is NaN, the others are false.
const (
	Equal         = 0
	Less          = 1
	LessOrEqual   = 2
	NaN           = 3 // either operand is NaN
	NotEqualOrNaN = 4
	NotLessOrNaN  = 5
	GreaterOrNaN  = 6
	NotNaN        = 7
	GreaterEqual  = 13
	Greater       = 14
)

// compared returns the bits of a comparison's form. A mask has an EVEX form alone,
// and a vector a VEX form.
func compared(d VecMask) form {
	if _, ok := d.(Mask); ok {
		return evexOnly
	}
	return vexOnly
}
