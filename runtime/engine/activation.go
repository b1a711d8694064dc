package engine

import (
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
)

// Activation computes functions of each element that no other step applies to its result.
var Activation = Operation{of(nn.Activate), func(comp *compiler, s *site) (step, error) {
	return comp.activation(s.n.Activation, s.in[0], s.y), nil
}}

// activation applies a function to each element, in place or from another tensor.
// Other steps use it as their epilogue: they apply it to pixels that they have just
// stored, while these are in the cache. As an epilogue, nil does nothing.
type activation struct {
	apply func(*simd.Pixels)
	x, y  *tensor
	// The offsets of the pixels in a plane of x and y.
	in, out []int32
	// clears reports whether the function of 0 is not 0. Empty positions of a pixel
	// must stay 0.
	clears bool
}

func (comp *compiler) activation(f nn.Activation, x, y *tensor) *activation {
	return &activation{
		apply: comp.set.Activation(f), x: x, y: y, clears: f.Of(0) != 0,
		in: comp.table(x, y.shape, nn.Square(1), nn.HW{}), out: comp.table(y, y.shape, nn.Square(1), nn.HW{}),
	}
}

// epilogue returns the activation that a unit applies to its result, or nil.
func (comp *compiler) epilogue(u *unit, y *tensor) *activation {
	if u.activation == nil {
		return nil
	}
	return comp.activation(u.activation.Activation, y, y)
}

func (a *activation) parts(int) int { return a.y.count() }

func (a *activation) run(arena []float32, s *scratch, plane, _ int) {
	a.pixels(arena, s, plane, 1, 0, a.y.h*a.y.w)
	a.y.clearBorder(arena, plane)
}

// pixels computes the pixels from first to end-1 of some planes. They are numbered as
// in the tables.
func (a *activation) pixels(arena []float32, s *scratch, plane, planes, first, end int) {
	if a == nil || first >= end {
		return
	}
	j := &s.pixels
	j.X, j.In, j.XStep = arena[a.x.base(plane):], a.in, a.x.plane()
	j.Y, j.Out, j.YStep = arena[a.y.base(plane):], a.out, a.y.plane()
	j.Planes, j.First, j.End = planes, first, end
	a.apply(j)
	if a.clears {
		a.clearEmpty(arena, plane, planes, first, end)
	}
}

// minActivated is the number of pixels from which an activation is worth a call.
const minActivated = 256

// rows computes the rows from first to end-1 of a plane if they are the last ones or
// many enough. It returns the first row that remains to compute.
func (a *activation) rows(arena []float32, s *scratch, plane, first, end int) int {
	if a == nil || end < a.y.h && (end-first)*a.y.w < minActivated {
		return first
	}
	a.pixels(arena, s, plane, 1, first*a.y.w, end*a.y.w)
	return end
}

func (a *activation) clearEmpty(arena []float32, plane, planes, first, end int) {
	for i := range planes * simd.Lanes {
		if a.y.holds(plane*simd.Lanes+i) >= 0 {
			continue
		}
		y := arena[a.y.base(plane+i/simd.Lanes)+i%simd.Lanes:]
		for _, at := range a.out[first:end] {
			y[at] = 0
		}
	}
}
