//go:build goexperiment.simd && amd64 && !noasm

package vector

import (
	"math/bits"
	"simd/archsimd"
)

// vectorSets returns the SIMD sets that this CPU can run, the fastest first.
func vectorSets() []*Set {
	var sets []*Set
	if archsimd.X86.AVX512() {
		sets = append(sets, &Set{Name: "avx512", Dot: dotZ, Positive: positiveZ, Split: splitZ, Cross: crossZ})
	}
	if archsimd.X86.AVX2() {
		sets = append(sets, &Set{Name: "avx2", Dot: dotY, Positive: positiveY, Split: splitY, Cross: cross})
	}
	return sets
}

// dotZ is dot with four registers of 8 float64s per step.
func dotZ(dst []float64, columns [][]float32, at int, w []float64, bias float64) {
	start := archsimd.BroadcastFloat64x8(bias)
	for ; len(dst) >= 4*8; dst, at = dst[4*8:], at+4*8 {
		s0, s1, s2, s3 := start, start, start, start
		for k, c := range columns {
			wk := archsimd.BroadcastFloat64x8(w[k])
			p := (*[4 * 8]float32)(c[at:])
			s0 = s0.Add(wk.Mul(archsimd.LoadFloat32x8((*[8]float32)(p[0:])).ConvertToFloat64()))
			s1 = s1.Add(wk.Mul(archsimd.LoadFloat32x8((*[8]float32)(p[8:])).ConvertToFloat64()))
			s2 = s2.Add(wk.Mul(archsimd.LoadFloat32x8((*[8]float32)(p[2*8:])).ConvertToFloat64()))
			s3 = s3.Add(wk.Mul(archsimd.LoadFloat32x8((*[8]float32)(p[3*8:])).ConvertToFloat64()))
		}
		d := (*[4 * 8]float64)(dst)
		s0.Store((*[8]float64)(d[0:]))
		s1.Store((*[8]float64)(d[8:]))
		s2.Store((*[8]float64)(d[2*8:]))
		s3.Store((*[8]float64)(d[3*8:]))
	}
}

func positiveZ(bits []uint64, x []float64) {
	zero := archsimd.BroadcastFloat64x8(0)
	for i := range bits {
		word := uint64(0)
		v := (*[Lanes]float64)(x[i*Lanes:])
		for j := 0; j < Lanes; j += 8 {
			word |= uint64(archsimd.LoadFloat64x8((*[8]float64)(v[j:])).Greater(zero).ToBits()) << j
		}
		bits[i] = word
	}
}

func splitZ(some, all []uint64, columns [][]float32, low, high float32) bool {
	lows, highs := archsimd.BroadcastFloat32x16(low), archsimd.BroadcastFloat32x16(high)
	bad := archsimd.BroadcastFloat32x16(0)
	for i := range some {
		var anyAbove, allAbove uint64
		for j := 0; j < Lanes; j += 16 {
			at := i*Lanes + j
			most := archsimd.LoadFloat32x16((*[16]float32)(columns[0][at:]))
			least := most
			bad = bad.Add(most.Sub(most))
			for _, c := range columns[1:] {
				v := archsimd.LoadFloat32x16((*[16]float32)(c[at:]))
				bad = bad.Add(v.Sub(v))
				most, least = most.Max(v), least.Min(v)
			}
			anyAbove |= uint64(most.Greater(lows).ToBits()) << j
			allAbove |= uint64(least.Greater(highs).ToBits()) << j
		}
		some[i], all[i] = anyAbove, allAbove
	}
	var sums [16]float32
	bad.Store(&sums)
	for _, s := range sums {
		if s != 0 {
			return false
		}
	}
	return true
}

func crossZ(dst []uint64, a, b []float64, of []uint32) int {
	zero, units := archsimd.BroadcastFloat64x8(0), archsimd.BroadcastFloat64x8(Unit)
	most, one := archsimd.BroadcastFloat64x8(Unit-1), archsimd.BroadcastUint64x8(1)
	n := 0
	for ; len(of) >= 8; a, b, of = a[8:], b[8:], of[8:] {
		u, v := archsimd.LoadFloat64x8((*[8]float64)(a)), archsimd.LoadFloat64x8((*[8]float64)(b))
		up := v.Greater(zero)
		moved := u.Greater(zero).ToBits() ^ up.ToBits()
		place := u.Div(u.Sub(v)).Mul(units).Min(most).ConvertToUint64().ShiftAllLeft(32)
		what := archsimd.LoadUint32x8((*[8]uint32)(of)).ExtendToUint64().ShiftAllLeft(1)
		place.Or(what).Or(one.Masked(up)).Compress(archsimd.Mask64x8FromBits(moved)).Store((*[8]uint64)(dst[n:]))
		n += bits.OnesCount8(moved)
	}
	return n + cross(dst[n:], a, b, of)
}
