package jpeg

// inverseWrapped is the inverse DCT of any block. Coefficients of corrupt files overflow
// the 16 and 32 bits of libjpeg-turbo's SIMD code. There, sums of coefficients wrap
// around, and the numbers between the passes saturate. rows reports whether any
// coefficient below the first row was nonzero before dequantization. If not, the SIMD
// code skips the first pass, and its numbers wrap around instead.
func inverseWrapped(b *[64]int16, dst []byte, stride int, rows bool) {
	var ws [64]int16
	var in, out [8]int32
	for x := range 8 {
		if !rows {
			for y := range 8 {
				ws[8*y+x] = b[x] << passBits
			}
			continue
		}
		for y := range 8 {
			in[y] = int32(b[8*y+x])
		}
		rotateWrapped(&out, &in, shift1)
		for y, v := range out {
			ws[8*y+x] = int16(min(max(v, -1<<15), 1<<15-1))
		}
	}
	for y := range 8 {
		for x := range 8 {
			in[x] = int32(ws[8*y+x])
		}
		rotateWrapped(&out, &in, shift2)
		row := (*[8]byte)(dst[y*stride:])
		for x, v := range out {
			row[x] = uint8(min(max(v, -128), 127) + 128)
		}
	}
}

// rotateWrapped is one pass over a column or row, rounded by shift bits.
func rotateWrapped(out, b *[8]int32, shift uint) {
	round := int32(1) << (shift - 1)
	e2 := b[2]*fix0541 + b[6]*(fix0541-fix1847)
	e3 := b[2]*(fix0541+fix0765) + b[6]*fix0541
	e0 := int32(int16(b[0]+b[4]))<<constBits + round
	e1 := int32(int16(b[0]-b[4]))<<constBits + round
	even := [4]int32{e0 + e3, e1 + e2, e1 - e2, e0 - e3}

	z3, z4 := int32(int16(b[7]+b[3])), int32(int16(b[5]+b[1]))
	z3, z4 = z3*(fix1175-fix1961)+z4*fix1175, z3*fix1175+z4*(fix1175-fix0390)
	odd := [4]int32{
		b[1]*(fix1501-fix0899) - b[7]*fix0899 + z4,
		b[3]*(fix3072-fix2562) - b[5]*fix2562 + z3,
		b[5]*(fix2053-fix2562) - b[3]*fix2562 + z4,
		b[7]*(fix0298-fix0899) - b[1]*fix0899 + z3,
	}
	for i := range 4 {
		out[i] = (even[i] + odd[i]) >> shift
		out[7-i] = (even[i] - odd[i]) >> shift
	}
}
