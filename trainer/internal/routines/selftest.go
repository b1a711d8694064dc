package routines

import (
	"math"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/runtime/simd/emit"
)

// selfTest tries every routine of a set. Optimizers get a length that is no multiple of
// lanes.
func selfTest(t *emit.Trial[*Set]) {
	const n, few = 7 * lanes, 7*lanes - 3
	values := emit.Values[float32]
	x, a, b := values(n, 1), values(n, 2), values(n, 3)
	maxima := slices.Clone(x)
	for i := 0; i < n; i += 2 {
		maxima[i]++
	}
	norm := &Norm{Scale: values(lanes, 4), Shift: values(lanes, 5), Mean: values(lanes, 6)}
	compare := func(routine string, count int, job func(s *Set, y []float32)) {
		emit.Compare(t, routine, 1e-4, values(count, 0), job)
	}
	compare("Moments", 2*lanes, func(s *Set, y []float32) { s.Moments(y[:lanes], y[lanes:], x, norm.Mean) })
	compare("NormSums", 2*lanes, func(s *Set, y []float32) { s.NormSums(norm, y[:lanes], y[lanes:], a, x) })
	compare("NormGrad", n, func(s *Set, y []float32) { s.NormGrad(norm, y, a, x, norm.Scale, norm.Shift, norm.Mean) })
	compare("Dot", lanes, func(s *Set, y []float32) { s.Dot(y, a, b) })
	compare("MulAdd", n, func(s *Set, y []float32) { s.MulAdd(y, a, b) })
	compare("Mask", n, func(s *Set, y []float32) { s.Mask(y, a, b) })
	compare("SwishGrad", n, func(s *Set, y []float32) { s.SwishGrad(y, a, x, b, 0.5) })
	compare("GELU", n, func(s *Set, y []float32) { s.GELU(y, x) })
	compare("GELUGrad", n, func(s *Set, y []float32) { s.GELUGrad(y, a, x) })
	compare("Winner", 2*n, func(s *Set, y []float32) { s.Winner(y[:n], y[n:], x, maxima) })
	for _, channels := range []int{1, 4, 8, 16} {
		compare("GroupedGrad", 3*3*channels*lanes, func(s *Set, y []float32) {
			const lines, pixels, row = 2, 3, 7 * lanes
			x := values((2*lines+1)*row, 1)
			s.GroupedGrad(&GroupedGrad{
				X: x, Y: a, W: y, XRow: row, Lines: lines, Pixels: pixels, Rows: 3, Cols: 3, Channels: channels, Stride: 2,
			})
		})
	}
	for withTop := range 2 {
		compare("Adam", 4*few, func(s *Set, y []float32) {
			w, mean, v, top := y[:few], y[few:2*few], y[2*few:3*few], y[3*few:]
			for i := range v {
				v[i], top[i] = v[i]*v[i], top[i]*top[i]
			}
			if withTop == 0 {
				top = nil
			}
			s.Adam(&Adam{
				Scale: 0.5, Decay: 0.25, Keep: 0.75, Beta1: 0.5, Rest1: 0.5, Beta2: 0.75, Rest2: 0.25, Rate: 0.5, Root: 2, Epsilon: 0.5,
			}, w, x[:few], mean, v, top)
		})
	}
	for form := range 3 {
		compare("SGD", 2*few, func(s *Set, y []float32) {
			b := y[few:]
			if form == 0 {
				b = nil
			}
			s.SGD(&SGD{Scale: 0.5, Decay: 0.25, Rate: 0.5, Momentum: 0.75, Nesterov: form == 2}, y[:few], x[:few], b)
		})
	}
	for _, factor := range []float32{1, float32(math.Inf(1))} {
		compare("Finite", n, func(s *Set, y []float32) {
			y[lanes] *= factor
			finite := s.Finite(y)
			clear(y)
			if finite {
				y[0] = 1
			}
		})
	}
}
