//go:build goexperiment.simd && amd64 && !noasm

package vector

import "simd/archsimd"

// dotY is dot with four registers of 4 float64s per step.
func dotY(dst []float64, columns [][]float32, at int, w []float64, bias float64) {
	start := archsimd.BroadcastFloat64x4(bias)
	for ; len(dst) >= 4*4; dst, at = dst[4*4:], at+4*4 {
		s0, s1, s2, s3 := start, start, start, start
		for k, c := range columns {
			wk := archsimd.BroadcastFloat64x4(w[k])
			p := (*[4 * 4]float32)(c[at:])
			s0 = s0.Add(wk.Mul(archsimd.LoadFloat32x4((*[4]float32)(p[0:])).ConvertToFloat64()))
			s1 = s1.Add(wk.Mul(archsimd.LoadFloat32x4((*[4]float32)(p[4:])).ConvertToFloat64()))
			s2 = s2.Add(wk.Mul(archsimd.LoadFloat32x4((*[4]float32)(p[2*4:])).ConvertToFloat64()))
			s3 = s3.Add(wk.Mul(archsimd.LoadFloat32x4((*[4]float32)(p[3*4:])).ConvertToFloat64()))
		}
		d := (*[4 * 4]float64)(dst)
		s0.Store((*[4]float64)(d[0:]))
		s1.Store((*[4]float64)(d[4:]))
		s2.Store((*[4]float64)(d[2*4:]))
		s3.Store((*[4]float64)(d[3*4:]))
	}
}

func positiveY(bits []uint64, x []float64) {
	zero := archsimd.BroadcastFloat64x4(0)
	for i := range bits {
		word := uint64(0)
		v := (*[Lanes]float64)(x[i*Lanes:])
		for j := 0; j < Lanes; j += 4 {
			word |= uint64(archsimd.LoadFloat64x4((*[4]float64)(v[j:])).Greater(zero).ToBits()) << j
		}
		bits[i] = word
	}
}

func splitY(some, all []uint64, columns [][]float32, low, high float32) bool {
	lows, highs := archsimd.BroadcastFloat32x8(low), archsimd.BroadcastFloat32x8(high)
	bad := archsimd.BroadcastFloat32x8(0)
	for i := range some {
		var anyAbove, allAbove uint64
		for j := 0; j < Lanes; j += 8 {
			at := i*Lanes + j
			most := archsimd.LoadFloat32x8((*[8]float32)(columns[0][at:]))
			least := most
			bad = bad.Add(most.Sub(most))
			for _, c := range columns[1:] {
				v := archsimd.LoadFloat32x8((*[8]float32)(c[at:]))
				bad = bad.Add(v.Sub(v))
				most, least = most.Max(v), least.Min(v)
			}
			anyAbove |= uint64(most.Greater(lows).ToBits()) << j
			allAbove |= uint64(least.Greater(highs).ToBits()) << j
		}
		some[i], all[i] = anyAbove, allAbove
	}
	var sums [8]float32
	bad.Store(&sums)
	for _, s := range sums {
		if s != 0 {
			return false
		}
	}
	return true
}
