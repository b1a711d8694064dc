//go:build goexperiment.simd && amd64 && !noasm

package simd

import (
	"math"
	"simd/archsimd"
	"sync"
	"unsafe"

	"github.com/deploy-kernel/deploy-kernel/runtime/amd64"
	"github.com/deploy-kernel/deploy-kernel/runtime/machinecode"
)

// vectorSets returns the vectorized sets that this CPU can run.
func vectorSets() []*Set { return wide() }

var wide = sync.OnceValue(func() []*Set {
	var sets []*Set
	cpu, err := machinecode.Detect()
	if err != nil { // there is no machine code, which GEMM needs
		return nil
	}
	if cpu.AVX512 {
		sets = append(sets, &Set{
			Name: "avx512", Panel: 2 * Lanes,
			GEMM:      (&gemmRoutines{width: amd64.ZMM, columns: 2 * Lanes, name: "avx512"}).run,
			HalfGEMM:  (&gemmRoutines{width: amd64.ZMM, columns: Lanes, name: "avx512"}).run,
			Depthwise: depthwiseZ, MaxPool: maxPoolZ, Grouped: groupedZ,
			ToWinograd: toWinogradZ, FromWinograd: fromWinogradZ,
			Affine: affineZ, AddScaled: addScaledZ, Max: maxZ,
			Gather: gatherZ, Strassen: strassenZ,
			Scale: scaleZ, Gate: gateZ, GatePixels: gatePixelsZ,
			Sigmoid: sigmoidZ, Sum: sumZ, Peak: peakZ,
		})
	}
	if cpu.AVX2 {
		gemm := (&gemmRoutines{width: amd64.YMM, columns: Lanes, name: "avx2"}).run
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

// The routines reach package archsimd through the names below, as its names
// change between releases of Go. Names that end in Z stand for 16 floats (AVX-512),
// those in Y for 8 (AVX2).

type (
	vecZ = archsimd.Float32x16
	vecY = archsimd.Float32x8
)

func loadZ(p *[16]float32) vecZ { return archsimd.LoadFloat32x16(p) }

func loadY(p *[8]float32) vecY { return archsimd.LoadFloat32x8(p) }

func fillZ(v float32) vecZ { return archsimd.BroadcastFloat32x16(v) }

func fillY(v float32) vecY { return archsimd.BroadcastFloat32x8(v) }

// aboveZ returns the larger of v and floor, and NaN if v is NaN. Max would lose
// the NaN: the compiler may swap the operands, and the instruction returns the
// second operand if either is NaN.
func aboveZ(v, floor vecZ) vecZ { return floor.Merge(v, v.Less(floor)) }

func aboveY(v, floor vecY) vecY { return floor.Merge(v, v.Less(floor)) }

// largerZ returns the larger of a and b, and NaN if either is NaN.
func largerZ(a, b vecZ) vecZ { return a.Merge(b, b.Less(a).Or(a.IsNaN())) }

func largerY(a, b vecY) vecY { return a.Merge(b, b.Less(a).Or(a.IsNaN())) }

// nan is the maximum of values that include a NaN.
var nan = float32(math.NaN())

// powerZ returns v times 2 to the power n. n holds whole numbers, and the result
// must be a normal number.
func powerZ(v, n vecZ) vecZ {
	return v.AsInt32x16().Add(n.ConvertToInt32().ShiftAllLeft(23)).AsFloat32x16()
}

func powerY(v, n vecY) vecY {
	return v.AsInt32x8().Add(n.ConvertToInt32().ShiftAllLeft(23)).AsFloat32x8()
}

// run returns a pointer to x[at], after a bounds check of n values. The inner loop
// has registers for five such pointers; five slices would need twice as many.
func run(x []float32, at, n int) unsafe.Pointer {
	x = x[at : at+n]
	return unsafe.Pointer(unsafe.SliceData(x))
}

// turn holds a permutation for each input channel i of a group: every lane reads
// input i of the group that its own channel belongs to.
type turn [Lanes][Lanes]uint32

// turns holds the permutations for groups of 4, 8 and 16 channels.
var turns = [...]turn{makeTurn(4), makeTurn(8), makeTurn(16)}

func makeTurn(channels int) (t turn) {
	for i := range channels {
		for lane := range Lanes {
			t[i][lane] = uint32(lane/channels*channels + i)
		}
	}
	return t
}

// turnsZ returns the first permutation for groups of so many channels. The others
// follow, Lanes words apart. The second parameter is always 0.
func turnsZ(channels, _ int) unsafe.Pointer { return unsafe.Pointer(&turns[channels>>3]) }

// turnsY returns the permutations of the half pixel that begins at lane part. An
// 8-lane permutation uses only the lowest 3 bits of an index.
func turnsY(channels, part int) unsafe.Pointer {
	return unsafe.Pointer(&turns[channels>>3][0][part])
}

// sourcesZ returns the address of a row's first input. nextZ returns the extra
// bytes from inputs i..i+3 to the next four.
//
// A register of 8 lanes holds half a pixel, which contains whole groups of 4 and 8
// channels. Groups of 16 channels span both halves: their inputs are loaded from
// the first half, then from the second, for the outputs of either half.
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

// turnedZ loads a vector and permutes it. The compiler schedules instructions by
// source position. A function for the load keeps it just before its product.
func turnedZ(p *[16]float32, t archsimd.Uint32x16) vecZ {
	return archsimd.LoadFloat32x16(p).Permute(t)
}

func turnedY(p *[8]float32, t archsimd.Uint32x8) vecY {
	return archsimd.LoadFloat32x8(p).Permute(t)
}
