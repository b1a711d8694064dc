package vector

import "github.com/deploy-kernel/deploy-kernel/runtime/simd/emit"

// selfTest tries every routine of a set.
func selfTest(t *emit.Trial[*Set]) {
	const words, at = 3, 5
	const n = words * Lanes
	columns := [][]float32{
		emit.Values[float32](n+at, 1), emit.Values[float32](n+at, 2), emit.Values[float32](n+at, 4),
	}
	x, y := emit.Values[float64](n, 1), emit.Values[float64](n, 5)
	emit.Compare(t, "Dot", 0, y, func(s *Set, dst []float64) { s.Dot(dst, columns, at, x[:len(columns)], 0.1) })
	emit.Compare(t, "Positive", 0, make([]uint64, words), func(s *Set, bits []uint64) { s.Positive(bits, x) })
	emit.Compare(t, "Split", 0, make([]uint64, 2*words+1), func(s *Set, bits []uint64) {
		if s.Split(bits[:words], bits[words:2*words], columns, 0.5, -0.5) {
			bits[2*words] = 1
		}
	})
	of := make([]uint32, n-3)
	for i := range of {
		of[i] = uint32(i)
	}
	emit.Compare(t, "Cross", 0, make([]uint64, n+7), func(s *Set, dst []uint64) {
		found := s.Cross(dst, x, y, of)
		clear(dst[found:]) // arbitrary
	})
}
