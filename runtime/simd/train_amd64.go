//go:build goexperiment.simd && amd64 && !noasm

package simd

import (
	"simd/archsimd"
	"unsafe"
)

// vectorTrainSets lists the training sets of wide registers that this CPU has.
func vectorTrainSets() []*TrainSet {
	var sets []*TrainSet
	for _, s := range vectorSets() {
		switch s.Name {
		case "avx512":
			sets = append(sets, &TrainSet{
				Name:    s.Name,
				Moments: momentsZ, NormSums: normSumsZ, NormGrad: normGradZ,
				Dot: dotZ, MulAdd: mulAddZ, Mask: maskZ, Winner: winnerZ,
				SlideGrad: slideGradZ, Adam: adamZ, SGD: sgdZ, Finite: finiteZ,
			})
		case "avx2":
			sets = append(sets, &TrainSet{
				Name:    s.Name,
				Moments: momentsY, NormSums: normSumsY, NormGrad: normGradY,
				Dot: dotY, MulAdd: mulAddY, Mask: maskY, Winner: winnerY,
				SlideGrad: slideGradY, Adam: adamY, SGD: sgdY, Finite: finiteY,
			})
		}
	}
	return sets
}

// inputZ loads the values that begin i floats behind p.
func inputZ(p unsafe.Pointer, i int) vecZ { return loadZ((*[16]float32)(unsafe.Add(p, 4*i))) }

func inputY(p unsafe.Pointer, i int) vecY { return loadY((*[8]float32)(unsafe.Add(p, 4*i))) }

// turnedInputZ loads them permuted.
func turnedInputZ(p unsafe.Pointer, i int, t archsimd.Uint32x16) vecZ {
	return turnedZ((*[16]float32)(unsafe.Add(p, 4*i)), t)
}

func turnedInputY(p unsafe.Pointer, i int, t archsimd.Uint32x8) vecY {
	return turnedY((*[8]float32)(unsafe.Add(p, 4*i)), t)
}

// spreadInputZ returns the value i floats behind p in every lane.
func spreadInputZ(p unsafe.Pointer, i int) vecZ { return spreadZ((*[4]float32)(unsafe.Add(p, 4*i))) }

func spreadInputY(p unsafe.Pointer, i int) vecY { return spreadY((*[4]float32)(unsafe.Add(p, 4*i))) }
