//go:build goexperiment.simd && amd64 && !noasm

package routines

import (
	"simd/archsimd"
	"unsafe"

	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
)

// vectorSets lists the sets of wide registers that this CPU has, fastest first.
func vectorSets() []*Set {
	var sets []*Set
	for _, s := range simd.Sets() {
		switch s.Name {
		case "avx512":
			sets = append(sets, &Set{
				Name:    s.Name,
				Moments: momentsZ, NormSums: normSumsZ, NormGrad: normGradZ,
				Dot: dotZ, MulAdd: mulAddZ, Mask: maskZ, Winner: winnerZ,
				GroupedGrad: groupedGradZ, Adam: adamZ, SGD: sgdZ, Finite: finiteZ,
			})
		case "avx2":
			sets = append(sets, &Set{
				Name:    s.Name,
				Moments: momentsY, NormSums: normSumsY, NormGrad: normGradY,
				Dot: dotY, MulAdd: mulAddY, Mask: maskY, Winner: winnerY,
				GroupedGrad: groupedGradY, Adam: adamY, SGD: sgdY, Finite: finiteY,
			})
		}
	}
	return sets
}

// The rest of this file is all that the routines use of package archsimd, whose names
// change with Go's releases. Z functions take 16 floats, Y functions 8.

type (
	vecZ = archsimd.Float32x16
	vecY = archsimd.Float32x8
)

func loadZ(p *[16]float32) vecZ { return archsimd.LoadFloat32x16(p) }

func loadY(p *[8]float32) vecY { return archsimd.LoadFloat32x8(p) }

func fillZ(v float32) vecZ { return archsimd.BroadcastFloat32x16(v) }

func fillY(v float32) vecY { return archsimd.BroadcastFloat32x8(v) }

// inputZ loads the values from i floats behind p on.
func inputZ(p unsafe.Pointer, i int) vecZ { return loadZ((*[16]float32)(unsafe.Add(p, 4*i))) }

func inputY(p unsafe.Pointer, i int) vecY { return loadY((*[8]float32)(unsafe.Add(p, 4*i))) }

// turnedInputZ loads the values from i floats behind p on, and permutes them.
func turnedInputZ(p unsafe.Pointer, i int, t archsimd.Uint32x16) vecZ {
	return inputZ(p, i).Permute(t)
}

func turnedInputY(p unsafe.Pointer, i int, t archsimd.Uint32x8) vecY {
	return inputY(p, i).Permute(t)
}

// spreadInputZ returns the value i floats behind p in every lane. It reads four values,
// because that takes one instruction less than reading one.
func spreadInputZ(p unsafe.Pointer, i int) vecZ {
	return archsimd.LoadFloat32x4((*[4]float32)(unsafe.Add(p, 4*i))).Broadcast1To16()
}

func spreadInputY(p unsafe.Pointer, i int) vecY {
	return archsimd.LoadFloat32x4((*[4]float32)(unsafe.Add(p, 4*i))).Broadcast1To8()
}

// floats returns a pointer to n values of x from index at on. It panics if x is shorter.
// The inner loops move such pointers, as slices would take twice as many registers.
func floats(x []float32, at, n int) unsafe.Pointer {
	x = x[at : at+n]
	return unsafe.Pointer(unsafe.SliceData(x))
}

// turn maps input channel i of a group, and a lane, to the lane of the pixel that holds
// channel i of the lane's group.
type turn [lanes][lanes]uint32

// turns holds the permutations for groups of 4, 8 and 16 channels.
var turns = [...]turn{makeTurn(4), makeTurn(8), makeTurn(16)}

func makeTurn(channels int) (t turn) {
	for i := range channels {
		for lane := range lanes {
			t[i][lane] = uint32(lane/channels*channels + i)
		}
	}
	return t
}

// turnsZ returns the permutations for groups of that many channels, lanes words apart.
func turnsZ(channels, _ int) unsafe.Pointer { return unsafe.Pointer(&turns[channels>>3]) }

// turnsY returns the permutations for the half pixel that begins at lane part. An
// instruction on 8 lanes reads the lowest 3 bits of an index.
func turnsY(channels, part int) unsafe.Pointer {
	return unsafe.Pointer(&turns[channels>>3][0][part])
}

func loadTurnZ(p unsafe.Pointer) archsimd.Uint32x16 {
	return archsimd.LoadUint32x16((*[16]uint32)(p))
}

func loadTurnY(p unsafe.Pointer) archsimd.Uint32x8 { return archsimd.LoadUint32x8((*[8]uint32)(p)) }
