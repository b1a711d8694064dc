package engine

import (
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
)

// Rearrangement moves values to other pixels and channels.
var Rearrangement = Operation{of(nn.Rearrange), func(_ *compiler, s *site) (step, error) {
	return newRearrange(s.n.Arrangement, s.in[0], s.y), nil
}}

// rearrange copies values to other places. The address of a value is a sum of one
// number for its channel and one for its pixel, unless coordinates wrap around within
// both.
type rearrange struct {
	y      *tensor
	base   int     // address of the input
	pixels []int32 // by pixel of the output
	runs   [][]lanes
	places []int32 // by value of the output, plane by plane; nil if addresses are sums
}

// lanes are consecutive channels of a pixel whose addresses are consecutive.
type lanes struct{ from, to, n int }

func newRearrange(a *nn.Arrangement, x, y *tensor) *rearrange {
	r := &rearrange{y: y, base: x.base(0)}
	channels := a.Offsets(nn.AxisC)
	var pixels [][3]int
	for _, h := range a.Offsets(nn.AxisH) {
		for _, w := range a.Offsets(nn.AxisW) {
			pixels = append(pixels, [3]int{h[0] + w[0], h[1] + w[1], h[2] + w[2]})
		}
	}
	positions := x.positions()
	address := func(offsets ...[3]int) int {
		at := a.Place(x.shape, offsets...)
		p := positions[at[nn.AxisC]]
		return p/simd.Lanes*x.plane() + p%simd.Lanes + x.index(at[nn.AxisH], at[nn.AxisW])
	}
	first := address()
	for _, p := range pixels {
		r.pixels = append(r.pixels, int32(address(p)-first))
	}
	r.runs = make([][]lanes, y.count())
	for c, offset := range channels {
		r.add(c, address(offset))
	}
	if !separable(a, x, channels, pixels) {
		r.places = make([]int32, y.count()*len(pixels)*simd.Lanes)
		for c, channel := range channels {
			for p, pixel := range pixels {
				r.places[(c/simd.Lanes*len(pixels)+p)*simd.Lanes+c%simd.Lanes] = int32(address(channel, pixel))
			}
		}
	}
	return r
}

// separable reports whether addresses are sums: no coordinate of the input wraps around
// because of both the channel and the pixel of the output, and pixels add whole planes.
func separable(a *nn.Arrangement, x *tensor, channels, pixels [][3]int) bool {
	for axis := range 3 {
		most, mostOfPixels, lanes := 0, 0, 0
		for _, o := range channels {
			most = max(most, o[axis])
		}
		for _, o := range pixels {
			mostOfPixels = max(mostOfPixels, o[axis])
			lanes = max(lanes, o[axis]%simd.Lanes)
		}
		switch {
		case most == 0 || mostOfPixels == 0:
		case a.First[axis]+most+mostOfPixels >= nn.Axis(axis).Side(x.shape):
			return false
		case nn.Axis(axis) == nn.AxisC && (lanes > 0 || x.channel != nil):
			return false
		}
	}
	return true
}

// add makes channel c of the output come from an address.
func (r *rearrange) add(c, from int) {
	plane, to := c/simd.Lanes, c%simd.Lanes
	if runs := r.runs[plane]; len(runs) > 0 {
		if last := &runs[len(runs)-1]; last.from+last.n == from {
			last.n++
			return
		}
	}
	r.runs[plane] = append(r.runs[plane], lanes{from, to, 1})
}

// positions returns the position of each channel in a pixel, across planes.
func (t *tensor) positions() []int {
	at := make([]int, t.shape.C)
	for i := range t.count() * simd.Lanes {
		if c := t.holds(i); c >= 0 {
			at[c] = i
		}
	}
	return at
}

func (r *rearrange) parts(int) int { return r.y.count() }

func (r *rearrange) run(arena []float32, _ *scratch, plane, _ int) {
	x, w := arena[r.base:], r.y.w
	for y := range r.y.h {
		line := r.y.line(arena, plane, y)
		pixels := r.pixels[y*w:][:w]
		switch runs := r.runs[plane]; {
		case r.places != nil:
			for i, at := range r.places[(plane*r.y.h+y)*w*simd.Lanes:][:w*simd.Lanes] {
				line[i] = x[at]
			}
			r.y.clearEmpty(line, plane)
		case len(runs) == 1 && runs[0].n == simd.Lanes:
			for i, at := range pixels {
				*(*[simd.Lanes]float32)(line[i*simd.Lanes:]) = *(*[simd.Lanes]float32)(x[int(at)+runs[0].from:])
			}
		default:
			clear(line)
			for _, run := range runs {
				for i, at := range pixels {
					copy(line[i*simd.Lanes+run.to:][:run.n], x[int(at)+run.from:])
				}
			}
		}
	}
	r.y.clearBorder(arena, plane)
}
