// Package half converts between float32 and the two 16-bit floating-point formats of
// weight files: IEEE 754 binary16 ("f16": 5 exponent bits, 10 fraction bits) and
// bfloat16 ("bf16": 8 and 7).
//
//	h := half.ToF16(1.5) // 0x3e00
//	x := half.FromF16(h) // 1.5
//
// Widening is exact. Narrowing rounds to nearest, ties to even, as PyTorch and the
// hardware do. Values that are too large become infinite, and NaN stays NaN.
package half

import "math"

// FromF16 returns the value of a binary16 number.
func FromF16(h uint16) float32 {
	sign := uint32(h&0x8000) << 16
	exponent, fraction := uint32(h>>10&0x1f), uint32(h&0x3ff)
	switch exponent {
	case 0: // zero or subnormal: fraction * 2^-24, exact in float32
		v := math.Float32bits(float32(fraction) / (1 << 24))
		return math.Float32frombits(sign | v)
	case 0x1f: // infinity or NaN
		return math.Float32frombits(sign | 0x7f800000 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+112)<<23 | fraction<<13)
}

// ToF16 returns the binary16 number nearest to v.
func ToF16(v float32) uint16 {
	bits := math.Float32bits(v)
	sign := uint16(bits >> 16 & 0x8000)
	bits &= 0x7fffffff
	switch {
	case bits > 0x7f800000: // NaN, kept quiet
		return sign | 0x7e00
	case bits >= 0x47800000: // 65536 and more
		return sign | 0x7c00
	case bits < 0x33000000: // below half of the smallest subnormal
		return sign
	case bits < 0x38800000: // subnormal: v * 2^24, rounded
		shift := 126 - bits>>23
		return sign | uint16(roundShift(bits&0x7fffff|0x800000, shift))
	}
	// A carry out of the fraction moves into the exponent, up to infinity,
	// which is the right answer.
	return sign | uint16(roundShift(bits-112<<23, 13))
}

// FromBF16 returns the value of a bfloat16 number.
func FromBF16(h uint16) float32 { return math.Float32frombits(uint32(h) << 16) }

// ToBF16 returns the bfloat16 number nearest to v.
func ToBF16(v float32) uint16 {
	bits := math.Float32bits(v)
	if v != v {
		return uint16(bits>>16) | 0x40
	}
	return uint16(roundShift(bits, 16))
}

// roundShift returns x / 2^shift, rounded to the nearest integer, ties to
// even.
func roundShift(x, shift uint32) uint32 {
	q, rest, tie := x>>shift, x&(1<<shift-1), uint32(1)<<(shift-1)
	if rest > tie || rest == tie && q&1 == 1 {
		q++
	}
	return q
}
