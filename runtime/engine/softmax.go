package engine

import (
	"math"

	"github.com/deploy-kernel/deploy-kernel/runtime/nn"

	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
)

// Softmax normalizes exponentials over the channels of each pixel.
var Softmax = Operation{of(nn.Softmax), func(comp *compiler, s *site) (step, error) {
	return comp.softmax(s.in[0], s.y), nil
}}

// softmaxRow computes, in place, the softmax of the values of each pixel. They lie in
// planes, step values apart, at the offsets. Positions without a value hold minus
// infinity.
func softmaxRow(set *simd.Set, t *scratch, x []float32, at []int32, step, planes, pixels int) {
	a := &t.across
	a.X, a.In, a.XStep, a.Y, a.Out, a.YStep = x, at, step, x, at, step
	a.First, a.End, a.Planes = 0, pixels, planes
	set.Softmax(a)
}

// softmax turns the channels of each pixel into shares of 1.
type softmax struct {
	set  *simd.Set
	x, y *tensor
	at   []int32 // pixel offsets in a row
}

func (comp *compiler) softmax(x, y *tensor) step {
	comp.reserve(y.count() * y.w * simd.Lanes)
	s := &softmax{set: comp.set, x: x, y: y}
	for i := range y.w {
		s.at = append(s.at, int32(i*simd.Lanes))
	}
	return s
}

func (s *softmax) parts(workers int) int { return min(s.y.h, workers*partsPerWorker) }

func (s *softmax) run(arena []float32, t *scratch, part, parts int) {
	n, planes := s.y.w*simd.Lanes, s.y.count()
	rows := t.floats[:planes*n]
	for y := part * s.y.h / parts; y < (part+1)*s.y.h/parts; y++ {
		for plane := range planes {
			row := rows[plane*n:][:n]
			copy(row, s.x.line(arena, plane, y))
			for lane := range simd.Lanes {
				if s.x.holds(plane*simd.Lanes+lane) < 0 {
					for i := lane; i < n; i += simd.Lanes {
						row[i] = float32(math.Inf(-1))
					}
				}
			}
		}
		softmaxRow(s.set, t, rows, s.at, n, planes, s.y.w)
		for plane := range planes {
			line := s.y.line(arena, plane, y)
			copy(line, rows[plane*n:])
			s.y.clearEmpty(line, plane)
		}
	}
	if part == 0 {
		for plane := range planes {
			s.y.clearBorder(arena, plane)
		}
	}
}
