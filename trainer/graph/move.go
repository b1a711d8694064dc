package graph

import (
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
)

// copyChannels copies n channels of a pixel of u, from channel first on, to a pixel of v,
// from channel on. from and to are the offsets of the pixels in their images' first plane.
func copyChannels(dst []float32, to int, v *value, channel int, src []float32, from int, u *value, first, n int) {
	if channel%simd.Lanes == 0 && first%simd.Lanes == 0 {
		for c := 0; c < n; c += simd.Lanes {
			a := dst[to+(channel+c)/simd.Lanes*v.plane():]
			b := src[from+(first+c)/simd.Lanes*u.plane():]
			copy(a[:min(simd.Lanes, n-c)], b)
		}
		return
	}
	for c := range n {
		i, j := channel+c, first+c
		dst[to+i/simd.Lanes*v.plane()+i%simd.Lanes] = src[from+j/simd.Lanes*u.plane()+j%simd.Lanes]
	}
}

// pixels calls f in parallel for every pixel p of every image of v.
func (t *tape) pixels(v *value, f func(image, p int)) {
	parts, bounds := split(v.shape.H*v.shape.W, 256)
	t.run(v.images*parts, func(_ *worker, part int) {
		first, end := bounds(part % parts)
		for p := first; p < end; p++ {
			f(part/parts, p)
		}
	})
}

// concatLayer concatenates inputs along channels.
type concatLayer struct {
	node *nn.Node
	y    *value
}

func (l *concatLayer) forward(t *tape, in []*value) *value {
	l.y = t.like(l.node.Shape)
	values := in
	return t.apply("joining", l.y, in, func(out []float32, in [][]float32) {
		t.clearRest(out, l.y)
		t.pixels(l.y, func(image, p int) {
			to, p := image*l.y.image()+p*simd.Lanes, p*simd.Lanes
			channel := 0
			for i, v := range values {
				copyChannels(out, to, l.y, channel, in[i], image*v.image()+p, v, 0, v.shape.C)
				channel += v.shape.C
			}
		})
	})
}

// clearRest clears the last plane of each image if not all of its channels are used.
func (t *tape) clearRest(x []float32, v *value) {
	if v.shape.C%simd.Lanes == 0 {
		return
	}
	for i := range v.images {
		clear(x[(i+1)*v.image()-v.plane() : (i+1)*v.image()])
	}
}

func (l *concatLayer) backward(t *tape, dy *value) {
	from := 0
	for _, n := range l.node.In {
		first, v := from, t.like(n.Shape)
		from += n.Shape.C
		if !t.needs[n.ID] {
			continue
		}
		t.give(n, t.apply("gradient of an input of", v, []*value{dy}, func(out []float32, in [][]float32) {
			t.clearRest(out, v)
			t.pixels(v, func(image, p int) {
				p *= simd.Lanes
				copyChannels(out, image*v.image()+p, v, 0, in[0], image*l.y.image()+p, l.y, first, v.shape.C)
			})
		}))
	}
}

// moveLayer copies pixels: Pad, Subsample and PadChannels.
type moveLayer struct {
	node *nn.Node
	x, y *value
}

// each calls f in parallel for every output pixel that is a copy of an input pixel, with
// the offsets of both in their first plane.
func (l *moveLayer) each(t *tape, f func(out, in int)) {
	n := l.node
	stride := n.Stride
	if n.Op != nn.Subsample {
		stride = nn.Square(1)
	}
	t.pixels(l.y, func(image, p int) {
		iy, ix := p/n.Shape.W*stride.H-n.Border.Top, p%n.Shape.W*stride.W-n.Border.Left
		if iy >= 0 && iy < l.x.shape.H && ix >= 0 && ix < l.x.shape.W {
			f(image*l.y.image()+p*simd.Lanes, image*l.x.image()+(iy*l.x.shape.W+ix)*simd.Lanes)
		}
	})
}

func (l *moveLayer) forward(t *tape, in []*value) *value {
	l.x, l.y = in[0], t.like(l.node.Shape)
	return t.apply("moving", l.y, in, func(out []float32, in [][]float32) {
		clear(out)
		l.each(t, func(to, from int) {
			copyChannels(out, to, l.y, l.node.Channels[0], in[0], from, l.x, 0, l.x.shape.C)
		})
	})
}

func (l *moveLayer) backward(t *tape, dy *value) {
	t.give(l.node.In[0], t.apply("gradient of", t.like(l.x.shape), []*value{dy}, func(dx []float32, in [][]float32) {
		clear(dx)
		l.each(t, func(from, to int) {
			copyChannels(dx, to, l.x, 0, in[0], from, l.y, l.node.Channels[0], l.x.shape.C)
		})
	}))
}
