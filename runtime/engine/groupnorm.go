package engine

import (
	"math"

	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
)

// GroupNorm normalizes groups of channels of an image.
var GroupNorm = Operation{of(nn.GroupNorm), func(comp *compiler, s *site) (step, error) {
	return comp.groupNorm(s.n, s.in[0], s.y)
}}

// groupNorm normalizes groups of channels over all pixels.
type groupNorm struct {
	x, y         *tensor
	scale, shift []float32
	groups       int
	eps          float64
	positions    []int
}

func (comp *compiler) groupNorm(n *nn.Node, x, y *tensor) (step, error) {
	w, err := comp.param(n, nn.Weight)
	if err != nil {
		return nil, err
	}
	bias, err := comp.param(n, nn.Bias)
	if err != nil {
		return nil, err
	}
	return &groupNorm{x: x, y: y, scale: w, shift: bias, groups: n.Groups, eps: n.Eps, positions: x.positions()}, nil
}

func (s *groupNorm) parts(int) int { return s.groups }

func (s *groupNorm) run(arena []float32, _ *scratch, group, _ int) {
	size := s.x.shape.C / s.groups
	sum, squares := 0.0, 0.0
	each := func(visit func(c int, x, y []float32)) {
		for c := group * size; c < (group+1)*size; c++ {
			from, to := s.positions[c], c
			for row := range s.x.h {
				visit(c, s.x.line(arena, from/simd.Lanes, row)[from%simd.Lanes:], s.y.line(arena, to/simd.Lanes, row)[to%simd.Lanes:])
			}
		}
	}
	each(func(_ int, x, _ []float32) {
		for i := 0; i < len(x); i += simd.Lanes {
			v := float64(x[i])
			sum += v
			squares += v * v
		}
	})
	n := float64(size * s.x.h * s.x.w)
	mean := sum / n
	inverse := 1 / math.Sqrt(max(0, squares/n-mean*mean)+s.eps)
	each(func(c int, x, y []float32) {
		scale := float64(s.scale[c]) * inverse
		factor, offset := float32(scale), float32(float64(s.shift[c])-mean*scale)
		for i := 0; i < len(x); i += simd.Lanes {
			y[i] = x[i]*factor + offset
		}
	})
	if group == 0 {
		for plane := range s.y.count() {
			for row := range s.y.h {
				s.y.clearEmpty(s.y.line(arena, plane, row), plane)
			}
			s.y.clearBorder(arena, plane)
		}
	}
}
