package oofgen

import (
	"math"
	"math/bits"
)

// mix hashes three numbers with the finalizer of SplitMix64 (Steele, Lea, Flood 2014).
func mix(a, b, c uint64) uint64 { return scramble(scramble(scramble(a)^b) ^ c) }

func next(seed uint64, i int) uint64 {
	return scramble(seed + (uint64(i)+1)*0x9E3779B97F4A7C15)
}

func scramble(x uint64) uint64 {
	x += 0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}

// uniform maps 64 bits to a number in [0, 1).
func uniform(x uint64) float64 { return float64(x>>11) / (1 << 53) }

var deviation = math.Sqrt(64.0/4 + 1.0/12)

// normal maps bits to a nearly normal deviate of mean 0 and variance 1: the number of set
// bits, which is binomial, plus a uniform deviate. It takes a nanosecond, because
// billions are needed.
func normal(x uint64) float64 {
	smooth := float64(x*0xD6E8FEB86659FD93>>40) / (1 << 24)
	return (float64(bits.OnesCount64(x)) - 32 + smooth - 0.5) / deviation
}
