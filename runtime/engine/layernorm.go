package engine

import (
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
)

// LayerNorm normalizes the channels of each pixel.
var LayerNorm = Operation{of(nn.LayerNorm), func(comp *compiler, s *site) (step, error) {
	return comp.layerNorm(s.n, s.in[0], s.y)
}}

// layerNorm normalizes the channels of each pixel.
type layerNorm struct {
	set  *simd.Set
	x, y *tensor
	// The offsets of the pixels in a plane of x and y.
	in, out []int32
	// By position of a pixel; 0 where a position holds no channel.
	scale, shift []float32
	eps          float32
}

func (comp *compiler) layerNorm(n *nn.Node, x, y *tensor) (step, error) {
	w, err := comp.param(n, nn.Weight)
	if err != nil {
		return nil, err
	}
	bias, err := comp.param(n, nn.Bias)
	if err != nil {
		return nil, err
	}
	s := &layerNorm{
		set: comp.set, x: x, y: y, eps: float32(n.Eps),
		in: comp.table(x, y.shape, nn.Square(1), nn.HW{}), out: comp.table(y, y.shape, nn.Square(1), nn.HW{}),
	}
	s.scale, s.shift = make([]float32, y.count()*simd.Lanes), make([]float32, y.count()*simd.Lanes)
	copy(s.scale, w)
	copy(s.shift, bias)
	return s, nil
}

// normPixels is the number of pixels in a part of a layer norm.
const normPixels = 64

func (s *layerNorm) parts(int) int { return (s.y.h*s.y.w + normPixels - 1) / normPixels }

func (s *layerNorm) run(arena []float32, sc *scratch, part, _ int) {
	a := &sc.across
	a.X, a.In, a.XStep = arena[s.x.base(0):], s.in, s.x.plane()
	a.Y, a.Out, a.YStep = arena[s.y.base(0):], s.out, s.y.plane()
	a.First, a.End = part*normPixels, min((part+1)*normPixels, s.y.h*s.y.w)
	a.Planes, a.Channels = s.y.count(), s.y.shape.C
	a.Scale, a.Shift, a.Eps = s.scale, s.shift, s.eps
	s.set.LayerNorm(a)
	if part == 0 {
		for plane := range s.y.count() {
			s.y.clearBorder(arena, plane)
		}
	}
}
