package nn

import (
	"errors"
	"fmt"
	"strings"
)

// Builder draws a [Graph]. It keeps the first mistake, which [Builder.Graph] returns.
// Until then every method returns a usable node, so architectures need no error
// handling. A Builder is not safe for concurrent use.
type Builder struct {
	s      *state
	prefix string
}

// state is the state that a builder and its scopes share.
type state struct {
	graph Graph
	names map[string]bool
	err   error
}

// NewBuilder returns a builder of a graph whose input has this shape.
func NewBuilder(arch string, input Shape) *Builder {
	b := &Builder{s: &state{names: map[string]bool{}}}
	b.s.graph.Arch = arch
	b.s.graph.Input = b.add(&Node{Op: Input, Shape: input})
	for _, side := range []int{input.C, input.H, input.W} {
		if side < 1 || side > maxSide {
			b.fail("input shape %v: every side must be 1 to %d", input, maxSide)
		}
	}
	return b
}

// maxSide keeps numbers of values within an int.
const maxSide = 1 << 16

// Scope returns a builder of the same graph. It puts the formatted name and a dot
// before all names.
func (b *Builder) Scope(format string, args ...any) *Builder {
	return &Builder{s: b.s, prefix: b.name(fmt.Sprintf(format, args...)) + "."}
}

// Input returns the graph's input node.
func (b *Builder) Input() *Node { return b.s.graph.Input }

// Len returns the number of nodes so far.
func (b *Builder) Len() int { return len(b.s.graph.Nodes) }

// Err returns the first mistake made while drawing, if there is one.
func (b *Builder) Err() error { return b.s.err }

// Mark names n as the output of a PyTorch module in this scope, and returns n. The
// name "" stands for the scope itself.
func (b *Builder) Mark(name string, n *Node) *Node {
	b.s.graph.Modules = append(b.s.graph.Modules, Module{b.name(name), n})
	return n
}

// Graph completes the graph. output holds the logits. Graph returns the first mistake
// made while drawing, if there is one.
func (b *Builder) Graph(output *Node) (*Graph, error) {
	if b.s.err != nil {
		return nil, b.s.err
	}
	g := b.s.graph
	g.Output = output
	return &g, nil
}

// Conv2d holds the attributes of a convolution. Stride and Groups default to 1. Pad is
// symmetric zero padding.
type Conv2d struct {
	Out                 int
	Window, Stride, Pad HW
	Groups              int
	Bias                bool
}

// Conv adds a 2-D convolution: a cross-correlation, like PyTorch's Conv2d.
func (b *Builder) Conv(name string, x *Node, c Conv2d) *Node {
	if c.Stride == (HW{}) {
		c.Stride = Square(1)
	}
	if c.Groups == 0 {
		c.Groups = 1
	}
	n := &Node{
		Op: Conv, Name: b.claim(name), In: []*Node{x},
		Window: c.Window, Stride: c.Stride, Pad: c.Pad, Groups: c.Groups, Bias: c.Bias,
	}
	if c.Groups < 1 || x.Shape.C%c.Groups != 0 || c.Out%c.Groups != 0 || c.Out < 1 {
		b.fail("%s: %d channels to %d in %d groups", n.Name, x.Shape.C, c.Out, c.Groups)
		c.Groups = 1
	}
	n.Shape = b.windows(n, n.Name, c.Out)
	return b.add(n)
}

// PixelLinear adds a linear layer that maps the channels of each pixel: a convolution
// with a window of one pixel, whose weight has the shape of torch.nn.Linear's.
func (b *Builder) PixelLinear(name string, x *Node, out int) *Node {
	n := b.Conv(name, x, Conv2d{Out: out, Window: Square(1), Bias: true})
	n.Flat = true
	return n
}

// BatchNorm2d holds the attributes of a batch norm. Eps defaults to 1e-5.
type BatchNorm2d struct{ Eps float64 }

// BatchNorm adds y = (x-running_mean)/sqrt(running_var+eps)*weight + bias.
func (b *Builder) BatchNorm(name string, x *Node, a BatchNorm2d) *Node {
	if a.Eps == 0 {
		a.Eps = 1e-5
	}
	return b.add(&Node{Op: BatchNorm, Name: b.claim(name), In: []*Node{x}, Shape: x.Shape, Eps: a.Eps})
}

// ReLU adds max(x, 0).
func (b *Builder) ReLU(x *Node) *Node { return b.add(&Node{Op: ReLU, In: []*Node{x}, Shape: x.Shape}) }

// Sigmoid adds the logistic function.
func (b *Builder) Sigmoid(x *Node) *Node {
	return b.add(&Node{Op: Sigmoid, In: []*Node{x}, Shape: x.Shape})
}

// Activate adds a function of each element.
func (b *Builder) Activate(x *Node, a Activation) *Node {
	return b.add(&Node{Op: Activate, In: []*Node{x}, Shape: x.Shape, Activation: a})
}

// LayerNorm adds y = (x-mean)/sqrt(variance+eps)*weight + bias, with the mean and the
// variance of each pixel's channels.
func (b *Builder) LayerNorm(name string, x *Node, eps float64) *Node {
	return b.add(&Node{Op: LayerNorm, Name: b.claim(name), In: []*Node{x}, Shape: x.Shape, Eps: eps})
}

// LayerScale adds x*gamma, with a factor of each channel (Touvron et al., arXiv
// 2103.17239). The name "" stands for the scope itself.
func (b *Builder) LayerScale(name string, x *Node) *Node {
	return b.add(&Node{Op: LayerScale, Name: b.claim(name), In: []*Node{x}, Shape: x.Shape})
}

// Add adds x + y.
func (b *Builder) Add(x, y *Node) *Node { return b.AddScaled(x, y, 1) }

// AddScaled adds x + scale*y.
func (b *Builder) AddScaled(x, y *Node, scale float64) *Node {
	if x.Shape != y.Shape {
		b.fail("%sadd: shapes %v and %v differ", b.prefix, x.Shape, y.Shape)
	}
	return b.add(&Node{Op: Add, In: []*Node{x, y}, Shape: x.Shape, Scale: scale})
}

// Mul adds x * gate, where gate has shape (C,1,1) or (1,H,W) of x's.
func (b *Builder) Mul(x, gate *Node) *Node {
	if g := gate.Shape; g != (Shape{x.Shape.C, 1, 1}) && g != (Shape{1, x.Shape.H, x.Shape.W}) {
		b.fail("%smul: gate %v does not fit %v", b.prefix, g, x.Shape)
	}
	return b.add(&Node{Op: Mul, In: []*Node{x, gate}, Shape: x.Shape})
}

// Pool2d holds the attributes of a pooling. Stride defaults to Window. Only AvgPool
// reads CountIncludePad, which is true by default in PyTorch but false here.
type Pool2d struct {
	Window, Stride, Pad HW
	CeilMode            bool
	CountIncludePad     bool
}

// MaxPool adds the maximum over windows; padding counts as minus infinity.
func (b *Builder) MaxPool(x *Node, p Pool2d) *Node { return b.pool(MaxPool, x, p) }

// AvgPool adds the mean over windows; see Pool2d.CountIncludePad.
func (b *Builder) AvgPool(x *Node, p Pool2d) *Node { return b.pool(AvgPool, x, p) }

func (b *Builder) pool(op Op, x *Node, p Pool2d) *Node {
	if p.Stride == (HW{}) {
		p.Stride = p.Window
	}
	n := &Node{
		Op: op, In: []*Node{x}, Window: p.Window, Stride: p.Stride, Pad: p.Pad,
		CeilMode: p.CeilMode, CountIncludePad: p.CountIncludePad,
	}
	n.Shape = b.windows(n, b.prefix+op.String(), x.Shape.C)
	return b.add(n)
}

// GlobalAvgPool adds the mean over space, (C,H,W) -> (C,1,1).
func (b *Builder) GlobalAvgPool(x *Node) *Node { return b.reduce(GlobalAvgPool, x) }

// GlobalMaxPool adds the maximum over space, (C,H,W) -> (C,1,1).
func (b *Builder) GlobalMaxPool(x *Node) *Node { return b.reduce(GlobalMaxPool, x) }

// ChannelMean adds the mean over channels, (C,H,W) -> (1,H,W).
func (b *Builder) ChannelMean(x *Node) *Node { return b.reduce(ChannelMean, x) }

// ChannelMax adds the maximum over channels, (C,H,W) -> (1,H,W).
func (b *Builder) ChannelMax(x *Node) *Node { return b.reduce(ChannelMax, x) }

func (b *Builder) reduce(op Op, x *Node) *Node {
	s := Shape{x.Shape.C, 1, 1}
	if op == ChannelMean || op == ChannelMax {
		s = Shape{1, x.Shape.H, x.Shape.W}
	}
	return b.add(&Node{Op: op, In: []*Node{x}, Shape: s})
}

// Linear adds y = Wx + bias on the input, flattened in the order C, H, W.
func (b *Builder) Linear(name string, x *Node, out int) *Node {
	return b.add(&Node{Op: Linear, Name: b.claim(name), In: []*Node{x}, Shape: Shape{out, 1, 1}, Bias: true})
}

// Again applies a layer to another input of the same shape. Both share the parameters.
func (b *Builder) Again(layer, x *Node) *Node {
	if x.Shape != layer.In[0].Shape {
		b.fail("%s: applied to %v and again to %v", layer.Name, layer.In[0].Shape, x.Shape)
	}
	n := *layer
	n.In = []*Node{x}
	if n.Shared == nil {
		n.Shared = layer
	}
	return b.add(&n)
}

// Concat joins inputs of equal height and width along the channels.
func (b *Builder) Concat(xs ...*Node) *Node {
	s := Shape{0, xs[0].Shape.H, xs[0].Shape.W}
	for _, x := range xs {
		if x.Shape.H != s.H || x.Shape.W != s.W {
			b.fail("%sconcat: %v beside %v", b.prefix, x.Shape, xs[0].Shape)
		}
		s.C += x.Shape.C
	}
	return b.add(&Node{Op: Concat, In: xs, Shape: s})
}

// Pad zero-pads, or crops where the border is negative.
func (b *Builder) Pad(x *Node, border Border) *Node {
	s := Shape{x.Shape.C, x.Shape.H + border.Top + border.Bottom, x.Shape.W + border.Left + border.Right}
	if s.H < 1 || s.W < 1 {
		b.fail("%spad: nothing is left of %v", b.prefix, x.Shape)
		s = x.Shape
	}
	return b.add(&Node{Op: Pad, In: []*Node{x}, Shape: s, Border: border})
}

// Subsample keeps every stride-th pixel, beginning with the first.
func (b *Builder) Subsample(x *Node, stride HW) *Node {
	s := Shape{x.Shape.C, (x.Shape.H + stride.H - 1) / stride.H, (x.Shape.W + stride.W - 1) / stride.W}
	return b.add(&Node{Op: Subsample, In: []*Node{x}, Shape: s, Stride: stride})
}

// PadChannels adds zero channels before and after the input's, or drops some of these
// where a number is negative. Training only adds.
func (b *Builder) PadChannels(x *Node, before, after int) *Node {
	s := x.Shape
	if s.C += before + after; s.C < 1 || min(before, after) <= -x.Shape.C {
		b.fail("%spadChannels: nothing is left of %v", b.prefix, x.Shape)
		s = x.Shape
	}
	return b.add(&Node{Op: PadChannels, In: []*Node{x}, Shape: s, Channels: [2]int{before, after}})
}

// Dropout adds dropout with probability p. It is the identity outside of training.
func (b *Builder) Dropout(x *Node, p float64) *Node {
	return b.add(&Node{Op: Dropout, In: []*Node{x}, Shape: x.Shape, P: p})
}

// windows returns the output shape of a node that slides a window over its input.
// Mistakes begin with the label.
func (b *Builder) windows(n *Node, label string, channels int) Shape {
	in := n.In[0].Shape
	return Shape{
		C: channels,
		H: b.window(label, in.H, n.Window.H, n.Stride.H, n.Pad.H, n.CeilMode),
		W: b.window(label, in.W, n.Window.W, n.Stride.W, n.Pad.W, n.CeilMode),
	}
}

// window returns the number of positions of a sliding window by PyTorch's rule
// (torch.nn.MaxPool2d, "Shape"). In ceil mode the last window may extend past the
// end, but must start inside the input or its left padding.
func (b *Builder) window(label string, in, window, stride, pad int, ceil bool) int {
	span := in + 2*pad - window
	if window < 1 || stride < 1 || pad < 0 || span < 0 {
		b.fail("%s: a window of %d (stride %d, padding %d) does not fit %d pixels", label, window, stride, pad, in)
		return 1
	}
	if !ceil {
		return span/stride + 1
	}
	out := (span+stride-1)/stride + 1
	if (out-1)*stride >= in+pad {
		out--
	}
	return out
}

// name returns the full name of a name in the builder's scope. That of "" is the scope's.
func (b *Builder) name(name string) string {
	if name == "" {
		return strings.TrimSuffix(b.prefix, ".")
	}
	return b.prefix + name
}

// claim returns the full name, and records a mistake if it is already in use.
func (b *Builder) claim(name string) string {
	full := b.name(name)
	if b.s.names[full] {
		b.fail("the name %q is used twice", full)
	}
	b.s.names[full] = true
	return full
}

func (b *Builder) fail(format string, args ...any) {
	if b.s.err == nil {
		b.s.err = errors.New("drawing " + b.s.graph.Arch + ": " + fmt.Sprintf(format, args...))
	}
}

func (b *Builder) add(n *Node) *Node {
	n.ID = len(b.s.graph.Nodes)
	b.s.graph.Nodes = append(b.s.graph.Nodes, n)
	return n
}
