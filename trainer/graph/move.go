package graph

import "github.com/deploy-kernel/deploy-kernel/runtime/nn"

// concatLayer joins inputs along channels.
type concatLayer struct {
	node *nn.Node
	y    *value
}

func (l *concatLayer) forward(t *tape, in []*value) *value {
	l.y = t.like(l.node.Shape)
	values := in
	return t.apply("joining", l.y, in, func(out []float32, in [][]float32) {
		t.pixels(l.y, func(p int) {
			dst := out[p*l.y.pixel:][:l.y.pixel]
			for i, v := range values {
				copy(dst, in[i][p*v.pixel:][:v.shape.C])
				dst = dst[v.shape.C:]
			}
			clear(dst)
		})
	})
}

func (l *concatLayer) backward(t *tape, dy *value) {
	from := 0
	for _, n := range l.node.In {
		at, v := from, t.like(n.Shape)
		from += n.Shape.C
		if !t.needs[n.ID] {
			continue
		}
		t.give(n, t.apply("gradient of an input of", v, []*value{dy}, func(out []float32, in [][]float32) {
			t.pixels(v, func(p int) {
				dst := out[p*v.pixel:][:v.pixel]
				clear(dst[copy(dst, in[0][p*l.y.pixel+at:][:n.Shape.C]):])
			})
		}))
	}
}

// moveLayer moves pixels: Pad, Subsample and PadChannels.
type moveLayer struct {
	node *nn.Node
	x, y *value
}

// each calls f for every output pixel with the input pixel that it is a copy
// of; -1 where it is zero.
func (l *moveLayer) each(t *tape, f func(out, in int)) {
	n := l.node
	stride := n.Stride
	if n.Op != nn.Subsample {
		stride = nn.Square(1)
	}
	t.pixels(l.y, func(p int) {
		image, y, x := p/(n.Shape.H*n.Shape.W), p/n.Shape.W%n.Shape.H, p%n.Shape.W
		iy, ix := y*stride.H-n.Border.Top, x*stride.W-n.Border.Left
		if iy < 0 || iy >= l.x.shape.H || ix < 0 || ix >= l.x.shape.W {
			f(p, -1)
			return
		}
		f(p, (image*l.x.shape.H+iy)*l.x.shape.W+ix)
	})
}

func (l *moveLayer) forward(t *tape, in []*value) *value {
	l.x, l.y = in[0], t.like(l.node.Shape)
	return t.apply("moving", l.y, in, func(out []float32, in [][]float32) {
		l.each(t, func(p, q int) {
			dst := out[p*l.y.pixel:][:l.y.pixel]
			clear(dst)
			if q >= 0 {
				copy(dst[l.node.Channels[0]:], in[0][q*l.x.pixel:][:l.x.shape.C])
			}
		})
	})
}

func (l *moveLayer) backward(t *tape, dy *value) {
	t.give(l.node.In[0], t.apply("gradient of", t.like(l.x.shape), []*value{dy}, func(dx []float32, in [][]float32) {
		clear(dx)
		l.each(t, func(p, q int) {
			if q >= 0 {
				copy(dx[q*l.x.pixel:][:l.x.shape.C], in[0][p*l.y.pixel+l.node.Channels[0]:])
			}
		})
	}))
}
