//go:build goexperiment.simd && amd64 && !noasm

package kernel

import (
	"simd/archsimd"
	"unsafe"
)

// vectorSets lists the sets of wide registers that this CPU has.
func vectorSets() []*Set {
	var sets []*Set
	if archsimd.X86.AVX512() {
		sets = append(sets, &Set{
			Name: "avx512", Panel: 2 * Lanes,
			GEMM: gemm5x32Z, HalfGEMM: gemm5x16Z, Depthwise: depthwiseZ,
			Affine: affineZ, AddScaled: addScaledZ, Max: maxZ,
		})
	}
	if archsimd.X86.AVX2() && archsimd.X86.FMA() {
		sets = append(sets, &Set{
			Name: "avx2", Panel: Lanes,
			GEMM: gemm5x16Y, HalfGEMM: gemm5x16Y, Depthwise: depthwiseY,
			Affine: affineY, AddScaled: addScaledY, Max: maxY,
		})
	}
	return sets
}

// What follows is all that the kernels use of package archsimd, whose names
// change with Go's releases. The Z functions are of 16 floats, the Y ones of 8.

type (
	vecZ = archsimd.Float32x16
	vecY = archsimd.Float32x8
)

func loadZ(p *[16]float32) vecZ { return archsimd.LoadFloat32x16(p) }

func loadY(p *[8]float32) vecY { return archsimd.LoadFloat32x8(p) }

// spreadZ returns p[0] in every lane. It reads all of p, which takes one
// instruction less than reading the first value.
func spreadZ(p *[4]float32) vecZ { return archsimd.LoadFloat32x4(p).Broadcast1To16() }

func spreadY(p *[4]float32) vecY { return archsimd.LoadFloat32x4(p).Broadcast1To8() }

func fillZ(v float32) vecZ { return archsimd.BroadcastFloat32x16(v) }

func fillY(v float32) vecY { return archsimd.BroadcastFloat32x8(v) }

// run returns a pointer to n values of x from index at on, all of which it
// checks to be there. Five such pointers that move are what the inner loop has
// registers for; slices would take twice as many.
func run(x []float32, at, n int) unsafe.Pointer {
	x = x[at : at+n]
	return unsafe.Pointer(unsafe.SliceData(x))
}
