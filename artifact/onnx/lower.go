package onnx

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

// lowering translates a network to the nodes of a GraphProto.
type lowering struct {
	graph message
	// values holds the output name of each node, by ID.
	values []string
}

// lower returns a GraphProto without parameters.
func lower(g *nn.Graph) (message, error) {
	l := &lowering{values: make([]string, len(g.Nodes))}
	l.graph.text(graphName, g.Arch)
	l.graph.message(graphInput, value("input", -1, g.Input.Shape.C, g.Input.Shape.H, g.Input.Shape.W))
	l.graph.message(graphOutput, value("logits", -1, g.Classes()))
	for _, n := range g.Nodes {
		if err := l.node(n); err != nil {
			return nil, err
		}
	}
	l.emit("Flatten", "logits", []string{l.values[g.Output.ID]}, integer("axis", 1))
	return l.graph, nil
}

// emit adds a node.
func (l *lowering) emit(op, output string, inputs []string, attributes ...attribute) {
	var n message
	for _, in := range inputs {
		n.text(nodeInput, in)
	}
	n.text(nodeOutput, output)
	n.text(nodeName, output)
	n.text(nodeOpType, op)
	for _, a := range attributes {
		a(&n)
	}
	l.graph.message(graphNode, n)
}

// constant adds a tensor of integers, and returns its name.
func (l *lowering) constant(name string, vs ...int) string {
	t := tensorHead(name, tensorTypeInt64, []int{len(vs)}, 8*len(vs))
	for _, v := range vs {
		t = binary.LittleEndian.AppendUint64(t, uint64(v))
	}
	l.graph.message(graphInitializer, t)
	return name
}

// scalar adds a float scalar, and returns its name.
func (l *lowering) scalar(name string, v float64) string {
	t := tensorHead(name, tensorTypeFloat, nil, 4)
	t = binary.LittleEndian.AppendUint32(t, math.Float32bits(float32(v)))
	l.graph.message(graphInitializer, t)
	return name
}

// simple maps the operations that ONNX only names differently.
var simple = map[nn.Op]string{
	nn.ReLU: "Relu", nn.Sigmoid: "Sigmoid", nn.Mul: "Mul",
	nn.GlobalAvgPool: "GlobalAveragePool", nn.GlobalMaxPool: "GlobalMaxPool",
}

func (l *lowering) node(n *nn.Node) error {
	out := fmt.Sprintf("%d.%v", n.ID, n.Op)
	if n.Name != "" {
		out = fmt.Sprintf("%d.%s", n.ID, n.Name)
	}
	in := make([]string, len(n.In))
	for i, x := range n.In {
		in[i] = l.values[x.ID]
	}
	l.values[n.ID] = out
	if op, ok := simple[n.Op]; ok {
		l.emit(op, out, in)
		return nil
	}
	switch n.Op {
	case nn.Input:
		l.values[n.ID] = "input"
	case nn.Dropout:
		l.values[n.ID] = in[0]
	case nn.Conv:
		in = l.withParams(n, in)
		if n.Flat {
			l.emit("Unsqueeze", out+".window", []string{in[1], l.constant(out+".axes", 2, 3)})
			in[1] = out + ".window"
		}
		l.emit("Conv", out, in, append(window(n, n.Pad), integer("group", n.Groups))...)
	case nn.BatchNorm:
		l.emit("BatchNormalization", out, l.withParams(n, in), float("epsilon", n.Eps))
	case nn.LayerNorm:
		l.emit("Transpose", out+".pixels", in, ints("perm", 0, 2, 3, 1))
		l.emit("LayerNormalization", out+".norm", l.withParams(n, []string{out + ".pixels"}), float("epsilon", n.Eps))
		l.emit("Transpose", out, []string{out + ".norm"}, ints("perm", 0, 3, 1, 2))
	case nn.LayerScale:
		in = l.withParams(n, in)
		l.emit("Unsqueeze", out+".gamma", []string{in[1], l.constant(out+".axes", 1, 2)})
		l.emit("Mul", out, []string{in[0], out + ".gamma"})
	case nn.Activate:
		l.activation(n.Activation, out, in[0])
	case nn.Add:
		if n.Scale != 1 {
			l.emit("Mul", out+".scaled", []string{in[1], l.scalar(out+".scale", n.Scale)})
			in[1] = out + ".scaled"
		}
		l.emit("Add", out, in)
	case nn.MaxPool, nn.AvgPool:
		return l.pool(n, out, in)
	case nn.ChannelMean:
		l.emit("ReduceMean", out, in, ints("axes", 1))
	case nn.ChannelMax:
		l.emit("ReduceMax", out, in, ints("axes", 1))
	case nn.Linear:
		l.emit("Flatten", out+".flat", in, integer("axis", 1))
		l.emit("Gemm", out+".gemm", l.withParams(n, []string{out + ".flat"}), integer("transB", 1))
		l.emit("Unsqueeze", out, []string{out + ".gemm", l.constant(out+".axes", 2, 3)})
	case nn.Concat:
		l.emit("Concat", out, in, integer("axis", 1))
	case nn.Pad:
		l.pad(n, out, in[0])
	case nn.Subsample:
		l.slice(out, in[0], nn.Border{}, n.In[0].Shape, n.Stride)
	case nn.PadChannels:
		l.emit("Pad", out, []string{in[0], l.constant(out+".pads", 0, n.Channels[0], 0, 0, 0, n.Channels[1], 0, 0)})
	default:
		return fmt.Errorf("ONNX has no form of the operation %v", n.Op)
	}
	return nil
}

// withParams appends the names of a node's parameters to its inputs.
func (l *lowering) withParams(n *nn.Node, in []string) []string {
	for _, p := range n.Params() {
		in = append(in, p.Name)
	}
	return in
}

// window returns the attributes of a sliding window. end is the padding at the bottom
// and at the right.
func window(n *nn.Node, end nn.HW) []attribute {
	return []attribute{
		ints("kernel_shape", n.Window.H, n.Window.W),
		ints("strides", n.Stride.H, n.Stride.W),
		ints("pads", n.Pad.H, n.Pad.W, end.H, end.W),
	}
}

// pool writes ceil mode as explicit padding, because ONNX runtimes differ in where
// the last window may start.
func (l *lowering) pool(n *nn.Node, out string, in []string) error {
	end := n.Pad
	if n.CeilMode {
		span := func(out, stride, kernel, in, pad int) int { return max(0, (out-1)*stride+kernel-in-pad) }
		end.H = span(n.Shape.H, n.Stride.H, n.Window.H, n.In[0].Shape.H, n.Pad.H)
		end.W = span(n.Shape.W, n.Stride.W, n.Window.W, n.In[0].Shape.W, n.Pad.W)
	}
	if n.Op == nn.MaxPool {
		l.emit("MaxPool", out, in, window(n, end)...)
		return nil
	}
	if n.CeilMode && n.CountIncludePad {
		return fmt.Errorf("%s: ONNX has no form of an average pool in ceil mode that counts its padding", out)
	}
	count := 0
	if n.CountIncludePad {
		count = 1
	}
	l.emit("AveragePool", out, in, append(window(n, end), integer("count_include_pad", count))...)
	return nil
}

// pad adds a border. It first crops where the border is negative.
func (l *lowering) pad(n *nn.Node, out, in string) {
	b := n.Border
	crop := nn.Border{Top: max(0, -b.Top), Bottom: max(0, -b.Bottom), Left: max(0, -b.Left), Right: max(0, -b.Right)}
	grow := nn.Border{Top: max(0, b.Top), Bottom: max(0, b.Bottom), Left: max(0, b.Left), Right: max(0, b.Right)}
	if grow == (nn.Border{}) {
		l.slice(out, in, crop, n.In[0].Shape, nn.Square(1))
		return
	}
	if crop != (nn.Border{}) {
		l.slice(out+".crop", in, crop, n.In[0].Shape, nn.Square(1))
		in = out + ".crop"
	}
	l.emit("Pad", out, []string{in, l.constant(out+".pads", 0, 0, grow.Top, grow.Left, 0, 0, grow.Bottom, grow.Right)})
}

// slice crops, and takes every stride-th pixel of the rest.
func (l *lowering) slice(out, in string, crop nn.Border, shape nn.Shape, stride nn.HW) {
	l.emit("Slice", out, []string{
		in,
		l.constant(out+".starts", crop.Top, crop.Left),
		l.constant(out+".ends", shape.H-crop.Bottom, shape.W-crop.Right),
		l.constant(out+".axes", 2, 3),
		l.constant(out+".steps", stride.H, stride.W),
	})
}
