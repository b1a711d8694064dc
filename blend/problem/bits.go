package problem

import "math/bits"

// count returns the number of bits that are set in from..to-1.
func count(set []uint64, from, to int) int {
	if from >= to {
		return 0
	}
	first, last := from/64, (to-1)/64
	head := ^uint64(0) << (from % 64)
	tail := ^uint64(0) >> (63 - (to-1)%64)
	if first == last {
		return bits.OnesCount64(set[first] & head & tail)
	}
	n := bits.OnesCount64(set[first]&head) + bits.OnesCount64(set[last]&tail)
	for _, w := range set[first+1 : last] {
		n += bits.OnesCount64(w)
	}
	return n
}

// window returns 64 bits that start at from. set must have one word more than they
// span.
func window(set []uint64, from int) uint64 {
	return set[from/64]>>(from%64) | set[from/64+1]<<1<<(63-from%64)
}

// each calls do with the index of every bit that is set in from..to-1, in ascending
// order.
func each(set []uint64, from, to int, do func(i int)) {
	for i := from; i < to; {
		word := set[i/64] >> (i % 64)
		if word == 0 {
			i = (i/64 + 1) * 64
			continue
		}
		i += bits.TrailingZeros64(word)
		if i < to {
			do(i)
		}
		i++
	}
}

func has(set []uint64, i int) bool { return set[i/64]>>(i%64)&1 == 1 }
func add(set []uint64, i int)      { set[i/64] |= 1 << (i % 64) }
func remove(set []uint64, i int)   { set[i/64] &^= 1 << (i % 64) }
