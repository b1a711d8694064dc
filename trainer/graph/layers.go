package graph

import (
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
)

// layer adds the operations of a node to a tape.
type layer interface {
	// forward adds the operations that compute the node's output.
	forward(t *tape, in []*value) *value
	// backward adds the operations that compute gradients from the gradient of the
	// output, dy. It gives the inputs that need one their gradient.
	backward(t *tape, dy *value)
}

// lower adds the forward half of the tape and returns the layers by node.
func (t *tape) lower(g *nn.Graph) []layer {
	users := make([]int, len(g.Nodes))
	for _, n := range g.Nodes {
		for _, in := range n.In {
			users[in.ID]++
		}
	}
	users[g.Output.ID]++
	// A ReLU is fused with a batch norm or an addition of which it is the only reader.
	fused := make([]bool, len(g.Nodes))
	for _, n := range g.Nodes {
		if n.Op == nn.ReLU && users[n.In[0].ID] == 1 && (n.In[0].Op == nn.BatchNorm || n.In[0].Op == nn.Add) {
			fused[n.ID], fused[n.In[0].ID] = true, true
		}
	}
	layers := make([]layer, len(g.Nodes))
	values := make([]*value, len(g.Nodes))
	for _, n := range g.Nodes {
		t.current = n
		in := make([]*value, len(n.In))
		for i, x := range n.In {
			in[i] = values[x.ID]
			if x == g.Input && !((n.Op == nn.Conv || n.Op == nn.Linear) && n.Groups <= 1) {
				in[i] = t.widen(in[i])
			}
		}
		layers[n.ID] = t.layer(n, in, fused[n.ID])
		values[n.ID] = layers[n.ID].forward(t, in)
	}
	t.logits = values[g.Output.ID]
	return layers
}

// layer returns the layer of a node.
func (t *tape) layer(n *nn.Node, in []*value, fused bool) layer {
	switch n.Op {
	case nn.Input:
		return &imagesLayer{}
	case nn.Conv, nn.Linear:
		return newConv(t, n, in[0])
	case nn.BatchNorm:
		return &normLayer{newNorm(t, n, in[0], fused)}
	case nn.LayerNorm:
		return newLayerNorm(t, n, in[0])
	case nn.LayerScale:
		return newScale(t, n, in[0])
	case nn.ReLU:
		if fused {
			return &passLayer{node: n}
		}
		return &reluLayer{node: n}
	case nn.Dropout:
		if !t.train {
			return &passLayer{node: n}
		}
		return &dropoutLayer{node: n}
	case nn.Sigmoid:
		return &sigmoidLayer{node: n}
	case nn.Activate:
		return &activateLayer{node: n}
	case nn.Add:
		return &addLayer{node: n, relu: fused}
	case nn.Mul:
		return &mulLayer{node: n}
	case nn.MaxPool, nn.AvgPool:
		return &poolLayer{node: n}
	case nn.GlobalAvgPool, nn.GlobalMaxPool:
		return &globalLayer{node: n}
	case nn.ChannelMean, nn.ChannelMax:
		return &channelLayer{node: n}
	case nn.Concat:
		return &concatLayer{node: n}
	case nn.Pad, nn.Subsample, nn.PadChannels:
		return &moveLayer{node: n}
	}
	panic("graph: internal error: no layer for " + n.Op.String())
}

// imagesLayer is the layer of the input images.
type imagesLayer struct{}

func (*imagesLayer) forward(t *tape, _ []*value) *value { return t.images }
func (*imagesLayer) backward(*tape, *value)             {}

// widen copies images from their raw layout into planes.
func (t *tape) widen(x *value) *value {
	if !x.raw {
		return x
	}
	y := t.like(x.shape)
	return t.apply("laying out", y, []*value{x}, func(out []float32, in [][]float32) {
		clear(out)
		pixels, c := x.shape.H*x.shape.W, x.shape.C
		for p := range x.images * pixels {
			for i, v := range in[0][p*c:][:c] {
				out[p/pixels*y.image()+i/simd.Lanes*y.plane()+p%pixels*simd.Lanes+i%simd.Lanes] = v
			}
		}
	})
}

// passLayer is a node whose output is its input.
type passLayer struct{ node *nn.Node }

func (l *passLayer) forward(_ *tape, in []*value) *value { return in[0] }
func (l *passLayer) backward(t *tape, dy *value)         { t.give(l.node.In[0], dy) }

// normLayer is a batch norm.
type normLayer struct{ *norm }

func (l *normLayer) forward(t *tape, in []*value) *value {
	if l.batch {
		t.norms = append(t.norms, l.norm)
	}
	return t.apply("normalizing", t.like(l.node.Shape), []*value{in[0], l.gamma.on(t), l.beta.on(t)}, func(out []float32, in [][]float32) {
		l.norm.forward(t, out, in[0])
	})
}

func (l *normLayer) backward(t *tape, dy *value) {
	in := []*value{dy, l.x}
	if !t.needs[l.node.In[0].ID] {
		t.apply("gradient of the parameters of", l.gamma.grad(t), in, func(_ []float32, in [][]float32) {
			l.norm.backward(t, nil, in[0], in[1])
		})
		return
	}
	t.give(l.node.In[0], t.apply("gradient of", t.reuse(dy), in, func(out []float32, in [][]float32) {
		l.norm.backward(t, out, in[0], in[1])
	}))
}

// convLayer is a convolution, or a linear layer as a convolution whose window is as large
// as its input.
type convLayer struct {
	node, orig   *nn.Node
	x            *value
	weight, bias *param
	padded       []float32 // bias, padded to whole planes
}

func newConv(t *tape, n *nn.Node, x *value) *convLayer {
	l := &convLayer{node: n, orig: n, x: x}
	if n.Op == nn.Linear {
		in := n.In[0].Shape
		l.node = &nn.Node{
			Op: nn.Conv, Name: n.Name, In: n.In, Shape: n.Shape, Bias: n.Bias,
			Window: nn.HW{H: in.H, W: in.W}, Stride: nn.Square(1), Groups: 1,
		}
	}
	p := n.Params()
	l.weight = t.model.params[p[0].Name]
	if n.Bias {
		l.bias = t.model.params[p[1].Name]
	}
	return l
}

// multiplier computes a convolution, or the gradient of its input. It sets dst, or adds to
// it with accumulate.
type multiplier interface {
	run(dst, src, w, bias []float32, accumulate bool)
}

func (l *convLayer) multiplier(t *tape, src, dst *value, phases []phase, transposed bool) multiplier {
	if isGrouped(l.node) {
		return newGroupedConv(t.crew, l.node, src, dst, transposed)
	}
	return newProduct(t.crew, l.node, t.batch, src, dst, phases, transposed)
}

func (l *convLayer) forward(t *tape, _ []*value) *value {
	y := t.like(l.node.Shape)
	l.padded = make([]float32, y.channels()+simd.Slack)
	in := []*value{l.x, l.weight.on(t)}
	if l.bias != nil {
		in = append(in, l.bias.on(t))
	}
	m := l.multiplier(t, l.x, y, forward(l.node), false)
	return t.apply("convolving", y, in, func(out []float32, in [][]float32) {
		if l.bias != nil {
			copy(l.padded, in[2])
		}
		m.run(out, in[0], in[1], l.padded, false)
	})
}

func (l *convLayer) backward(t *tape, dy *value) {
	if l.bias != nil && !l.bias.frozen {
		t.apply("gradient of the bias of", l.bias.grad(t), []*value{dy}, func(out []float32, in [][]float32) {
			sum := make([]float64, len(out))
			t.total(dy, sum, nil, func(_ *worker, _ int, a, _ []float32, first, end int) { t.Sum(a, in[0][first:end]) })
			for c, v := range sum {
				out[c] += float32(v)
			}
		})
	}
	if !l.weight.frozen {
		var m interface{ run(dw, x, dy []float32) }
		if isGrouped(l.node) {
			m = newGroupedGrad(t.crew, l.node, l.x, dy)
		} else {
			m = newWeightGrad(t.crew, l.node, t.batch, l.x, dy)
		}
		t.apply("gradient of the weight of", l.weight.grad(t), []*value{l.x, dy}, func(out []float32, in [][]float32) {
			m.run(out, in[0], in[1])
		})
	}
	x := l.node.In[0]
	if !t.needs[x.ID] {
		return
	}
	old := t.pending(x)
	in := []*value{dy, l.weight.on(t)}
	out := t.like(l.x.shape)
	if old != nil {
		out, in = t.over(old), append(in, old)
	}
	m := l.multiplier(t, dy, out, backward(l.node), true)
	zero := make([]float32, out.channels()+simd.Slack)
	t.give(x, t.apply("gradient of", out, in, func(out []float32, in [][]float32) {
		m.run(out, in[0], in[1], zero, old != nil)
	}))
}
