// Package vector computes the inner loops of blending on the widest registers
// that the CPU has: weighted sums of predictions and bit sets of their signs.
//
//	set := vector.Sets()[0]
//	set.Dot(sums, columns, 0, weights, 0)
//	set.Positive(bits, sums)
//
// A [Set] is one way of computing, "avx512", "avx2" or "scalar". The scalar
// functions are the definitions; the others give the same bits. Lengths are
// multiples of [Lanes]. A bit set holds element i in bit i%64 of word i/64.
package vector

import "math"

// Lanes is what lengths are a multiple of: the bits of a word.
const Lanes = 64

// Set is one way of computing every loop.
type Set struct {
	Name string
	// Dot sets dst[i] = bias + sum over k of w[k] * columns[k][at+i], in
	// float64, k upwards, each product and sum rounded.
	Dot func(dst []float64, columns [][]float32, at int, w []float64, bias float64)
	// Positive sets the bits of the elements that are above 0.
	Positive func(bits []uint64, x []float64)
	// Split sets in some the bits of the elements of which any column is above
	// low, and in all those of which every column is above high. It reports
	// whether every value is finite; if not the bits mean nothing.
	Split func(some, all []uint64, columns [][]float32, low, high float32) bool
	// Cross writes a word for each element of which one of a and b is above 0 and
	// the other isn't, in their order, and returns how many:
	//
	//	bits 32..63  the place between a (0) and b (1) where the element is 0, in
	//	             units of 1/Unit, below 1
	//	bits  1..31  of[i]
	//	bit   0      whether b is above 0
	//
	// There are len(of) elements, and dst has room for 7 words more. Here lengths
	// need not be multiples of Lanes.
	Cross func(dst []uint64, a, b []float64, of []uint32) int
}

// Sets lists the sets that this CPU can run, fastest first.
func Sets() []*Set { return append(vectorSets(), Scalar) }

// Scalar is the set that every CPU can run.
var Scalar = &Set{Name: "scalar", Dot: dot, Positive: positive, Split: split, Cross: cross}

func dot(dst []float64, columns [][]float32, at int, w []float64, bias float64) {
	for i := range dst {
		dst[i] = bias
	}
	for k, c := range columns {
		wk := w[k]
		for i, p := range c[at : at+len(dst)] {
			// The conversion keeps product and sum from being fused.
			dst[i] += float64(wk * float64(p))
		}
	}
}

func positive(bits []uint64, x []float64) {
	for i := range bits {
		word := uint64(0)
		for j, v := range x[i*Lanes : (i+1)*Lanes] {
			if v > 0 {
				word |= 1 << j
			}
		}
		bits[i] = word
	}
}

// Unit is how many places a line has, in the words of Cross.
const Unit = 1 << 32

func cross(dst []uint64, a, b []float64, of []uint32) int {
	n := 0
	a, b = a[:len(of)], b[:len(of)]
	for i, o := range of {
		u, v := a[i], b[i]
		up := uint64(0)
		if v > 0 {
			up = 1
		}
		if (u > 0) == (up == 1) {
			continue
		}
		place := uint64(int64(min(u/(u-v)*Unit, Unit-1)))
		dst[n] = place<<32 | uint64(o)<<1 | up
		n++
	}
	return n
}

func split(some, all []uint64, columns [][]float32, low, high float32) bool {
	bad := float32(0)
	for i := range some {
		var anyAbove, allAbove uint64
		for j := range Lanes {
			most, least := float32(math.Inf(-1)), float32(math.Inf(1))
			for _, c := range columns {
				v := c[i*Lanes+j]
				bad += v - v
				most, least = max(most, v), min(least, v)
			}
			if most > low {
				anyAbove |= 1 << j
			}
			if least > high {
				allAbove |= 1 << j
			}
		}
		some[i], all[i] = anyAbove, allAbove
	}
	return bad == 0
}
