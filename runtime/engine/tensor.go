package engine

import (
	"slices"

	"github.com/deploy-kernel/deploy-kernel/runtime/kernel"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

// tensor is a place in the arena for one activation: NHWC, its pixels filled
// up with zero channels to a multiple of kernel.Lanes, and a border of zero
// pixels as wide as the convolutions that read it need.
type tensor struct {
	shape  nn.Shape
	pixel  int // floats from a pixel to the next one
	border int // pixels
	at     int // index of the border's first float in the arena
	// The steps that write it first and read it last.
	birth, death int
}

func newTensor(s nn.Shape) *tensor { return &tensor{shape: s, pixel: round(s.C, kernel.Lanes)} }

// round returns n rounded up to a multiple of unit.
func round(n, unit int) int { return (n + unit - 1) / unit * unit }

// row returns the floats from a row of pixels to the next one.
func (t *tensor) row() int { return (t.shape.W + 2*t.border) * t.pixel }

// size returns the floats that the tensor takes.
func (t *tensor) size() int {
	n := (t.shape.H + 2*t.border) * t.row()
	if t.pixel%kernel.Lanes != 0 {
		n += kernel.Slack // runs of kernel.Lanes reach over the end
	}
	return round(n, kernel.Lanes)
}

// index returns where pixel (y, x) begins, counted from at. The coordinates
// may lie in the border.
func (t *tensor) index(y, x int) int { return (y+t.border)*t.row() + (x+t.border)*t.pixel }

// line returns the pixels of row y, without the border.
func (t *tensor) line(arena []float32, y int) []float32 {
	return arena[t.at+t.index(y, 0):][:t.shape.W*t.pixel]
}

// clearBorder makes the border zero, which another tensor may have used.
func (t *tensor) clearBorder(arena []float32) {
	if t.border == 0 {
		return
	}
	a := arena[t.at:][:t.size()]
	edge, row := t.border*t.pixel, t.row()
	clear(a[:t.border*row+edge])
	for y := range t.shape.H - 1 {
		clear(a[t.index(y, t.shape.W):][:2*edge])
	}
	clear(a[t.index(t.shape.H-1, t.shape.W):])
}

// place gives every tensor a place in one arena, such that those alive at once
// don't overlap, and returns the arena's length. Larger ones choose first, the
// lowest gap that fits (Pisarchyk and Lee, "Efficient Memory Management for
// Deep Neural Net Inference", 2020, section 5.1: greedy by size).
func place(tensors []*tensor) int {
	bySize := slices.Clone(tensors)
	slices.SortStableFunc(bySize, func(a, b *tensor) int { return b.size() - a.size() })
	var placed []*tensor // by place
	end := 0
	for _, t := range bySize {
		t.at = 0
		for _, p := range placed {
			if p.birth > t.death || p.death < t.birth {
				continue
			}
			if t.at+t.size() <= p.at {
				break
			}
			t.at = max(t.at, p.at+p.size())
		}
		i, _ := slices.BinarySearchFunc(placed, t, func(a, b *tensor) int { return a.at - b.at })
		placed = slices.Insert(placed, i, t)
		end = max(end, t.at+t.size())
	}
	return end
}
