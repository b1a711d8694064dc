package engine

import (
	"github.com/deploy-kernel/deploy-kernel/internal/hugepage"
	"github.com/deploy-kernel/deploy-kernel/runtime/layout"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
)

// area is a place in the arena. It holds planes of simd.Lanes channels each;
// a plane is rows of pixels with a border of zeros, as wide as those need who
// read it; the pixels of a plane follow one another.
type area struct {
	h, w   int
	planes int
	border int // pixels on each side
	pixel  int // floats of a pixel: simd.Lanes, or fewer in the only plane
	at     int // index of the first float in the arena
	// The steps that write it first and read it last.
	birth, death int
}

// row returns the floats from a row of pixels to the next one.
func (a *area) row() int { return (a.w + 2*a.border) * a.pixel }

// plane returns the floats from a plane to the next one: an odd number of
// pixels, so that the same pixel of many planes isn't in the same few sets of
// a cache.
func (a *area) plane() int {
	if a.pixel != simd.Lanes {
		return round((a.h+2*a.border)*a.row()+simd.Slack, simd.Lanes)
	}
	return ((a.h+2*a.border)*(a.w+2*a.border) | 1) * a.pixel
}

func (a *area) size() int { return a.planes * a.plane() }

// index returns where pixel (y, x) begins in a plane. The coordinates may lie
// in the border.
func (a *area) index(y, x int) int { return (y+a.border)*a.row() + (x+a.border)*a.pixel }

// tensor is one activation: all planes of an area or some of them.
type tensor struct {
	*area
	shape nn.Shape
	first int // plane
	// channel tells which channel each place of a pixel holds, over all of the
	// tensor's planes, and is negative where there is none. Nil means that they
	// are in order, with nothing but zeros behind the last one.
	channel []int
}

// newTensor returns a tensor with an area of its own.
func newTensor(s nn.Shape) *tensor {
	return &tensor{shape: s, area: &area{h: s.H, w: s.W, planes: planesOf(s.C), pixel: simd.Lanes}}
}

// planesOf returns the number of planes that so many channels take.
func planesOf(channels int) int { return round(channels, simd.Lanes) / simd.Lanes }

// round returns n rounded up to a multiple of unit.
func round(n, unit int) int { return (n + unit - 1) / unit * unit }

// count returns the number of the tensor's own planes.
func (t *tensor) count() int {
	if t.channel != nil {
		return len(t.channel) / simd.Lanes
	}
	return planesOf(t.shape.C)
}

// holds returns which channel place i of a pixel holds, or -1.
func (t *tensor) holds(i int) int {
	switch {
	case t.channel != nil:
		return t.channel[i]
	case i < t.shape.C:
		return i
	}
	return -1
}

// base returns where plane p of the tensor begins in the arena.
func (t *tensor) base(p int) int { return t.at + (t.first+p)*t.plane() }

// line returns the pixels of row y of plane p, without the border.
func (t *tensor) line(arena []float32, p, y int) []float32 {
	return arena[t.base(p)+t.index(y, 0):][:t.w*t.pixel]
}

// clearBorder makes the border of plane p zero, which another tensor may have
// used.
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

// newFloats returns memory for n values. Weights and activations are read once
// per image, so large ones lie in huge pages.
func newFloats(n int) []float32 {
	x := make([]float32, n)
	hugepage.Advise(x)
	return x
}

// place gives every area its place in one arena, and returns the arena's length.
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
