package amd64

// Sums and differences of integers. S saturates signed and US unsigned ones.

func (a *Assembler) VPADDB(d, x Vec, y VecMem)   { a.vector("VPADDB", 0xfc|m0F|p66, d, x, y, 0) }
func (a *Assembler) VPADDW(d, x Vec, y VecMem)   { a.vector("VPADDW", 0xfd|m0F|p66, d, x, y, 0) }
func (a *Assembler) VPADDD(d, x Vec, y VecMem)   { a.vector("VPADDD", 0xfe|m0F|p66|full4, d, x, y, 0) }
func (a *Assembler) VPADDQ(d, x Vec, y VecMem)   { a.vector("VPADDQ", 0xd4|m0F|pd, d, x, y, 0) }
func (a *Assembler) VPSUBB(d, x Vec, y VecMem)   { a.vector("VPSUBB", 0xf8|m0F|p66, d, x, y, 0) }
func (a *Assembler) VPSUBW(d, x Vec, y VecMem)   { a.vector("VPSUBW", 0xf9|m0F|p66, d, x, y, 0) }
func (a *Assembler) VPSUBD(d, x Vec, y VecMem)   { a.vector("VPSUBD", 0xfa|m0F|p66|full4, d, x, y, 0) }
func (a *Assembler) VPSUBQ(d, x Vec, y VecMem)   { a.vector("VPSUBQ", 0xfb|m0F|pd, d, x, y, 0) }
func (a *Assembler) VPADDSW(d, x Vec, y VecMem)  { a.vector("VPADDSW", 0xed|m0F|p66, d, x, y, 0) }
func (a *Assembler) VPADDUSB(d, x Vec, y VecMem) { a.vector("VPADDUSB", 0xdc|m0F|p66, d, x, y, 0) }
func (a *Assembler) VPADDUSW(d, x Vec, y VecMem) { a.vector("VPADDUSW", 0xdd|m0F|p66, d, x, y, 0) }
func (a *Assembler) VPSUBSW(d, x Vec, y VecMem)  { a.vector("VPSUBSW", 0xe9|m0F|p66, d, x, y, 0) }
func (a *Assembler) VPSUBUSB(d, x Vec, y VecMem) { a.vector("VPSUBUSB", 0xd8|m0F|p66, d, x, y, 0) }
func (a *Assembler) VPSUBUSW(d, x Vec, y VecMem) { a.vector("VPSUBUSW", 0xd9|m0F|p66, d, x, y, 0) }

// Products. L returns the lower and H the upper half. VPMULHRSW rounds. VPMADDWD and
// VPMADDUBSW add pairs of products.

func (a *Assembler) VPMULLW(d, x Vec, y VecMem)  { a.vector("VPMULLW", 0xd5|m0F|p66, d, x, y, 0) }
func (a *Assembler) VPMULHW(d, x Vec, y VecMem)  { a.vector("VPMULHW", 0xe5|m0F|p66, d, x, y, 0) }
func (a *Assembler) VPMULHUW(d, x Vec, y VecMem) { a.vector("VPMULHUW", 0xe4|m0F|p66, d, x, y, 0) }

func (a *Assembler) VPMULHRSW(d, x Vec, y VecMem) { a.vector("VPMULHRSW", 0xb|m38|p66, d, x, y, 0) }

func (a *Assembler) VPMULLD(d, x Vec, y VecMem)  { a.vector("VPMULLD", 0x40|m38|p66|full4, d, x, y, 0) }
func (a *Assembler) VPMULUDQ(d, x Vec, y VecMem) { a.vector("VPMULUDQ", 0xf4|m0F|pd, d, x, y, 0) }
func (a *Assembler) VPMADDWD(d, x Vec, y VecMem) { a.vector("VPMADDWD", 0xf5|m0F|p66, d, x, y, 0) }

func (a *Assembler) VPMADDUBSW(d, x Vec, y VecMem) { a.vector("VPMADDUBSW", 0x4|m38|p66, d, x, y, 0) }

// Averages, rounded up, and sums of the distances of bytes.

func (a *Assembler) VPAVGB(d, x Vec, y VecMem) { a.vector("VPAVGB", 0xe0|m0F|p66, d, x, y, 0) }
func (a *Assembler) VPAVGW(d, x Vec, y VecMem) { a.vector("VPAVGW", 0xe3|m0F|p66, d, x, y, 0) }
func (a *Assembler) VPSADBW(d, x Vec, y VecMem) {
	a.vector("VPSADBW", 0xf6|m0F|p66|unmasked, d, x, y, 0)
}

// The smaller and the larger integer.

func (a *Assembler) VPMINUB(d, x Vec, y VecMem) { a.vector("VPMINUB", 0xda|m0F|p66, d, x, y, 0) }
func (a *Assembler) VPMAXUB(d, x Vec, y VecMem) { a.vector("VPMAXUB", 0xde|m0F|p66, d, x, y, 0) }
func (a *Assembler) VPMINSW(d, x Vec, y VecMem) { a.vector("VPMINSW", 0xea|m0F|p66, d, x, y, 0) }
func (a *Assembler) VPMAXSW(d, x Vec, y VecMem) { a.vector("VPMAXSW", 0xee|m0F|p66, d, x, y, 0) }
func (a *Assembler) VPMINSD(d, x Vec, y VecMem) { a.vector("VPMINSD", 0x39|m38|p66|full4, d, x, y, 0) }

func (a *Assembler) VPMAXSD(d, x Vec, y VecMem) { a.vector("VPMAXSD", 0x3d|m38|p66|full4, d, x, y, 0) }

// Absolute values.

func (a *Assembler) VPABSB(d Vec, s VecMem) { a.vector("VPABSB", 0x1c|m38|p66, d, nil, s, 0) }
func (a *Assembler) VPABSW(d Vec, s VecMem) { a.vector("VPABSW", 0x1d|m38|p66, d, nil, s, 0) }
func (a *Assembler) VPABSD(d Vec, s VecMem) { a.vector("VPABSD", 0x1e|m38|p66|full4, d, nil, s, 0) }

// Bitwise operations. VPANDN is ^x & y. The names with D are those of AVX-512.

func (a *Assembler) VPAND(d, x Vec, y VecMem) {
	a.vector("VPAND", 0xdb|m0F|p66|vexOnly|noZ, d, x, y, 0)
}

func (a *Assembler) VPANDD(d, x Vec, y VecMem) {
	a.vector("VPANDD", 0xdb|m0F|p66|evexOnly|full4, d, x, y, 0)
}

func (a *Assembler) VPANDN(d, x Vec, y VecMem) {
	a.vector("VPANDN", 0xdf|m0F|p66|vexOnly|noZ, d, x, y, 0)
}

func (a *Assembler) VPANDND(d, x Vec, y VecMem) {
	a.vector("VPANDND", 0xdf|m0F|p66|evexOnly|full4, d, x, y, 0)
}

func (a *Assembler) VPOR(d, x Vec, y VecMem) { a.vector("VPOR", 0xeb|m0F|p66|vexOnly|noZ, d, x, y, 0) }

func (a *Assembler) VPORD(d, x Vec, y VecMem) {
	a.vector("VPORD", 0xeb|m0F|p66|evexOnly|full4, d, x, y, 0)
}

func (a *Assembler) VPXOR(d, x Vec, y VecMem) {
	a.vector("VPXOR", 0xef|m0F|p66|vexOnly|noZ, d, x, y, 0)
}

func (a *Assembler) VPXORD(d, x Vec, y VecMem) {
	a.vector("VPXORD", 0xef|m0F|p66|evexOnly|full4, d, x, y, 0)
}

// VPTERNLOGD computes the function of three bits whose table is i.

func (a *Assembler) VPTERNLOGD(d, x Vec, y VecMem, i uint8) {
	a.vector("VPTERNLOGD", 0x25|m3A|p66|evexOnly|full4|withImm, d, x, y, i)
}

// Shifts by an immediate. VPSRA repeats the sign. VPSLLDQ and VPSRLDQ shift bytes inside
// of each 128 bits.

func (a *Assembler) VPSLLW(d, s Vec, i uint8) {
	a.vector("VPSLLW", 0x71|m0F|p66|middle|withImm, digit(6), d, s, i)
}

func (a *Assembler) VPSRLW(d, s Vec, i uint8) {
	a.vector("VPSRLW", 0x71|m0F|p66|middle|withImm, digit(2), d, s, i)
}

func (a *Assembler) VPSRAW(d, s Vec, i uint8) {
	a.vector("VPSRAW", 0x71|m0F|p66|middle|withImm, digit(4), d, s, i)
}

func (a *Assembler) VPSLLD(d, s Vec, i uint8) {
	a.vector("VPSLLD", 0x72|m0F|p66|full4|middle|withImm, digit(6), d, s, i)
}

func (a *Assembler) VPSRLD(d, s Vec, i uint8) {
	a.vector("VPSRLD", 0x72|m0F|p66|full4|middle|withImm, digit(2), d, s, i)
}

func (a *Assembler) VPSRAD(d, s Vec, i uint8) {
	a.vector("VPSRAD", 0x72|m0F|p66|full4|middle|withImm, digit(4), d, s, i)
}

func (a *Assembler) VPSLLQ(d, s Vec, i uint8) {
	a.vector("VPSLLQ", 0x73|m0F|pd|middle|withImm, digit(6), d, s, i)
}

func (a *Assembler) VPSRLQ(d, s Vec, i uint8) {
	a.vector("VPSRLQ", 0x73|m0F|pd|middle|withImm, digit(2), d, s, i)
}

func (a *Assembler) VPSLLDQ(d, s Vec, i uint8) {
	a.vector("VPSLLDQ", 0x73|m0F|p66|unmasked|middle|withImm, digit(7), d, s, i)
}

func (a *Assembler) VPSRLDQ(d, s Vec, i uint8) {
	a.vector("VPSRLDQ", 0x73|m0F|p66|unmasked|middle|withImm, digit(3), d, s, i)
}

// Shifts of each element of x by the element of y.

func (a *Assembler) VPSLLVD(d, x Vec, y VecMem) { a.vector("VPSLLVD", 0x47|m38|p66|full4, d, x, y, 0) }

func (a *Assembler) VPSRLVD(d, x Vec, y VecMem) { a.vector("VPSRLVD", 0x45|m38|p66|full4, d, x, y, 0) }

func (a *Assembler) VPSRAVD(d, x Vec, y VecMem) { a.vector("VPSRAVD", 0x46|m38|p66|full4, d, x, y, 0) }

// Narrowing with saturation, of x to the lower and of y to the upper half of each 128
// bits. US results are unsigned.

func (a *Assembler) VPACKSSWB(d, x Vec, y VecMem) { a.vector("VPACKSSWB", 0x63|m0F|p66, d, x, y, 0) }

func (a *Assembler) VPACKUSWB(d, x Vec, y VecMem) { a.vector("VPACKUSWB", 0x67|m0F|p66, d, x, y, 0) }

func (a *Assembler) VPACKSSDW(d, x Vec, y VecMem) {
	a.vector("VPACKSSDW", 0x6b|m0F|p66|full4, d, x, y, 0)
}

func (a *Assembler) VPACKUSDW(d, x Vec, y VecMem) {
	a.vector("VPACKUSDW", 0x2b|m38|p66|full4, d, x, y, 0)
}

// Comparisons, into a mask or, with VEX, into all bits of each element.

func (a *Assembler) VPCMPEQB(d VecMask, x Vec, y VecMem) {
	a.vector("VPCMPEQB", compared(d)|0x74|m0F|p66, d, x, y, 0)
}

func (a *Assembler) VPCMPEQW(d VecMask, x Vec, y VecMem) {
	a.vector("VPCMPEQW", compared(d)|0x75|m0F|p66, d, x, y, 0)
}

func (a *Assembler) VPCMPEQD(d VecMask, x Vec, y VecMem) {
	a.vector("VPCMPEQD", compared(d)|0x76|m0F|p66|full4, d, x, y, 0)
}

func (a *Assembler) VPCMPEQQ(d VecMask, x Vec, y VecMem) {
	a.vector("VPCMPEQQ", compared(d)|0x29|m38|pd, d, x, y, 0)
}

func (a *Assembler) VPCMPGTB(d VecMask, x Vec, y VecMem) {
	a.vector("VPCMPGTB", compared(d)|0x64|m0F|p66, d, x, y, 0)
}

func (a *Assembler) VPCMPGTW(d VecMask, x Vec, y VecMem) {
	a.vector("VPCMPGTW", compared(d)|0x65|m0F|p66, d, x, y, 0)
}

func (a *Assembler) VPCMPGTD(d VecMask, x Vec, y VecMem) {
	a.vector("VPCMPGTD", compared(d)|0x66|m0F|p66|full4, d, x, y, 0)
}

func (a *Assembler) VPCMPGTQ(d VecMask, x Vec, y VecMem) {
	a.vector("VPCMPGTQ", compared(d)|0x37|m38|pd, d, x, y, 0)
}

// Comparisons by predicate i into a mask. U compares unsigned integers.

func (a *Assembler) VPCMPB(d Mask, x Vec, y VecMem, i uint8) {
	a.vector("VPCMPB", 0x3f|m3A|p66|evexOnly|withImm, d, x, y, i)
}

func (a *Assembler) VPCMPUB(d Mask, x Vec, y VecMem, i uint8) {
	a.vector("VPCMPUB", 0x3e|m3A|p66|evexOnly|withImm, d, x, y, i)
}

func (a *Assembler) VPCMPD(d Mask, x Vec, y VecMem, i uint8) {
	a.vector("VPCMPD", 0x1f|m3A|p66|evexOnly|full4|withImm, d, x, y, i)
}

func (a *Assembler) VPCMPUD(d Mask, x Vec, y VecMem, i uint8) {
	a.vector("VPCMPUD", 0x1e|m3A|p66|evexOnly|full4|withImm, d, x, y, i)
}

// VPTEST sets ZF if d & s is 0, and CF if ^d & s is 0.

func (a *Assembler) VPTEST(d Vec, s VecMem) {
	a.vector("VPTEST", 0x17|m38|p66|vexOnly|noZ, d, nil, s, 0)
}
