package graph

import (
	"math"

	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
)

// poolLayer is the maximum or mean over windows, as torch.nn.MaxPool2d and AvgPool2d.
type poolLayer struct {
	node *nn.Node
	x, y *value
}

// window returns the input pixels of an output pixel's window, and the divisor of a mean.
// The divisor counts padding if CountIncludePad is set, but never the part of a window
// beyond the padded input in ceil mode.
func (l *poolLayer) window(oy, ox int) (top, left, bottom, right, count int) {
	n, in := l.node, l.x.shape
	top, left = oy*n.Stride.H-n.Pad.H, ox*n.Stride.W-n.Pad.W
	bottom, right = min(top+n.Window.H, in.H+n.Pad.H), min(left+n.Window.W, in.W+n.Pad.W)
	count = (bottom - top) * (right - left)
	top, left, bottom, right = max(top, 0), max(left, 0), min(bottom, in.H), min(right, in.W)
	if !n.CountIncludePad {
		count = (bottom - top) * (right - left)
	}
	return top, left, bottom, right, count
}

func (l *poolLayer) forward(t *tape, in []*value) *value {
	l.x, l.y = in[0], t.like(l.node.Shape)
	var zero lane
	row := l.x.shape.W * simd.Lanes
	return t.apply("pooling", l.y, in, func(y []float32, in [][]float32) {
		t.planes(l.y, func(_ *worker, image, plane, to int) {
			x := in[0][image*l.x.image()+plane*l.x.plane():]
			for oy := range l.y.shape.H {
				for ox := range l.y.shape.W {
					dst := y[to:][:simd.Lanes]
					to += simd.Lanes
					top, left, bottom, right, count := l.window(oy, ox)
					copy(dst, x[top*row+left*simd.Lanes:])
					for iy := top; iy < bottom; iy++ {
						from := left
						if iy == top {
							from++
						}
						if from >= right {
							continue
						}
						line := x[iy*row+from*simd.Lanes : iy*row+right*simd.Lanes]
						if l.node.Op == nn.MaxPool {
							t.Peak(dst, line)
						} else {
							t.Sum(dst, line)
						}
					}
					if l.node.Op == nn.AvgPool {
						t.AddScaled(dst, zero[:], dst, 1/float32(count), simd.None)
					}
				}
			}
		})
	})
}

// backward adds the gradient of a window to its largest value, the first of equal ones, or
// for a mean evenly to all. Windows overlap, so one worker computes a whole plane.
func (l *poolLayer) backward(t *tape, dy *value) {
	row := l.x.shape.W * simd.Lanes
	t.give(l.node.In[0], t.apply("gradient of", t.like(l.x.shape), []*value{dy, l.x, l.y}, func(dx []float32, in [][]float32) {
		t.planes(l.y, func(w *worker, image, plane, from int) {
			at := image*l.x.image() + plane*l.x.plane()
			x, dx := in[1][at:][:l.x.plane()], dx[at:][:l.x.plane()]
			clear(dx)
			rest := &w.sums[0]
			for oy := range l.y.shape.H {
				for ox := range l.y.shape.W {
					d, y := in[0][from:][:simd.Lanes], in[2][from:][:simd.Lanes]
					from += simd.Lanes
					top, left, bottom, right, count := l.window(oy, ox)
					copy(rest[:], d)
					for iy := top; iy < bottom; iy++ {
						for ix := left; ix < right; ix++ {
							to := iy*row + ix*simd.Lanes
							if l.node.Op == nn.MaxPool {
								t.training.Winner(dx[to:][:simd.Lanes], rest[:], x[to:][:simd.Lanes], y)
							} else {
								t.AddScaled(dx[to:][:simd.Lanes], dx[to:], d, 1/float32(count), simd.None)
							}
						}
					}
				}
			}
		})
	}))
}

// globalLayer is the mean or maximum over all pixels of each channel.
type globalLayer struct {
	node *nn.Node
	x, y *value
}

func (l *globalLayer) forward(t *tape, in []*value) *value {
	l.x, l.y = in[0], t.like(l.node.Shape)
	return t.apply("pooling", l.y, in, func(y []float32, in [][]float32) {
		t.planes(l.x, func(w *worker, image, plane, from int) {
			x, dst := in[0][from:][:l.x.plane()], y[image*l.y.image()+plane*simd.Lanes:][:simd.Lanes]
			if l.node.Op == nn.GlobalMaxPool {
				copy(dst, x)
				t.Peak(dst, x)
				return
			}
			var sum [simd.Lanes]float64
			for p := 0; p < len(x); p += sumPixels * simd.Lanes {
				part := &w.sums[0]
				*part = lane{}
				t.Sum(part[:], x[p:min(p+sumPixels*simd.Lanes, len(x))])
				for c, v := range part {
					sum[c] += float64(v)
				}
			}
			for c, v := range sum {
				dst[c] = float32(v / float64(len(x)/simd.Lanes))
			}
		})
	})
}

func (l *globalLayer) backward(t *tape, dy *value) {
	n := l.node.In[0]
	in := []*value{dy, l.x, l.y}
	if l.node.Op == nn.GlobalAvgPool {
		in = in[:1]
	}
	old := t.pending(n)
	out := t.like(l.x.shape)
	if old != nil {
		out, in = t.over(old), append(in, old)
	}
	var ones, zero lane
	for i := range ones {
		ones[i] = 1
	}
	t.give(n, t.apply("gradient of", out, in, func(dx []float32, in [][]float32) {
		t.planes(l.x, func(w *worker, image, plane, to int) {
			dx := dx[to:][:l.x.plane()]
			if old == nil {
				clear(dx)
			}
			rest := &w.sums[0]
			*rest = *at(in[0], image*l.y.image()+plane*simd.Lanes)
			if l.node.Op == nn.GlobalAvgPool {
				t.AddScaled(rest[:], zero[:], rest[:], 1/float32(l.x.shape.H*l.x.shape.W), simd.None)
				t.Scale(dx, dx, ones[:], rest[:], simd.None)
				return
			}
			y := in[2][image*l.y.image()+plane*simd.Lanes:][:simd.Lanes]
			for p := 0; p < len(dx); p += simd.Lanes {
				t.training.Winner(dx[p:][:simd.Lanes], rest[:], in[1][to+p:][:simd.Lanes], y)
			}
		})
	}))
}

// channelLayer is the mean or maximum over the channels of each pixel.
type channelLayer struct {
	node *nn.Node
	x, y *value
}

// pixels calls f in parallel for every pixel, with its offsets in the first plane of the
// input and in the output.
func (l *channelLayer) pixels(t *tape, f func(x, y int)) {
	const some = 64
	pixels := l.x.shape.H * l.x.shape.W
	parts, bounds := split(pixels, some)
	t.run(l.x.images*parts, func(_ *worker, i int) {
		image := i / parts
		first, end := bounds(i % parts)
		for p := first; p < end; p++ {
			f(image*l.x.image()+p*simd.Lanes, image*l.y.image()+p*simd.Lanes)
		}
	})
}

func (l *channelLayer) forward(t *tape, in []*value) *value {
	l.x, l.y = in[0], t.like(l.node.Shape)
	channels := l.x.shape.C
	return t.apply("pooling", l.y, in, func(out []float32, in [][]float32) {
		l.pixels(t, func(x, y int) {
			best, sum := float32(math.Inf(-1)), float32(0)
			for c := 0; c < channels; c += simd.Lanes {
				for _, v := range in[0][x+c/simd.Lanes*l.x.plane():][:min(simd.Lanes, channels-c)] {
					best = max(best, v)
					sum += v
				}
			}
			if l.node.Op == nn.ChannelMean {
				best = sum / float32(channels)
			}
			*at(out, y) = lane{best}
		})
	})
}

func (l *channelLayer) backward(t *tape, dy *value) {
	channels := l.x.shape.C
	t.give(l.node.In[0], t.apply("gradient of", t.like(l.x.shape), []*value{dy, l.x, l.y}, func(dx []float32, in [][]float32) {
		l.pixels(t, func(x, y int) {
			d, peak := in[0][y], in[2][y]
			if l.node.Op == nn.ChannelMean {
				d /= float32(channels)
			}
			for c := 0; c < channels; c += simd.Lanes {
				from := x + c/simd.Lanes*l.x.plane()
				var px lane
				for i := range min(simd.Lanes, channels-c) {
					if l.node.Op == nn.ChannelMean {
						px[i] = d
					} else if in[1][from+i] == peak {
						px[i] = d
						d = 0 // the first of equal maxima takes it all
					}
				}
				*at(dx, from) = px
			}
		})
	}))
}
