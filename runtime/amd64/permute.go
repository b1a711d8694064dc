package amd64

// Conversions between numbers. DQ are signed integers of 32 bits, UDQ unsigned ones, UQQ
// unsigned ones of 64 bits, PH halves. VCVTT truncates; the others round to nearest.

func (a *Assembler) VCVTDQ2PS(d Vec, s VecMem) { a.vector("VCVTDQ2PS", 0x5b|m0F|full4, d, nil, s, 0) }

func (a *Assembler) VCVTUDQ2PS(d Vec, s VecMem) {
	a.vector("VCVTUDQ2PS", 0x7a|m0F|pF2|evexOnly|full4, d, nil, s, 0)
}

func (a *Assembler) VCVTPS2DQ(d Vec, s VecMem) {
	a.vector("VCVTPS2DQ", 0x5b|m0F|p66|full4, d, nil, s, 0)
}

func (a *Assembler) VCVTTPS2DQ(d Vec, s VecMem) {
	a.vector("VCVTTPS2DQ", 0x5b|m0F|pF3|full4, d, nil, s, 0)
}

func (a *Assembler) VCVTPS2PD(d Vec, s VecMem) { a.vector("VCVTPS2PD", 0x5a|m0F|half4, d, nil, s, 0) }

func (a *Assembler) VCVTDQ2PD(d Vec, s VecMem) {
	a.vector("VCVTDQ2PD", 0xe6|m0F|pF3|half4, d, nil, s, 0)
}

func (a *Assembler) VCVTPD2UQQ(d Vec, s VecMem) {
	a.vector("VCVTPD2UQQ", 0x79|m0F|p66|evexOnly|evexW|full8, d, nil, s, 0)
}

func (a *Assembler) VCVTTPD2UQQ(d Vec, s VecMem) {
	a.vector("VCVTTPD2UQQ", 0x78|m0F|p66|evexOnly|evexW|full8, d, nil, s, 0)
}

func (a *Assembler) VCVTPH2PS(d Vec, s VecMem) {
	a.vector("VCVTPH2PS", 0x13|m38|p66|half, d, nil, s, 0)
}

func (a *Assembler) VCVTPS2PH(d VecMem, s Vec, i uint8) {
	a.vector("VCVTPS2PH", 0x1d|m3A|p66|half|store|withImm, s, nil, d, i)
}

// VPMOVZX and VPMOVSX extend integers with zeros or with their sign.

func (a *Assembler) VPMOVZXBW(d Vec, s VecMem) {
	a.vector("VPMOVZXBW", 0x30|m38|p66|half, d, nil, s, 0)
}

func (a *Assembler) VPMOVSXBW(d Vec, s VecMem) {
	a.vector("VPMOVSXBW", 0x20|m38|p66|half, d, nil, s, 0)
}

func (a *Assembler) VPMOVZXBD(d Vec, s VecMem) {
	a.vector("VPMOVZXBD", 0x31|m38|p66|quarter, d, nil, s, 0)
}

func (a *Assembler) VPMOVSXBD(d Vec, s VecMem) {
	a.vector("VPMOVSXBD", 0x21|m38|p66|quarter, d, nil, s, 0)
}

func (a *Assembler) VPMOVZXBQ(d Vec, s VecMem) {
	a.vector("VPMOVZXBQ", 0x32|m38|p66|eighth, d, nil, s, 0)
}

func (a *Assembler) VPMOVSXBQ(d Vec, s VecMem) {
	a.vector("VPMOVSXBQ", 0x22|m38|p66|eighth, d, nil, s, 0)
}

func (a *Assembler) VPMOVZXWD(d Vec, s VecMem) {
	a.vector("VPMOVZXWD", 0x33|m38|p66|half, d, nil, s, 0)
}

func (a *Assembler) VPMOVSXWD(d Vec, s VecMem) {
	a.vector("VPMOVSXWD", 0x23|m38|p66|half, d, nil, s, 0)
}

func (a *Assembler) VPMOVZXWQ(d Vec, s VecMem) {
	a.vector("VPMOVZXWQ", 0x34|m38|p66|quarter, d, nil, s, 0)
}

func (a *Assembler) VPMOVSXWQ(d Vec, s VecMem) {
	a.vector("VPMOVSXWQ", 0x24|m38|p66|quarter, d, nil, s, 0)
}

func (a *Assembler) VPMOVZXDQ(d Vec, s VecMem) {
	a.vector("VPMOVZXDQ", 0x35|m38|p66|half, d, nil, s, 0)
}

func (a *Assembler) VPMOVSXDQ(d Vec, s VecMem) {
	a.vector("VPMOVSXDQ", 0x25|m38|p66|half, d, nil, s, 0)
}

// VPMOV truncates integers, VPMOVS saturates signed and VPMOVUS unsigned ones.

func (a *Assembler) VPMOVWB(d VecMem, s Vec) {
	a.vector("VPMOVWB", 0x30|m38|pF3|evexOnly|half|store, s, nil, d, 0)
}

func (a *Assembler) VPMOVDB(d VecMem, s Vec) {
	a.vector("VPMOVDB", 0x31|m38|pF3|evexOnly|quarter|store, s, nil, d, 0)
}

func (a *Assembler) VPMOVDW(d VecMem, s Vec) {
	a.vector("VPMOVDW", 0x33|m38|pF3|evexOnly|half|store, s, nil, d, 0)
}

func (a *Assembler) VPMOVSWB(d VecMem, s Vec) {
	a.vector("VPMOVSWB", 0x20|m38|pF3|evexOnly|half|store, s, nil, d, 0)
}

func (a *Assembler) VPMOVSDB(d VecMem, s Vec) {
	a.vector("VPMOVSDB", 0x21|m38|pF3|evexOnly|quarter|store, s, nil, d, 0)
}

func (a *Assembler) VPMOVSDW(d VecMem, s Vec) {
	a.vector("VPMOVSDW", 0x23|m38|pF3|evexOnly|half|store, s, nil, d, 0)
}

func (a *Assembler) VPMOVUSWB(d VecMem, s Vec) {
	a.vector("VPMOVUSWB", 0x10|m38|pF3|evexOnly|half|store, s, nil, d, 0)
}

func (a *Assembler) VPMOVUSDB(d VecMem, s Vec) {
	a.vector("VPMOVUSDB", 0x11|m38|pF3|evexOnly|quarter|store, s, nil, d, 0)
}

func (a *Assembler) VPMOVUSDW(d VecMem, s Vec) {
	a.vector("VPMOVUSDW", 0x13|m38|pF3|evexOnly|half|store, s, nil, d, 0)
}

// Interleaving of the lower or upper halves of each 128 bits.

func (a *Assembler) VUNPCKLPS(d, x Vec, y VecMem) { a.vector("VUNPCKLPS", 0x14|m0F|full4, d, x, y, 0) }

func (a *Assembler) VUNPCKHPS(d, x Vec, y VecMem) { a.vector("VUNPCKHPS", 0x15|m0F|full4, d, x, y, 0) }
func (a *Assembler) VUNPCKLPD(d, x Vec, y VecMem) { a.vector("VUNPCKLPD", 0x14|m0F|pd, d, x, y, 0) }
func (a *Assembler) VUNPCKHPD(d, x Vec, y VecMem) { a.vector("VUNPCKHPD", 0x15|m0F|pd, d, x, y, 0) }

func (a *Assembler) VPUNPCKLBW(d, x Vec, y VecMem) {
	a.vector("VPUNPCKLBW", 0x60|m0F|p66|full, d, x, y, 0)
}

func (a *Assembler) VPUNPCKLWD(d, x Vec, y VecMem) {
	a.vector("VPUNPCKLWD", 0x61|m0F|p66|full, d, x, y, 0)
}

func (a *Assembler) VPUNPCKLDQ(d, x Vec, y VecMem) {
	a.vector("VPUNPCKLDQ", 0x62|m0F|p66|full4, d, x, y, 0)
}

func (a *Assembler) VPUNPCKHBW(d, x Vec, y VecMem) {
	a.vector("VPUNPCKHBW", 0x68|m0F|p66|full, d, x, y, 0)
}

func (a *Assembler) VPUNPCKHWD(d, x Vec, y VecMem) {
	a.vector("VPUNPCKHWD", 0x69|m0F|p66|full, d, x, y, 0)
}

func (a *Assembler) VPUNPCKHDQ(d, x Vec, y VecMem) {
	a.vector("VPUNPCKHDQ", 0x6a|m0F|p66|full4, d, x, y, 0)
}

func (a *Assembler) VPUNPCKLQDQ(d, x Vec, y VecMem) { a.vector("VPUNPCKLQDQ", 0x6c|m0F|pd, d, x, y, 0) }

func (a *Assembler) VPUNPCKHQDQ(d, x Vec, y VecMem) { a.vector("VPUNPCKHQDQ", 0x6d|m0F|pd, d, x, y, 0) }

// Permutations inside of each 128 bits: by an immediate, or by a register of indices.

func (a *Assembler) VSHUFPS(d, x Vec, y VecMem, i uint8) {
	a.vector("VSHUFPS", 0xc6|m0F|full4|withImm, d, x, y, i)
}

func (a *Assembler) VPSHUFD(d Vec, s VecMem, i uint8) {
	a.vector("VPSHUFD", 0x70|m0F|p66|full4|withImm, d, nil, s, i)
}

func (a *Assembler) VPSHUFLW(d Vec, s VecMem, i uint8) {
	a.vector("VPSHUFLW", 0x70|m0F|pF2|withImm, d, nil, s, i)
}

func (a *Assembler) VPSHUFHW(d Vec, s VecMem, i uint8) {
	a.vector("VPSHUFHW", 0x70|m0F|pF3|withImm, d, nil, s, i)
}
func (a *Assembler) VPSHUFB(d, x Vec, y VecMem) { a.vector("VPSHUFB", 0x0|m38|p66, d, x, y, 0) }
func (a *Assembler) VPERMILPS(d Vec, s VecMem, i uint8) {
	a.vector("VPERMILPS", 0x4|m3A|p66|full4|withImm, d, nil, s, i)
}

// VPERMILPSV is VPERMILPS by the indices in y.
func (a *Assembler) VPERMILPSV(d, x Vec, y VecMem) {
	a.vector("VPERMILPS", 0xc|m38|p66|full4, d, x, y, 0)
}

func (a *Assembler) VMOVSHDUP(d Vec, s VecMem) { a.vector("VMOVSHDUP", 0x16|m0F|pF3, d, nil, s, 0) }
func (a *Assembler) VMOVSLDUP(d Vec, s VecMem) { a.vector("VMOVSLDUP", 0x12|m0F|pF3, d, nil, s, 0) }
func (a *Assembler) VPALIGNR(d, x Vec, y VecMem, i uint8) {
	a.vector("VPALIGNR", 0xf|m3A|p66|withImm, d, x, y, i)
}

// Permutations across 128 bits. VPERMPS and VPERMD take the indices in x and the elements
// in y. VPERMI2PS and VPERMT2PS choose among two registers: the indices are d or x.

func (a *Assembler) VPERMPS(d, x Vec, y VecMem) {
	a.vector("VPERMPS", 0x16|m38|p66|noX|full4, d, x, y, 0)
}

func (a *Assembler) VPERMD(d, x Vec, y VecMem) {
	a.vector("VPERMD", 0x36|m38|p66|noX|full4, d, x, y, 0)
}

func (a *Assembler) VPERMPD(d Vec, s VecMem, i uint8) {
	a.vector("VPERMPD", 0x1|m3A|p66|w1|noX|full8|withImm, d, nil, s, i)
}

func (a *Assembler) VPERMQ(d Vec, s VecMem, i uint8) {
	a.vector("VPERMQ", 0x0|m3A|p66|w1|noX|full8|withImm, d, nil, s, i)
}

func (a *Assembler) VPERMI2PS(d, x Vec, y VecMem) {
	a.vector("VPERMI2PS", 0x77|m38|p66|evexOnly|full4, d, x, y, 0)
}

func (a *Assembler) VPERMT2PS(d, x Vec, y VecMem) {
	a.vector("VPERMT2PS", 0x7f|m38|p66|evexOnly|full4, d, x, y, 0)
}

func (a *Assembler) VPERM2F128(d, x Vec, y VecMem, i uint8) {
	a.vector("VPERM2F128", 0x6|m3A|p66|vexOnly|noX|noZ|withImm, d, x, y, i)
}

func (a *Assembler) VPERM2I128(d, x Vec, y VecMem, i uint8) {
	a.vector("VPERM2I128", 0x46|m3A|p66|vexOnly|noX|noZ|withImm, d, x, y, i)
}

func (a *Assembler) VSHUFF32X4(d, x Vec, y VecMem, i uint8) {
	a.vector("VSHUFF32X4", 0x23|m3A|p66|evexOnly|noX|full4|withImm, d, x, y, i)
}

// VMOVHLPS copies the upper half of y to the lower half of d, VMOVLHPS the other way.

func (a *Assembler) VMOVHLPS(d, x, y Vec) { a.vector("VMOVHLPS", 0x12|m0F|scalar|unmasked, d, x, y, 0) }

func (a *Assembler) VMOVLHPS(d, x, y Vec) { a.vector("VMOVLHPS", 0x16|m0F|scalar|unmasked, d, x, y, 0) }

// Selections: of x, or of y where a bit of i, the mask of d, or the sign of m is set.

func (a *Assembler) VBLENDPS(d, x Vec, y VecMem, i uint8) {
	a.vector("VBLENDPS", 0xc|m3A|p66|vexOnly|noZ|withImm, d, x, y, i)
}

func (a *Assembler) VPBLENDW(d, x Vec, y VecMem, i uint8) {
	a.vector("VPBLENDW", 0xe|m3A|p66|vexOnly|noZ|withImm, d, x, y, i)
}

func (a *Assembler) VPBLENDD(d, x Vec, y VecMem, i uint8) {
	a.vector("VPBLENDD", 0x2|m3A|p66|vexOnly|noZ|withImm, d, x, y, i)
}

func (a *Assembler) VBLENDMPS(d, x Vec, y VecMem) {
	a.vector("VBLENDMPS", 0x65|m38|p66|evexOnly|full4, d, x, y, 0)
}

func (a *Assembler) VBLENDMPD(d, x Vec, y VecMem) {
	a.vector("VBLENDMPD", 0x65|m38|p66|evexOnly|evexW|full8, d, x, y, 0)
}

func (a *Assembler) VPBLENDMD(d, x Vec, y VecMem) {
	a.vector("VPBLENDMD", 0x64|m38|p66|evexOnly|full4, d, x, y, 0)
}
func (a *Assembler) VBLENDVPS(d, x Vec, y VecMem, m Vec) { a.blend("VBLENDVPS", 0x4a, d, x, y, m) }
func (a *Assembler) VBLENDVPD(d, x Vec, y VecMem, m Vec) { a.blend("VBLENDVPD", 0x4b, d, x, y, m) }
func (a *Assembler) VPBLENDVB(d, x Vec, y VecMem, m Vec) { a.blend("VPBLENDVB", 0x4c, d, x, y, m) }

// blend encodes a selection by the register m, in the upper half of an immediate.
func (a *Assembler) blend(name string, f form, d, x Vec, y VecMem, m Vec) {
	if m.n >= 16 || m.width != d.width || m.mask != K0 {
		a.refuse(name, "the selecting register has no encoding", d, x, y, m)
		return
	}
	a.vector(name, f|m3A|p66|vexOnly|noZ|withImm, d, x, y, m.n<<4)
}
