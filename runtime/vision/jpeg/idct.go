package jpeg

// The rotations of the inverse DCT in fixed point with 13 fractional bits. They are
// sums of cosines (Loeffler, Ligtenberg and Moschytz), grouped as in libjpeg's
// integer DCT.
const (
	fix0298 = 2446
	fix0390 = 3196
	fix0541 = 4433
	fix0765 = 6270
	fix0899 = 7373
	fix1175 = 9633
	fix1501 = 12299
	fix1847 = 15137
	fix1961 = 16069
	fix2053 = 16819
	fix2562 = 20995
	fix3072 = 25172
)

const (
	constBits = 13
	passBits  = 2 // fractional bits between the passes
	shift1    = constBits - passBits
	shift2    = constBits + passBits + 3
	round1    = 1 << (shift1 - 1)
	center2   = 1<<(shift2-1) + 128<<shift2 // rounds, and adds the middle of the samples' range
)

// safeSum bounds a block's sum of magnitudes so that no 16-bit number overflows in the
// inverse DCT. A column with the sum s gives at most 4*1.4*s after the first pass, and
// the second pass adds two such numbers of different columns.
const safeSum = 5500

// inverse writes the inverse DCT of d.block to an 8x8 area of samples. Most
// blocks have their coefficients in the upper left quarter, or one alone.
func (d *decoder) inverse(shape blockShape, dst []byte, stride int) {
	switch {
	case shape.sum > safeSum:
		inverseWrapped(&d.block, dst, stride, shape.places >= 8)
	case shape.places == 0:
		inverseDC(d.block[0], dst, stride)
	default:
		d.low, d.dst, d.stride = shape.places&0x24 == 0, dst[:7*stride+8], stride
		d.routines.Inverse(&d.dctJob)
	}
}

// inverseScalar is the scalar routine.
func inverseScalar(j *dctJob) {
	if j.low {
		inverseLow(&j.block, &j.workspace, j.dst, j.stride)
	} else {
		inverseFull(&j.block, &j.workspace, j.dst, j.stride)
	}
}

// inverseDC is the inverse DCT of a block of one coefficient.
func inverseDC(dc int16, dst []byte, stride int) {
	v := uint64(clamp((int32(dc)+4)>>3 + 128))
	v |= v << 8
	v |= v << 16
	v |= v << 32
	for range 8 {
		put8((*[8]byte)(dst), v)
		if len(dst) < stride {
			break
		}
		dst = dst[stride:]
	}
}

func put8(p *[8]byte, v uint64) {
	p[0], p[1], p[2], p[3] = byte(v), byte(v>>8), byte(v>>16), byte(v>>24)
	p[4], p[5], p[6], p[7] = byte(v>>32), byte(v>>40), byte(v>>48), byte(v>>56)
}

// clamp limits a number to the range of a byte.
func clamp(v int32) uint8 {
	if uint32(v) > 255 {
		return uint8(^(v >> 31))
	}
	return uint8(v)
}

// inverseFull is the inverse DCT of a block whose numbers cannot overflow.
func inverseFull(b *[64]int16, ws *[64]int32, dst []byte, stride int) {
	for x := range 8 {
		b1, b2, b3, b4 := int32(b[x+8]), int32(b[x+16]), int32(b[x+24]), int32(b[x+32])
		b5, b6, b7 := int32(b[x+40]), int32(b[x+48]), int32(b[x+56])
		b0 := int32(b[x])
		if b1|b2|b3|b4|b5|b6|b7 == 0 {
			v := b0 << passBits
			ws[x], ws[x+8], ws[x+16], ws[x+24] = v, v, v, v
			ws[x+32], ws[x+40], ws[x+48], ws[x+56] = v, v, v, v
			continue
		}
		p0, p1, p2, p3 := even(b0, b2, b4, b6, round1)
		o0, o1, o2, o3 := odd(b1, b3, b5, b7)
		ws[x], ws[x+56] = (p0+o0)>>shift1, (p0-o0)>>shift1
		ws[x+8], ws[x+48] = (p1+o1)>>shift1, (p1-o1)>>shift1
		ws[x+16], ws[x+40] = (p2+o2)>>shift1, (p2-o2)>>shift1
		ws[x+24], ws[x+32] = (p3+o3)>>shift1, (p3-o3)>>shift1
	}
	for y := range 8 {
		w := (*[8]int32)(ws[8*y:])
		b0, b1, b2, b3, b4, b5, b6, b7 := w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7]
		p0, p1, p2, p3 := even(b0, b2, b4, b6, center2)
		o0, o1, o2, o3 := odd(b1, b3, b5, b7)
		store((*[8]byte)(dst[y*stride:]),
			p0+o0, p1+o1, p2+o2, p3+o3, p3-o3, p2-o2, p1-o1, p0-o0)
	}
}

// even returns what the even numbers of eight contribute to their inverse DCT:
// p0 to p3 to its first four numbers, and to the last four in reverse. It adds
// round to each.
func even(b0, b2, b4, b6, round int32) (p0, p1, p2, p3 int32) {
	z := (b2 + b6) * fix0541
	e2 := z - b6*fix1847
	e3 := z + b2*fix0765
	e0 := (b0+b4)<<constBits + round
	e1 := (b0-b4)<<constBits + round
	return e0 + e3, e1 + e2, e1 - e2, e0 - e3
}

// odd returns what the odd numbers contribute: o0 to o3 to the first four, and
// -o3 to -o0 to the last four. It repeats two sums so that it stays cheap enough
// to be inlined.
func odd(b1, b3, b5, b7 int32) (o0, o1, o2, o3 int32) {
	z1, z2 := (b7+b1)*-fix0899, (b5+b3)*-fix2562
	z5 := (b7 + b3 + b5 + b1) * fix1175
	z3, z4 := z5-(b7+b3)*fix1961, z5-(b5+b1)*fix0390
	return b1*fix1501 + z1 + z4, b3*fix3072 + z2 + z3, b5*fix2053 + z2 + z4, b7*fix0298 + z1 + z3
}

// inverseLow is inverseFull for blocks whose coefficients are in the first four
// rows and columns.
func inverseLow(b *[64]int16, ws *[64]int32, dst []byte, stride int) {
	for x := range 4 {
		b0, b1, b2, b3 := int32(b[x]), int32(b[x+8]), int32(b[x+16]), int32(b[x+24])
		p0, p1, p2, p3 := even(b0, b2, 0, 0, round1)
		o0, o1, o2, o3 := odd(b1, b3, 0, 0)
		ws[x], ws[x+56] = (p0+o0)>>shift1, (p0-o0)>>shift1
		ws[x+8], ws[x+48] = (p1+o1)>>shift1, (p1-o1)>>shift1
		ws[x+16], ws[x+40] = (p2+o2)>>shift1, (p2-o2)>>shift1
		ws[x+24], ws[x+32] = (p3+o3)>>shift1, (p3-o3)>>shift1
	}
	for y := range 8 {
		w := (*[4]int32)(ws[8*y:])
		b0, b1, b2, b3 := w[0], w[1], w[2], w[3]
		p0, p1, p2, p3 := even(b0, b2, 0, 0, center2)
		o0, o1, o2, o3 := odd(b1, b3, 0, 0)
		store((*[8]byte)(dst[y*stride:]),
			p0+o0, p1+o1, p2+o2, p3+o3, p3-o3, p2-o2, p1-o1, p0-o0)
	}
}

// store writes a row of samples: sums of shift2 fractional bits.
func store(out *[8]byte, v0, v1, v2, v3, v4, v5, v6, v7 int32) {
	if uint32(v0|v1|v2|v3|v4|v5|v6|v7) < 256<<shift2 {
		out[0], out[1], out[2], out[3] = byte(v0>>shift2), byte(v1>>shift2), byte(v2>>shift2), byte(v3>>shift2)
		out[4], out[5], out[6], out[7] = byte(v4>>shift2), byte(v5>>shift2), byte(v6>>shift2), byte(v7>>shift2)
		return
	}
	out[0], out[1], out[2], out[3] = clamp(v0>>shift2), clamp(v1>>shift2), clamp(v2>>shift2), clamp(v3>>shift2)
	out[4], out[5], out[6], out[7] = clamp(v4>>shift2), clamp(v5>>shift2), clamp(v6>>shift2), clamp(v7>>shift2)
}
