package jpeg

import "github.com/deploy-kernel/deploy-kernel/runtime/simd/emit"

// selfTest tries every routine.
func selfTest(t *emit.Trial[*routines]) {
	const stride = 11
	emit.Compare(t, "Inverse", 0, make([]byte, 7*stride+8), func(r *routines, dst []byte) {
		j := &dctJob{dst: dst, stride: stride}
		for i := range j.block {
			j.block[i] = int16((i*i*37+11*i)%151 - 75)
		}
		r.Inverse(j)
	})
	const n = 75
	rows := make([]byte, 3*n)
	for i := range rows {
		rows[i] = byte(i * i * 7)
	}
	try := func(routine string, scale int, of func(r *routines) func(*rowJob)) {
		emit.Compare(t, routine, 0, make([]byte, scale*n), func(r *routines, dst []byte) {
			of(r)(&rowJob{dst: dst, a: rows[:n], b: rows[n : 2*n], c: rows[2*n:], bias: 2})
		})
	}
	try("UpsampleH", 2, func(r *routines) func(*rowJob) { return r.UpsampleH })
	try("UpsampleV", 1, func(r *routines) func(*rowJob) { return r.UpsampleV })
	try("UpsampleHV", 2, func(r *routines) func(*rowJob) { return r.UpsampleHV })
	try("Interleave", 3, func(r *routines) func(*rowJob) { return r.Interleave })
	try("YCbCrToRGB", 3, func(r *routines) func(*rowJob) { return r.YCbCrToRGB })
}
