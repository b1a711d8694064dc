package graph

import (
	"math"

	"github.com/deploy-kernel/deploy-kernel/runtime/kernel"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

// poolLayer is a maximum or mean over windows, as torch.nn.MaxPool2d and
// AvgPool2d.
type poolLayer struct {
	node *nn.Node
	x, y *value
}

// window returns the input pixels of an output pixel's window, and what a mean
// divides by: it counts the padding where CountIncludePad says so, but never
// what hangs over the padded input in ceil mode.
func (l *poolLayer) window(oy, ox int) (top, left, bottom, right, count int) {
	n, in := l.node, l.x.shape
	top, left = oy*n.Stride.H-n.Pad.H, ox*n.Stride.W-n.Pad.W
	bottom, right = min(top+n.Kernel.H, in.H+n.Pad.H), min(left+n.Kernel.W, in.W+n.Pad.W)
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
	row := l.x.shape.W * kernel.Lanes
	return t.apply("pooling", l.y, in, func(y []float32, in [][]float32) {
		t.planes(l.y, func(_ *worker, image, plane, to int) {
			x := in[0][image*l.x.image()+plane*l.x.plane():]
			for oy := range l.y.shape.H {
				for ox := range l.y.shape.W {
					dst := y[to:][:kernel.Lanes]
					to += kernel.Lanes
					top, left, bottom, right, count := l.window(oy, ox)
					copy(dst, x[top*row+left*kernel.Lanes:])
					for iy := top; iy < bottom; iy++ {
						from := left
						if iy == top {
							from++
						}
						if from >= right {
							continue
						}
						line := x[iy*row+from*kernel.Lanes : iy*row+right*kernel.Lanes]
						if l.node.Op == nn.MaxPool {
							t.Peak(dst, line)
						} else {
							t.Sum(dst, line)
						}
					}
					if l.node.Op == nn.AvgPool {
						t.AddScaled(dst, zero[:], dst, 1/float32(count), kernel.None)
					}
				}
			}
		})
	})
}

// backward hands a window's gradient to its largest value, the first where
// several are, or evenly to all. Windows overlap, so a plane is one part.
func (l *poolLayer) backward(t *tape, dy *value) {
	row := l.x.shape.W * kernel.Lanes
	t.give(l.node.In[0], t.apply("gradient of", t.like(l.x.shape), []*value{dy, l.x, l.y}, func(dx []float32, in [][]float32) {
		t.planes(l.y, func(w *worker, image, plane, from int) {
			at := image*l.x.image() + plane*l.x.plane()
			x, dx := in[1][at:][:l.x.plane()], dx[at:][:l.x.plane()]
			clear(dx)
			rest := &w.sums[0]
			for oy := range l.y.shape.H {
				for ox := range l.y.shape.W {
					d, y := in[0][from:][:kernel.Lanes], in[2][from:][:kernel.Lanes]
					from += kernel.Lanes
					top, left, bottom, right, count := l.window(oy, ox)
					copy(rest[:], d)
					for iy := top; iy < bottom; iy++ {
						for ix := left; ix < right; ix++ {
							to := iy*row + ix*kernel.Lanes
							if l.node.Op == nn.MaxPool {
								t.training.Winner(dx[to:][:kernel.Lanes], rest[:], x[to:][:kernel.Lanes], y)
							} else {
								t.AddScaled(dx[to:][:kernel.Lanes], dx[to:], d, 1/float32(count), kernel.None)
							}
						}
					}
				}
			}
		})
	}))
}

// globalLayer is the mean or maximum over all pixels.
type globalLayer struct {
	node *nn.Node
	x, y *value
}

func (l *globalLayer) forward(t *tape, in []*value) *value {
	l.x, l.y = in[0], t.like(l.node.Shape)
	return t.apply("pooling", l.y, in, func(y []float32, in [][]float32) {
		t.planes(l.x, func(w *worker, image, plane, from int) {
			x, dst := in[0][from:][:l.x.plane()], y[image*l.y.image()+plane*kernel.Lanes:][:kernel.Lanes]
			if l.node.Op == nn.GlobalMaxPool {
				copy(dst, x)
				t.Peak(dst, x)
				return
			}
			var sum [kernel.Lanes]float64
			for p := 0; p < len(x); p += sumPixels * kernel.Lanes {
				part := &w.sums[0]
				*part = lane{}
				t.Sum(part[:], x[p:min(p+sumPixels*kernel.Lanes, len(x))])
				for c, v := range part {
					sum[c] += float64(v)
				}
			}
			for c, v := range sum {
				dst[c] = float32(v / float64(len(x)/kernel.Lanes))
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
			*rest = *at(in[0], image*l.y.image()+plane*kernel.Lanes)
			if l.node.Op == nn.GlobalAvgPool {
				t.AddScaled(rest[:], zero[:], rest[:], 1/float32(l.x.shape.H*l.x.shape.W), kernel.None)
				t.Scale(dx, dx, ones[:], rest[:], kernel.None)
				return
			}
			y := in[2][image*l.y.image()+plane*kernel.Lanes:][:kernel.Lanes]
			for p := 0; p < len(dx); p += kernel.Lanes {
				t.training.Winner(dx[p:][:kernel.Lanes], rest[:], in[1][to+p:][:kernel.Lanes], y)
			}
		})
	}))
}

// channelLayer is the mean or maximum over channels.
type channelLayer struct {
	node *nn.Node
	x, y *value
}

// pixels calls f for every pixel of x: it begins at x, its first plane, and at
// y in the output.
func (l *channelLayer) pixels(t *tape, f func(x, y int)) {
	const some = 64
	pixels := l.x.shape.H * l.x.shape.W
	parts, bounds := split(pixels, some)
	t.run(l.x.n*parts, func(_ *worker, i int) {
		image := i / parts
		first, end := bounds(i % parts)
		for p := first; p < end; p++ {
			f(image*l.x.image()+p*kernel.Lanes, image*l.y.image()+p*kernel.Lanes)
		}
	})
}

func (l *channelLayer) forward(t *tape, in []*value) *value {
	l.x, l.y = in[0], t.like(l.node.Shape)
	channels := l.x.shape.C
	return t.apply("pooling", l.y, in, func(out []float32, in [][]float32) {
		l.pixels(t, func(x, y int) {
			best, sum := float32(math.Inf(-1)), float32(0)
			for c := 0; c < channels; c += kernel.Lanes {
				for _, v := range in[0][x+c/kernel.Lanes*l.x.plane():][:min(kernel.Lanes, channels-c)] {
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
			for c := 0; c < channels; c += kernel.Lanes {
				from := x + c/kernel.Lanes*l.x.plane()
				var px lane
				for i := range min(kernel.Lanes, channels-c) {
					if l.node.Op == nn.ChannelMean {
						px[i] = d
					} else if in[1][from+i] == peak {
						px[i] = d
						d = 0 // the first of several takes it
					}
				}
				*at(dx, from) = px
			}
		})
	}))
}
