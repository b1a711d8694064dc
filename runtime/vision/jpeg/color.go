package jpeg

import "github.com/deploy-kernel/deploy-kernel/runtime/vision"

// The factors of JFIF's conversion from YCbCr in fixed point of 16 bits.
const (
	crToR = 91881  // 1.402
	cbToG = -22554 // -0.34414
	crToG = -46802 // -0.71414
	cbToB = 116130 // 1.772
	half  = 1 << 15
)

// interleave interleaves three rows of colors.
func interleave(dst, r, g, b []byte) {
	g = g[:len(r)]
	b = b[:len(r)]
	for i, v := range r {
		p := (*[3]byte)(dst[3*i:])
		p[0], p[1], p[2] = v, g[i], b[i]
	}
}

// The conversion from YCbCr to RGB (JFIF 1.02, p. 3) adds up three words, one for
// each component. A word has a lane for each color:
//
//	bits 0-25   green in fixed point of 16 bits: the sum is rounded down
//	bits 32-41  blue
//	bits 48-57  red
//
// Colors are biased by laneBias, so that no lane borrows from the next, and so
// that two bits of each lane tell whether the color fits a byte.
const (
	greenLane = 16
	blueLane  = 32
	redLane   = 48
	laneBias  = 256
	laneMask  = 3<<(greenLane+8) | 3<<(blueLane+8) | 3<<(redLane+8)
	laneInfo  = 1<<(greenLane+8) | 1<<(blueLane+8) | 1<<(redLane+8) // of colors that fit
)

// colorWords are the words of all values of Y, Cb and Cr.
type colorWords struct{ y, cb, cr [256]uint64 }

var words = makeColorWords()

func makeColorWords() *colorWords {
	w := new(colorWords)
	for i := range 256 {
		c := int64(i - 128)
		w.y[i] = uint64(i+laneBias) * (1<<greenLane | 1<<blueLane | 1<<redLane)
		w.cb[i] = uint64((cbToB*c+half)>>16)<<blueLane + uint64(cbToG*c+half)
		w.cr[i] = uint64((crToR*c+half)>>16)<<redLane + uint64(crToG*c)
	}
	return w
}

// yCbCrToRGB converts a row of YCbCr to RGB.
func yCbCrToRGB(dst, y, cb, cr []byte) {
	cb = cb[:len(y)]
	cr = cr[:len(y)]
	w := words
	for i, v := range y {
		sum := w.y[v] + w.cb[cb[i]] + w.cr[cr[i]]
		p := (*[3]byte)(dst[3*i:])
		if sum&laneMask == laneInfo {
			p[0], p[1], p[2] = byte(sum>>redLane), byte(sum>>greenLane), byte(sum>>blueLane)
			continue
		}
		p[0], p[1], p[2] = clampLane(sum>>redLane), clampLane(sum>>greenLane), clampLane(sum>>blueLane)
	}
}

// clampLane limits the color in the lowest ten bits of v to a byte.
func clampLane(v uint64) uint8 {
	return uint8(min(max(int(v&1023)-laneBias, 0), 255))
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

// ink returns what an amount of ink leaves of white: white - amount*white/255.
func ink(amount, white uint32) uint8 {
	return uint8(white) - vision.Div255(amount*white)
}
