// Package layout places buffers with known lifetimes in one block of memory. Buffers
// that are never in use at the same time may overlap.
//
//	at, floats := layout.Place(lives)
//	memory := make([]float32, floats)
//	first := memory[at[0]:][:lives[0].Floats]
package layout

import (
	"cmp"
	"slices"
)

// Life describes a buffer: its size in floats, and the first and the last step that
// use it.
type Life struct{ Floats, Birth, Death int }

// Place returns the offset of each buffer, in the order of lives, and the length of the
// block. Buffers that have a step in common do not overlap.
//
// It places large buffers first, each in the lowest gap that fits (Pisarchyk and Lee,
// "Efficient Memory Management for Deep Neural Net Inference", 2020, section 5.1:
// greedy by size).
func Place(lives []Life) (at []int, floats int) {
	at = make([]int, len(lives))
	bySize := make([]int, len(lives))
	for i := range bySize {
		bySize[i] = i
	}
	slices.SortStableFunc(bySize, func(a, b int) int { return cmp.Compare(lives[b].Floats, lives[a].Floats) })
	var placed []int // by place
	for _, i := range bySize {
		l := lives[i]
		for _, p := range placed {
			if lives[p].Birth > l.Death || lives[p].Death < l.Birth {
				continue
			}
			if at[i]+l.Floats <= at[p] {
				break
			}
			at[i] = max(at[i], at[p]+lives[p].Floats)
		}
		k, _ := slices.BinarySearchFunc(placed, at[i], func(p, place int) int { return at[p] - place })
		placed = slices.Insert(placed, k, i)
		floats = max(floats, at[i]+l.Floats)
	}
	return at, floats
}
