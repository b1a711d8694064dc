package jpeg

// The factors of JFIF's conversion from YCbCr in fixed point of 16 bits.
const (
	crToR = 91881  // 1.402
	cbToG = -22554 // -0.34414
	crToG = -46802 // -0.71414
	cbToB = 116130 // 1.772
	half  = 1 << 15
)

// grayToRGB repeats each gray value three times.
func grayToRGB(dst, y []byte) {
	for i, v := range y {
		p := (*[3]byte)(dst[3*i:])
		p[0], p[1], p[2] = v, v, v
	}
}

// planesToRGB interleaves three planes.
func planesToRGB(dst, r, g, b []byte) {
	g = g[:len(r)]
	b = b[:len(r)]
	for i, v := range r {
		p := (*[3]byte)(dst[3*i:])
		p[0], p[1], p[2] = v, g[i], b[i]
	}
}

// yCbCrToRGB converts a row of YCbCr to RGB (JFIF 1.02, p. 3).
func yCbCrToRGB(dst, y, cb, cr []byte) {
	cb = cb[:len(y)]
	cr = cr[:len(y)]
	for i, v := range y {
		luma := int32(v)<<16 + half
		blue, red := int32(cb[i])-128, int32(cr[i])-128
		p := (*[3]byte)(dst[3*i:])
		p[0] = clampFixed(luma + crToR*red)
		p[1] = clampFixed(luma + cbToG*blue + crToG*red)
		p[2] = clampFixed(luma + cbToB*blue)
	}
}

// clampFixed rounds a number of 16 fractional bits down, and limits it to a
// byte.
func clampFixed(v int32) uint8 {
	if uint32(v) >= 1<<24 {
		return uint8(^(v >> 31))
	}
	return uint8(v >> 16)
}

// cmykToRGB converts a row of inverted CMYK to RGB as Pillow does. The inverted
// K is the amount of white: it scales the inverted inks.
func cmykToRGB(dst, c, m, y, k []byte) {
	m = m[:len(c)]
	y = y[:len(c)]
	k = k[:len(c)]
	for i := range c {
		p := (*[3]byte)(dst[3*i:])
		white := uint32(k[i])
		p[0] = ink(uint32(255-c[i]), white)
		p[1] = ink(uint32(255-m[i]), white)
		p[2] = ink(uint32(255-y[i]), white)
	}
}

// ycckToRGB converts a row of inverted YCCK whose first three components have
// been converted from YCbCr. These are the complements of the stored CMY.
func ycckToRGB(dst, k []byte) {
	for i, v := range k {
		p := (*[3]byte)(dst[3*i:])
		white := uint32(v)
		p[0] = ink(uint32(p[0]), white)
		p[1] = ink(uint32(p[1]), white)
		p[2] = ink(uint32(p[2]), white)
	}
}

// ink returns what an amount of ink leaves of white: white - ink*white/255,
// rounded as Pillow's MULDIV255 does it.
func ink(amount, white uint32) uint8 {
	v := amount*white + 128
	return uint8(white - (v>>8+v)>>8)
}
