package engine

import (
	"github.com/deploy-kernel/deploy-kernel/internal/hugepage"
	"github.com/deploy-kernel/deploy-kernel/runtime/layout"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
)

// area is a part of the arena. It holds planes of simd.Lanes channels each. A plane
// consists of rows of pixels and a border of zeros, which serves as padding. The
// border is as wide as the widest reader needs.
type area struct {
	h, w   int
	planes int
	border int // width in pixels, on each side
	pixel  int // floats per pixel: simd.Lanes, or fewer if there is one plane
	at     int // index of the first float in the arena
	// The first step that writes the area and the last that reads it.
	birth, death int
}

// row returns the floats from one row to the next.
func (a *area) row() int { return (a.w + 2*a.border) * a.pixel }

// plane returns the floats from one plane to the next: an odd number of pixels.
// Equal pixels of many planes thus do not compete for the same cache sets.
func (a *area) plane() int {
	if a.pixel != simd.Lanes {
		return round((a.h+2*a.border)*a.row()+simd.Slack, simd.Lanes)
	}
	return ((a.h+2*a.border)*(a.w+2*a.border) | 1) * a.pixel
}

func (a *area) size() int { return a.planes * a.plane() }

// index returns the offset of pixel (y, x) in a plane. The pixel may lie in the
// border.
func (a *area) index(y, x int) int { return (y+a.border)*a.row() + (x+a.border)*a.pixel }

// tensor is one activation: some or all planes of an area.
type tensor struct {
	*area
	shape nn.Shape
	first int // the tensor's first plane in the area
	// channel maps each position of a pixel, across the tensor's planes, to a
	// channel, or to -1 if the position is empty. Nil means that channels are in
	// order and only positions past the last one are empty.
	channel []int
}

// newTensor returns a tensor with its own area.
func newTensor(s nn.Shape) *tensor {
	return &tensor{shape: s, area: &area{h: s.H, w: s.W, planes: planesOf(s.C), pixel: simd.Lanes}}
}

// planesOf returns the number of planes for so many channels.
func planesOf(channels int) int { return round(channels, simd.Lanes) / simd.Lanes }

// round returns n rounded up to a multiple of unit.
func round(n, unit int) int { return (n + unit - 1) / unit * unit }

// count returns the number of the tensor's planes.
func (t *tensor) count() int {
	if t.channel != nil {
		return len(t.channel) / simd.Lanes
	}
	return planesOf(t.shape.C)
}

// holds returns the channel at position i of a pixel, or -1.
func (t *tensor) holds(i int) int {
	switch {
	case t.channel != nil:
		return t.channel[i]
	case i < t.shape.C:
		return i
	}
	return -1
}

// base returns the offset of the tensor's plane p in the arena.
func (t *tensor) base(p int) int { return t.at + (t.first+p)*t.plane() }

// line returns row y of plane p, without the border.
func (t *tensor) line(arena []float32, p, y int) []float32 {
	return arena[t.base(p)+t.index(y, 0):][:t.w*t.pixel]
}

// clearBorder zeroes the border of plane p. Another tensor may have used the memory.
func (t *tensor) clearBorder(arena []float32, p int) {
	if t.border == 0 {
		return
	}
	a := arena[t.base(p):][:t.plane()]
	edge := t.border * t.pixel
	clear(a[:t.index(0, 0)])
	for y := range t.h - 1 {
		clear(a[t.index(y, t.w):][:2*edge])
	}
	clear(a[t.index(t.h-1, t.w):])
}

// newFloats returns zeroed memory for n values, in huge pages if it is large:
// every image reads all weights and activations.
func newFloats(n int) []float32 {
	x := make([]float32, n)
	hugepage.Advise(x)
	return x
}

// place lays out all areas in one arena and returns the arena's length.
func place(areas []*area) int {
	lives := make([]layout.Life, len(areas))
	for i, a := range areas {
		lives[i] = layout.Life{Floats: a.size(), Birth: a.birth, Death: a.death}
	}
	at, floats := layout.Place(lives)
	for i, a := range areas {
		a.at = at[i]
	}
	return floats
}
