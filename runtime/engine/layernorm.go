package engine

import (
	"math"

	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
)

// layerNorm normalizes the channels of each pixel.
type layerNorm struct {
	x, y *tensor
	// By position of a pixel; 0 where a position holds no channel.
	scale, shift []float32
	eps          float64
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
	s := &layerNorm{x: x, y: y, eps: n.Eps}
	s.scale, s.shift = make([]float32, y.count()*simd.Lanes), make([]float32, y.count()*simd.Lanes)
	copy(s.scale, w)
	copy(s.shift, bias)
	return s, nil
}

func (s *layerNorm) parts(workers int) int { return min(s.y.h, workers*partsPerWorker) }

func (s *layerNorm) run(arena []float32, _ *scratch, part, parts int) {
	for y := part * s.y.h / parts; y < (part+1)*s.y.h/parts; y++ {
		for x := range s.y.w {
			s.pixel(arena, y, x)
		}
	}
	if part == 0 {
		for plane := range s.y.count() {
			s.y.clearBorder(arena, plane)
		}
	}
}

// pixel normalizes one pixel. Empty positions are 0, so sums may include them.
func (s *layerNorm) pixel(arena []float32, y, x int) {
	sum, squares := 0.0, 0.0
	for plane := range s.x.count() {
		for _, v := range s.x.line(arena, plane, y)[x*simd.Lanes:][:simd.Lanes] {
			sum += float64(v)
			squares += float64(v) * float64(v)
		}
	}
	mean := sum / float64(s.x.shape.C)
	variance := max(0, squares/float64(s.x.shape.C)-mean*mean)
	inverse := 1 / math.Sqrt(variance+s.eps)
	factor, offset := float32(inverse), float32(-mean*inverse)
	for plane := range s.x.count() {
		from := s.x.line(arena, plane, y)[x*simd.Lanes:][:simd.Lanes]
		to := s.y.line(arena, plane, y)[x*simd.Lanes:][:simd.Lanes]
		scale, shift := s.scale[plane*simd.Lanes:][:simd.Lanes], s.shift[plane*simd.Lanes:][:simd.Lanes]
		for i, v := range from {
			to[i] = (v*factor+offset)*scale[i] + shift[i]
		}
	}
}
