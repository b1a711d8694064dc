// Package layout shares one block of memory among what is not needed at the same
// time: the activations of a network.
//
//	at, floats := layout.Place(lives)
//	memory := make([]float32, floats)
//	first := memory[at[0]:][:lives[0].Floats]
package layout

import (
	"cmp"
	"slices"
)

// Life is how much memory something takes, and the first and the last step that
// touch it.
type Life struct{ Floats, Birth, Death int }

// Place returns where each life begins in one block of memory, such that those
// with a step in common don't overlap, and the block's length. Larger ones choose
// first, the lowest gap that fits (Pisarchyk and Lee, "Efficient Memory Management
// for Deep Neural Net Inference", 2020, section 5.1: greedy by size).
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
