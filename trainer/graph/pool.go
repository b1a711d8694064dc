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
	px := l.y.pixel
	zero := make([]float32, px)
	out := l.y.shape
	return t.apply("pooling", l.y, in, func(y []float32, in [][]float32) {
		t.run(t.n*out.H, func(_ *worker, i int) {
			x := in[0][i/out.H*l.x.image():]
			for ox := range out.W {
				dst := y[(i*out.W+ox)*px:][:px]
				top, left, bottom, right, count := l.window(i%out.H, ox)
				copy(dst, x[(top*l.x.shape.W+left)*px:])
				for iy := top; iy < bottom; iy++ {
					for ix := left; ix < right; ix++ {
						src := x[(iy*l.x.shape.W+ix)*px:][:px]
						switch {
						case iy == top && ix == left:
						case l.node.Op == nn.MaxPool:
							t.Max(dst, src)
						default:
							t.AddScaled(dst, dst, src, 1, kernel.None)
						}
					}
				}
				if l.node.Op == nn.AvgPool {
					t.AddScaled(dst, zero, dst, 1/float32(count), kernel.None)
				}
			}
		})
	})
}

// backward hands a window's gradient to its largest value, the first where
// several are, or evenly to all. Windows overlap, so an image is one part.
func (l *poolLayer) backward(t *tape, dy *value) {
	px, out := l.y.pixel, l.y.shape
	t.give(l.node.In[0], t.apply("gradient of", t.like(l.x.shape), []*value{dy, l.x, l.y}, func(dx []float32, in [][]float32) {
		const channels = 64 // of a part
		groups, bounds := split(px, channels)
		t.run(t.n*groups, func(w *worker, i int) {
			from, to := bounds(i % groups)
			image := i / groups
			size := l.x.image()
			x, dx := in[1][image*size:][:size], dx[image*size:][:size]
			for p := from; p < size; p += px {
				clear(dx[p:][:to-from])
			}
			rest := w.take(to - from)[:to-from]
			for oy := range out.H {
				for ox := range out.W {
					at := ((image*out.H+oy)*out.W+ox)*px + from
					d, y := in[0][at:][:to-from], in[2][at:][:to-from]
					top, left, bottom, right, count := l.window(oy, ox)
					copy(rest, d)
					for iy := top; iy < bottom; iy++ {
						for ix := left; ix < right; ix++ {
							at := (iy*l.x.shape.W+ix)*px + from
							to := dx[at:][:len(d)]
							if l.node.Op == nn.MaxPool {
								t.training.Winner(to, rest, x[at:][:len(d)], y)
							} else {
								t.AddScaled(to, to, d, 1/float32(count), kernel.None)
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
	px, pixels := l.x.pixel, l.x.shape.H*l.x.shape.W
	return t.apply("pooling", l.y, in, func(y []float32, in [][]float32) {
		t.run(t.n, func(w *worker, i int) {
			x, dst := in[0][i*pixels*px:][:pixels*px], y[i*px:][:px]
			if l.node.Op == nn.GlobalMaxPool {
				copy(dst, x)
				for p := range pixels {
					t.Max(dst, x[p*px:][:px])
				}
				return
			}
			// Each row of pixels is summed first, which keeps the error of the
			// long sums small.
			sum, row := w.take(px)[:px], w.take(px)[:px]
			clear(sum)
			for r := range l.x.shape.H {
				clear(row)
				t.training.SumRows(row, x[r*l.x.shape.W*px:][:l.x.shape.W*px])
				t.AddScaled(sum, sum, row, 1, kernel.None)
			}
			for c, v := range sum {
				dst[c] = v / float32(pixels)
			}
		})
	})
}

func (l *globalLayer) backward(t *tape, dy *value) {
	n := l.node.In[0]
	px, pixels := l.x.pixel, l.x.shape.H*l.x.shape.W
	in := []*value{dy, l.x, l.y}
	if l.node.Op == nn.GlobalAvgPool {
		in = in[:1]
	}
	old := t.pending(n)
	out := t.like(l.x.shape)
	if old != nil {
		out, in = t.over(old), append(in, old)
	}
	t.give(n, t.apply("gradient of", out, in, func(dx []float32, in [][]float32) {
		t.run(t.n, func(w *worker, i int) {
			dx := dx[i*pixels*px:][:pixels*px]
			rest := w.take(px)[:px]
			copy(rest, in[0][i*px:])
			if old == nil {
				clear(dx)
			}
			for p := range pixels {
				to := dx[p*px:][:px]
				if l.node.Op == nn.GlobalAvgPool {
					t.AddScaled(to, to, rest, 1/float32(pixels), kernel.None)
				} else {
					t.training.Winner(to, rest, in[1][(i*pixels+p)*px:][:px], in[2][i*px:][:px])
				}
			}
		})
	}))
}

// channelLayer is the mean or maximum over channels.
type channelLayer struct {
	node *nn.Node
	x, y *value
}

func (l *channelLayer) forward(t *tape, in []*value) *value {
	l.x, l.y = in[0], t.like(l.node.Shape)
	px, channels := l.x.pixel, l.x.shape.C
	return t.apply("pooling", l.y, in, func(y []float32, in [][]float32) {
		clear(y)
		t.pixels(l.x, func(p int) {
			best, sum := float32(math.Inf(-1)), float32(0)
			for _, v := range in[0][p*px:][:channels] {
				best = max(best, v)
				sum += v
			}
			if l.node.Op == nn.ChannelMean {
				best = sum / float32(channels)
			}
			y[p*l.y.pixel] = best
		})
	})
}

func (l *channelLayer) backward(t *tape, dy *value) {
	px, channels := l.x.pixel, l.x.shape.C
	t.give(l.node.In[0], t.apply("gradient of", t.like(l.x.shape), []*value{dy, l.x, l.y}, func(dx []float32, in [][]float32) {
		t.pixels(l.x, func(p int) {
			d, y := in[0][p*l.y.pixel], in[2][p*l.y.pixel]
			dx := dx[p*px:][:px]
			clear(dx)
			for c, v := range in[1][p*px:][:channels] {
				if l.node.Op == nn.ChannelMean {
					dx[c] = d / float32(channels)
				} else if v == y {
					dx[c] = d
					break
				}
			}
		})
	}))
}

// pixels calls f for every pixel of a value.
func (t *tape) pixels(v *value, f func(p int)) {
	parts, bounds := split(v.pixels(), 256)
	t.run(parts, func(_ *worker, part int) {
		first, end := bounds(part)
		for p := first; p < end; p++ {
			f(p)
		}
	})
}
