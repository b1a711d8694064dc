package engine

import (
	"math"

	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
)

// softmaxRow computes, in place, the softmax of the values of each pixel. They lie in
// planes, step values apart. Positions without a value hold minus infinity. work has
// room for three planes.
func softmaxRow(set *simd.Set, x []float32, step, planes, pixels int, work []float32) {
	n := pixels * simd.Lanes
	peak, sum, zero := work[:n], work[n:][:n], work[2*n:][:n]
	copy(peak, x)
	for p := 1; p < planes; p++ {
		set.Max(peak, x[p*step:][:n])
	}
	for i := 0; i < n; i += simd.Lanes {
		pixel := (*[simd.Lanes]float32)(peak[i:])
		top := pixel[0]
		for _, v := range pixel {
			top = max(top, v)
		}
		for lane := range pixel {
			pixel[lane] = top
		}
	}
	clear(sum)
	for p := range planes {
		row := x[p*step:][:n]
		set.AddScaled(row, row, peak, -1, simd.None)
		exponentials(set, row)
		set.AddScaled(sum, sum, row, 1, simd.None)
	}
	for i := 0; i < n; i += simd.Lanes {
		total := float32(0)
		for _, v := range sum[i:][:simd.Lanes] {
			total += v
		}
		sum[i] = 1 / total
	}
	clear(zero)
	for p := range planes {
		row := x[p*step:][:n]
		set.GatePixels(row, row, sum, zero, simd.None)
	}
}

// exponentials computes exp of numbers that are not positive: exp(x) = s/(1-s) with the
// sigmoid s of x.
func exponentials(set *simd.Set, x []float32) {
	set.Sigmoid(x, x)
	for i, s := range x {
		x[i] = s / (1 - s)
	}
}

// softmax normalizes the exponentials of each pixel's channels.
type softmax struct {
	set  *simd.Set
	x, y *tensor
}

func (comp *compiler) softmax(x, y *tensor) step {
	comp.reserve((y.count() + 3) * y.w * simd.Lanes)
	return &softmax{comp.set, x, y}
}

func (s *softmax) parts(workers int) int { return min(s.y.h, workers*partsPerWorker) }

func (s *softmax) run(arena []float32, t *scratch, part, parts int) {
	n, planes := s.y.w*simd.Lanes, s.y.count()
	rows, work := t.floats[:planes*n], t.floats[planes*n:]
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
		softmaxRow(s.set, rows, n, planes, s.y.w, work)
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
