//go:build goexperiment.simd && amd64 && !noasm

package simd

import (
	"math"
	"simd/archsimd"
	"sync"
	"unsafe"
)

// vectorSets lists the sets of wide registers that this CPU has.
func vectorSets() []*Set { return wide() }

var wide = sync.OnceValue(func() []*Set {
	var sets []*Set
	if archsimd.X86.AVX512() {
		sets = append(sets, &Set{
			Name: "avx512", Panel: 2 * Lanes,
			GEMM: onStack(gemm5x32Z), HalfGEMM: gemm5x16Z,
			Depthwise: depthwiseZ, MaxPool: maxPoolZ, Grouped: groupedZ,
			ToWinograd: toWinogradZ, FromWinograd: fromWinogradZ,
			Affine: affineZ, AddScaled: addScaledZ, Max: maxZ,
			Gather: gatherZ, Strassen: strassenZ,
			Scale: scaleZ, Gate: gateZ, GatePixels: gatePixelsZ,
			Sigmoid: sigmoidZ, Sum: sumZ, Peak: peakZ,
		})
	}
	if archsimd.X86.AVX2() && archsimd.X86.FMA() {
		gemm := onStack(gemm5x16Y)
		sets = append(sets, &Set{
			Name: "avx2", Panel: Lanes,
			GEMM: gemm, HalfGEMM: gemm,
			Depthwise: depthwiseY, MaxPool: maxPoolY, Grouped: groupedY,
			ToWinograd: toWinogradY, FromWinograd: fromWinogradY,
			Affine: affineY, AddScaled: addScaledY, Max: maxY,
			Gather: gatherY, Strassen: strassenY,
			Scale: scaleY, Gate: gateY, GatePixels: gatePixelsY,
			Sigmoid: sigmoidY, Sum: sumY, Peak: peakY,
		})
	}
	return sets
})

// What follows is all that the routines use of package archsimd, whose names
// change with Go's releases, but for the steps of GEMM. The Z functions are of 16
// floats, the Y ones of 8.

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

// aboveZ returns v, but at least floor. NaN stays NaN, which the maximum
// wouldn't do: the compiler takes that to be commutative, and the instruction
// is not.
func aboveZ(v, floor vecZ) vecZ { return floor.Merge(v, v.Less(floor)) }

func aboveY(v, floor vecY) vecY { return floor.Merge(v, v.Less(floor)) }

// largerZ returns the larger of two values, and NaN where one is NaN.
func largerZ(a, b vecZ) vecZ { return a.Merge(b, b.Less(a).Or(a.IsNaN())) }

func largerY(a, b vecY) vecY { return a.Merge(b, b.Less(a).Or(a.IsNaN())) }

// nan is what maxima of numbers of which one isn't a number are.
var nan = float32(math.NaN())

// powerZ returns v times two to the n, whole numbers that leave it normal.
func powerZ(v, n vecZ) vecZ {
	return v.AsInt32x16().Add(n.ConvertToInt32().ShiftAllLeft(23)).AsFloat32x16()
}

func powerY(v, n vecY) vecY {
	return v.AsInt32x8().Add(n.ConvertToInt32().ShiftAllLeft(23)).AsFloat32x8()
}

// run returns a pointer to n values of x from index at on, all of which it
// checks to be there. Five such pointers that move are what the inner loop has
// registers for; slices would take twice as many.
func run(x []float32, at, n int) unsafe.Pointer {
	x = x[at : at+n]
	return unsafe.Pointer(unsafe.SliceData(x))
}

// turn says, for each i, which lane of a pixel holds input channel i of the
// group that a lane is in.
type turn [Lanes][Lanes]uint32

// turns are those of groups of 4, 8 and 16 channels.
var turns = [...]turn{makeTurn(4), makeTurn(8), makeTurn(16)}

func makeTurn(channels int) (t turn) {
	for i := range channels {
		for lane := range Lanes {
			t[i][lane] = uint32(lane/channels*channels + i)
		}
	}
	return t
}

// turnsZ returns the permutations for groups of so many channels, which follow
// one another by Lanes words; part is 0.
func turnsZ(channels, _ int) unsafe.Pointer { return unsafe.Pointer(&turns[channels>>3]) }

// turnsY returns those of the half pixel that begins at lane part. An
// instruction on 8 lanes reads the lowest 3 bits of an index.
func turnsY(channels, part int) unsafe.Pointer {
	return unsafe.Pointer(&turns[channels>>3][0][part])
}

// sourcesZ returns where the first input of a row is, and nextZ how many bytes
// behind those of inputs i to i+3 the next four are. Registers of 8 lanes load
// the half of a pixel that their groups are in; groups of a whole pixel take
// one half after the other, for the outputs of both.
func sourcesZ(x unsafe.Pointer, _, _ int) unsafe.Pointer { return x }

func nextZ(_, _ int) int { return 0 }

func sourcesY(x unsafe.Pointer, channels, part int) unsafe.Pointer {
	if channels == Lanes {
		return unsafe.Add(x, -4*part)
	}
	return x
}

func nextY(channels, i int) int {
	if channels == Lanes && i == 4 {
		return 4 * 8
	}
	return 0
}

func loadTurnZ(p unsafe.Pointer) archsimd.Uint32x16 {
	return archsimd.LoadUint32x16((*[16]uint32)(p))
}

func loadTurnY(p unsafe.Pointer) archsimd.Uint32x8 { return archsimd.LoadUint32x8((*[8]uint32)(p)) }

// turnedZ loads a vector and permutes it. Like the other helpers it also tells
// the compiler's scheduler, which goes by source positions, that inputs are
// wanted in the order of the calls, and each product as soon as it has its own.
func turnedZ(p *[16]float32, t archsimd.Uint32x16) vecZ {
	return archsimd.LoadFloat32x16(p).Permute(t)
}

func turnedY(p *[8]float32, t archsimd.Uint32x8) vecY {
	return archsimd.LoadFloat32x8(p).Permute(t)
}
