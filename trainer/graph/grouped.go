package graph

import (
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
	"github.com/deploy-kernel/deploy-kernel/trainer/internal/routines"
)

// groupedConv is a grouped convolution whose groups lie inside of a plane: a depthwise
// convolution, or groups of 4, 8 or 16 channels with windows three columns wide. With
// backward it computes the gradient of the input: a convolution of the output's gradient,
// with its pixels spread stride apart.
type groupedConv struct {
	*crew
	src, dst *value
	window   nn.HW
	channels int // of a group; 1 for depthwise convolutions
	stride   int
	apart    int // distance at which the source's pixels are spread
	pad      nn.HW
	backward bool
	rows     int // of a band
	bands    int
	height   int // of a band's copy
	width    int
}

// isGrouped reports whether the SIMD routines compute a convolution as a groupedConv.
func isGrouped(n *nn.Node) bool {
	if n.Op != nn.Conv || n.Groups == 1 || n.Stride.H != n.Stride.W || n.Stride.H > 2 || n.Shape.C != n.In[0].Shape.C {
		return false
	}
	switch n.Shape.C / n.Groups {
	case 1:
		return true
	case 4, 8, 16:
		return n.Window.W == 3 && n.Shape.C%simd.Lanes == 0
	}
	return false
}

func newGroupedConv(c *crew, n *nn.Node, src, dst *value, backward bool) *groupedConv {
	s := &groupedConv{
		crew: c, src: src, dst: dst, window: n.Window, channels: n.Shape.C / n.Groups,
		stride: n.Stride.H, apart: 1, pad: n.Pad, backward: backward,
	}
	if backward {
		s.stride, s.apart = 1, n.Stride.H
		s.pad = nn.HW{H: n.Window.H - 1 - n.Pad.H, W: n.Window.W - 1 - n.Pad.W}
	}
	s.width = (dst.shape.W-1)*s.stride + s.window.W
	const floats = 1 << 15 // of a band's copy, to fit the second-level cache
	s.rows = max(1, min(dst.shape.H, (floats/(s.width*simd.Lanes)-s.window.H)/s.stride+1))
	s.bands = (dst.shape.H + s.rows - 1) / s.rows
	s.height = (s.rows-1)*s.stride + s.window.H
	return s
}

// run sets dst, or adds to it with accumulate.
func (s *groupedConv) run(dst, src, w, bias []float32, accumulate bool) {
	packed := s.pack(w)
	per := len(packed) / s.dst.planes()
	line := s.dst.shape.W * simd.Lanes
	s.crew.run(s.dst.images*s.dst.planes()*s.bands, func(wk *worker, i int) {
		plane := i / s.bands
		first := i % s.bands * s.rows
		end := min(first+s.rows, s.dst.shape.H)
		x := wk.take(s.height * s.width * simd.Lanes)
		s.copy(x, src[plane*s.src.plane():][:s.src.plane()], first, end)
		c := plane % s.dst.planes()
		weights, b := packed[c*per:][:per], bias[c*simd.Lanes:][:simd.Lanes]
		extra := wk.take(line)
		for r := first; r < end; r++ {
			y := dst[plane*s.dst.plane()+r*line:][:line]
			to := y
			if accumulate {
				to = extra
			}
			s.row(wk, to, x[(r-first)*s.stride*s.width*simd.Lanes:], weights, b)
			if accumulate {
				s.AddScaled(y, y, extra, 1, simd.None)
			}
		}
	})
}

// row computes a row of a plane from the copied pixels x.
func (s *groupedConv) row(wk *worker, y, x, w, bias []float32) {
	if s.channels == 1 {
		j := &wk.windows
		j.X, j.Y, j.W, j.Bias = x, y, w, bias
		j.Row, j.Rows, j.Cols, j.Pixels = s.width*simd.Lanes, s.window.H, s.window.W, s.dst.shape.W
		j.Stride, j.Floor = s.stride, simd.None
		s.Depthwise(j)
		return
	}
	j := &wk.grouped
	j.X, j.Y, j.W, j.Bias = x, y, w, bias
	j.Row, j.Rows, j.Channels, j.Pixels = s.width*simd.Lanes, s.window.H, s.channels, s.dst.shape.W
	j.Stride, j.Floor = s.stride, simd.None
	s.Grouped(j)
}

// copy writes the source pixels that rows first to end-1 read to to, padded with zeros and
// spread apart.
func (s *groupedConv) copy(to, plane []float32, first, end int) {
	rows := (end-first-1)*s.stride + s.window.H
	line := s.width * simd.Lanes
	if s.apart > 1 {
		clear(to[:rows*line])
	}
	for r := range rows {
		dst := to[r*line:][:line]
		v := first*s.stride - s.pad.H + r
		y := v / s.apart
		if v < 0 || v%s.apart != 0 || y >= s.src.shape.H {
			clear(dst)
			continue
		}
		from := plane[y*s.src.shape.W*simd.Lanes:][:s.src.shape.W*simd.Lanes]
		if s.apart > 1 {
			for x := range s.src.shape.W {
				if q := x*s.apart + s.pad.W; q >= 0 && q < s.width {
					*at(dst, q*simd.Lanes) = *at(from, x*simd.Lanes)
				}
			}
			continue
		}
		// The gradient of a convolution whose padding exceeds its window has a negative
		// padding, which crops.
		left := max(s.pad.W, 0)
		cut := min(max(-s.pad.W, 0), s.src.shape.W)
		clear(dst[:min(left*simd.Lanes, line)])
		n := copy(dst[min(left*simd.Lanes, line):], from[cut*simd.Lanes:])
		clear(dst[min(left*simd.Lanes+n, line):])
	}
}

// pack copies the weights, (channels, channels of a group, taps), into the layout of the
// SIMD routines: [plane][row][input][column][lane]. For the gradient it reverses the taps
// and exchanges inputs and outputs.
func (s *groupedConv) pack(w []float32) []float32 {
	taps := s.window.H * s.window.W
	packed := s.common(s.dst.planes() * taps * s.channels * simd.Lanes)
	clear(packed)
	for c := range s.dst.shape.C {
		plane := packed[c/simd.Lanes*taps*s.channels*simd.Lanes:]
		for i := range s.channels {
			from := w[(c*s.channels+i)*taps:][:taps]
			if s.backward {
				from = w[((c/s.channels*s.channels+i)*s.channels+c%s.channels)*taps:][:taps]
			}
			for t, v := range from {
				if s.backward {
					t = taps - 1 - t
				}
				plane[((t/s.window.W*s.channels+i)*s.window.W+t%s.window.W)*simd.Lanes+c%simd.Lanes] = v
			}
		}
	}
	return packed
}

// groupedGrad computes the gradient of the weights of a groupedConv.
type groupedGrad struct {
	*groupedConv
}

func newGroupedGrad(c *crew, n *nn.Node, x, dy *value) *groupedGrad {
	return &groupedGrad{newGroupedConv(c, n, x, dy, false)}
}

// run adds the gradient to dw, (channels, channels of a group, taps). It sums each band of
// each image separately, so that the result does not depend on the number of threads.
func (s *groupedGrad) run(dw, x, dy []float32) {
	taps := s.window.H * s.window.W
	per := taps * s.channels * simd.Lanes
	line := s.dst.shape.W * simd.Lanes
	parts := s.dst.images * s.dst.planes() * s.bands
	sums := s.common(parts * per)
	s.crew.run(parts, func(wk *worker, i int) {
		plane := i / s.bands
		first := i % s.bands * s.rows
		end := min(first+s.rows, s.dst.shape.H)
		from := wk.take(s.height * s.width * simd.Lanes)
		s.copy(from, x[plane*s.src.plane():][:s.src.plane()], first, end)
		sum := sums[i*per:][:per]
		clear(sum)
		wk.grad = routines.GroupedGrad{
			X: from, Y: dy[plane*s.dst.plane()+first*line:], W: sum, XRow: s.width * simd.Lanes, Lines: end - first,
			Pixels: s.dst.shape.W, Rows: s.window.H, Cols: s.window.W, Channels: s.channels, Stride: s.stride,
		}
		s.training.GroupedGrad(&wk.grad)
	})
	for i := range s.dst.images * s.bands {
		image, band := i/s.bands, i%s.bands
		for c := range s.dst.shape.C {
			sum := sums[((image*s.dst.planes()+c/simd.Lanes)*s.bands+band)*per:]
			for j := range s.channels {
				for t := range taps {
					dw[(c*s.channels+j)*taps+t] += sum[((t/s.window.W*s.channels+j)*s.window.W+t%s.window.W)*simd.Lanes+c%simd.Lanes]
				}
			}
		}
	}
}
