// Package vector computes the inner loops of blending with the widest SIMD registers
// of the CPU: weighted sums of predictions, and bit sets of their signs.
//
//	set := vector.Sets()[0]
//	set.Dot(sums, columns, 0, coefficients, 0)
//	set.Positive(bits, sums)
//
// A [Set] is one implementation: "avx512", "avx2" or "scalar". The scalar functions
// are the definitions, and the others return the same bits. Lengths are multiples of
// [Lanes]. A bit set holds element i in bit i%64 of word i/64.
package vector

import (
	"math"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/runtime/simd/emit"
)

// Lanes is the number of bits in a word; lengths are multiples of it.
const Lanes = 64

// Set is one implementation of every loop.
type Set struct {
	Name string
	// Dot sets dst[i] = bias + sum over k of w[k] * columns[k][at+i]. It computes in
	// float64, in ascending order of k, and rounds each product and sum.
	Dot func(dst []float64, columns [][]float32, at int, w []float64, bias float64)
	// Positive sets the bits of the elements above 0.
	Positive func(bits []uint64, x []float64)
	// Split sets in some the bits of the elements that are above low in any column,
	// and in all those that are above high in every column. It reports whether every
	// value is finite; if not, the bits are undefined.
	Split func(some, all []uint64, columns [][]float32, low, high float32) bool
	// Cross writes a word for each element that is above 0 in exactly one of a and b,
	// in order, and returns the number of words:
	//
	//	bits 32..63  the place between a (0) and b (1) where the element is 0, in
	//	             units of 1/Unit, below 1
	//	bits  1..31  of[i]
	//	bit   0      1 if b is above 0
	//
	// There are len(of) elements, which need not be a multiple of Lanes. dst has room
	// for 7 words more.
	Cross func(dst []uint64, a, b []float64, of []uint32) int
}

// Sets returns the sets that this CPU can run, the fastest first.
func Sets() []*Set {
	sets, _ := vectorSets()
	return append(slices.Clip(sets), Scalar)
}

// Select returns the set with this name, or the fastest set if name is empty. It
// returns an error that lists the available sets if this one is not among them.
func Select(name string) (*Set, error) {
	return emit.Select(Sets(), func(s *Set) string { return s.Name }, name)
}

// Trouble returns why the fastest set is the scalar one where it need not be: the
// system denies executable memory, or a routine fails its test at the start.
func Trouble() error {
	_, err := vectorSets()
	return err
}

// Scalar is the set that every CPU can run.
var Scalar = &Set{Name: "scalar", Dot: dot, Positive: positive, Split: split, Cross: cross}

func dot(dst []float64, columns [][]float32, at int, w []float64, bias float64) {
	for i := range dst {
		dst[i] = bias
	}
	for k, c := range columns {
		wk := w[k]
		for i, p := range c[at : at+len(dst)] {
			// The conversion prevents a fused multiply-add.
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

// Unit is the number of places on a line, in the words of Cross.
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
