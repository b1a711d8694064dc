package importer

import (
	"errors"
	"fmt"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/artifact/onnx"
	"github.com/deploy-kernel/deploy-kernel/importer/tensor"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

// conv recognizes convolutions of two dimensions with constant weights.
func (d *drawing) conv(n *onnx.Node) (part, error) {
	w, bias := d.constant(n.Inputs[1]), d.constant(d.in(n, 2))
	switch {
	case w == nil || d.in(n, 2) != "" && bias == nil:
		return part{}, errors.New("its weights are no constants")
	case w.Rank() != 4 && w.Rank() != 3:
		return part{}, errors.New("networks have convolutions of one and two dimensions only")
	}
	rank := w.Rank()
	if rank == 3 {
		w = w.Reshape([]int{w.Shape[0], w.Shape[1], 1, w.Shape[2]})
	}
	return part{[]string{d.in(n, 0)}, func(in []*value) (*value, error) {
		node, err := d.image(in[0])
		if err != nil {
			return nil, err
		}
		w, err := dilated(w, pair(n, "dilations", rank))
		if err != nil {
			return nil, err
		}
		kernel := w.Shape[2:]
		c := nn.Conv2d{
			Out: w.Shape[0], Window: nn.HW{H: kernel[0], W: kernel[1]},
			Groups: integer(n, "group", 1), Bias: bias != nil,
		}
		c.Stride = pair(n, "strides", rank)
		before, after := d.padding(n, c.Window, c.Stride, node.Shape)
		if max(before.H, after.H) >= max(2, c.Window.H) || max(before.W, after.W) >= max(2, c.Window.W) {
			return nil, errors.New("its padding is larger than its window")
		}
		if before == after {
			c.Pad = before
		} else {
			node = d.b.Pad(node, nn.Border{Top: before.H, Bottom: after.H, Left: before.W, Right: after.W})
		}
		if again := d.again(paramsOf(n), nn.Conv, node); again != nil && sameConv(again, c) {
			return images(d.b.Again(again, node), rank), nil
		}
		name := d.layer("conv", n.Inputs[1])
		d.param(name, nn.Weight, w.Shape, w.Float32s())
		if bias != nil {
			d.param(name, nn.Bias, []int{c.Out}, bias.Float32s())
		}
		y := d.b.Conv(name, node, c)
		d.layers[paramsOf(n)] = y
		return images(y, rank), nil
	}}, nil
}

// images returns the value of a node of maps of three or four axes.
func images(n *nn.Node, rank int) *value {
	if rank == 3 {
		return place(n, none, nn.AxisC, nn.AxisW)
	}
	return nchw(n)
}

// pair returns an attribute of a node on maps of three or four axes, 1 if it is left
// out.
func pair(n *onnx.Node, name string, rank int) nn.HW {
	v := integers(n, name, rank-2, 1)
	if rank == 3 {
		return nn.HW{H: 1, W: v[0]}
	}
	return nn.HW{H: v[0], W: v[1]}
}

func sameConv(n *nn.Node, c nn.Conv2d) bool {
	return n.Window == c.Window && n.Stride == c.Stride && n.Pad == c.Pad && n.Groups == c.Groups && n.Bias == c.Bias
}

// dilated returns weights with zeros between the taps of the window.
func dilated(w *tensor.Tensor, dilation nn.HW) (*tensor.Tensor, error) {
	if dilation == nn.Square(1) {
		return w, nil
	}
	axes := make([][]int, 4)
	for i, side := range w.Shape {
		step := 1
		if i >= 2 {
			step = []int{dilation.H, dilation.W}[i-2]
		}
		if i >= 2 && (side-1)*step >= maxWindow {
			return nil, fmt.Errorf("its window of %d pixels is too large", (side-1)*step+1)
		}
		for k := range (side-1)*step + 1 {
			if k%step != 0 {
				axes[i] = append(axes[i], tensor.Outside)
				continue
			}
			axes[i] = append(axes[i], k/step)
		}
	}
	return w.Pick(axes, nil), nil
}

// maxWindow bounds the sides of dilated windows.
const maxWindow = 64

// padding returns the padding at the top and left, and at the bottom and right.
func (d *drawing) padding(n *onnx.Node, window, stride nn.HW, in nn.Shape) (before, after nn.HW) {
	auto := ""
	if a := n.Attribute("auto_pad"); a != nil {
		auto = a.String
	}
	if auto == "SAME_UPPER" || auto == "SAME_LOWER" {
		same := func(in, window, stride int) (int, int) {
			total := max(0, ((in+stride-1)/stride-1)*stride+window-in)
			if auto == "SAME_UPPER" {
				return total / 2, total - total/2
			}
			return total - total/2, total / 2
		}
		before.H, after.H = same(in.H, window.H, stride.H)
		before.W, after.W = same(in.W, window.W, stride.W)
		return before, after
	}
	if a := n.Attribute("pads"); a != nil && len(a.Ints) == 2 {
		if auto == "VALID" {
			return before, after
		}
		return nn.HW{W: int(a.Ints[0])}, nn.HW{W: int(a.Ints[1])}
	}
	p := integers(n, "pads", 4, 0)
	if auto == "VALID" {
		p = make([]int, 4)
	}
	return nn.HW{H: p[0], W: p[1]}, nn.HW{H: p[2], W: p[3]}
}

// pool recognizes poolings of one and two dimensions.
func (d *drawing) pool(n *onnx.Node) (part, error) {
	want := d.values[n.Outputs[0]].Shape
	rank := len(want)
	if rank != 3 && rank != 4 {
		return part{}, errors.New("networks have poolings of one and two dimensions only")
	}
	if pair(n, "dilations", rank) != nn.Square(1) {
		return part{}, errors.New("networks have no dilated poolings")
	}
	return part{[]string{d.in(n, 0)}, func(in []*value) (*value, error) {
		x, err := d.image(in[0])
		if err != nil {
			return nil, err
		}
		p := nn.Pool2d{
			Window: pair(n, "kernel_shape", rank), Stride: pair(n, "strides", rank),
			CountIncludePad: integer(n, "count_include_pad", 0) != 0,
		}
		before, after := d.padding(n, p.Window, p.Stride, x.Shape)
		p.Pad = before
		if p.CountIncludePad && (before == nn.HW{} && after == nn.HW{}) {
			p.CountIncludePad = false // nothing to count
		}
		// Padding at the end decides the number of windows only, unless it counts.
		for _, p.CeilMode = range []bool{false, true} {
			if p.CountIncludePad && (p.CeilMode || before != after) {
				break
			}
			if (rank == 3 || poolSide(x.Shape.H, p.Window.H, p.Stride.H, p.Pad.H, p.CeilMode) == want[2]) &&
				poolSide(x.Shape.W, p.Window.W, p.Stride.W, p.Pad.W, p.CeilMode) == want[rank-1] {
				if n.Op == "MaxPool" {
					return images(d.b.MaxPool(x, p), rank), nil
				}
				return images(d.b.AvgPool(x, p), rank), nil
			}
		}
		return nil, fmt.Errorf("networks cannot pool with padding of %v before and %v after", before, after)
	}}, nil
}

// poolSide returns the number of windows by the rule of [nn.Builder].
func poolSide(in, window, stride, pad int, ceil bool) int {
	span := in + 2*pad - window
	if span < 0 {
		return 0
	}
	out := span/stride + 1
	if ceil && span%stride != 0 && out*stride < in+pad {
		out++
	}
	return out
}

func (d *drawing) globalPool(n *onnx.Node) (part, error) {
	kind := reductions["ReduceMean"]
	if n.Op == "GlobalMaxPool" {
		kind = reductions["ReduceMax"]
	}
	return part{[]string{d.in(n, 0)}, func(in []*value) (*value, error) {
		var over []int
		for i := 2; i < len(in[0].axes); i++ {
			over = append(over, i)
		}
		return d.reduced(kind, in[0], over), nil
	}}, nil
}

// reduction is a function of many elements, as a mean or maximum of a function of each.
type reduction struct {
	largest       bool
	before, after *nn.Activation // of each element, and of the result
	sum           bool           // the mean times the number of elements
	negated       bool           // before and after
}

// reductions holds the operators that reduce axes.
var reductions = map[string]reduction{
	"ReduceMean":      {},
	"ReduceMax":       {largest: true},
	"ReduceMin":       {largest: true, negated: true},
	"ReduceSum":       {sum: true},
	"ReduceL1":        {sum: true, before: &nn.Activation{Kind: nn.Abs}},
	"ReduceL2":        {sum: true, before: &nn.Activation{Kind: nn.Power, A: 2}, after: &nn.Activation{Kind: nn.Power, A: 0.5}},
	"ReduceSumSquare": {sum: true, before: &nn.Activation{Kind: nn.Power, A: 2}},
}

// reduce recognizes means, sums, norms and maxima over axes.
func (d *drawing) reduce(n *onnx.Node) (part, error) {
	over, err := d.reducedAxes(n)
	if err != nil {
		return part{}, err
	}
	return part{[]string{d.in(n, 0)}, func(in []*value) (*value, error) {
		return d.reshaped(d.reduced(reductions[n.Op], in[0], over), d.values[n.Outputs[0]].Shape), nil
	}}, nil
}

// reduced draws a reduction over some axes, which keep the length 1.
func (d *drawing) reduced(r reduction, v *value, over []int) *value {
	x := d.compact(v)
	var gone [3]bool // whether a coordinate has digits that go, and that stay
	var kept [3]bool
	count := 1
	for i, digits := range x.axes {
		for _, digit := range digits {
			if slices.Contains(over, i) {
				count *= digit.Size
				gone[digit.Axis] = true
			} else {
				kept[digit.Axis] = kept[digit.Axis] || digit.Step > 0
			}
		}
	}
	over = slices.Clone(over)
	overPixels := !gone[nn.AxisC] && (gone[nn.AxisH] || gone[nn.AxisW]) && !kept[nn.AxisH] && !kept[nn.AxisW]
	if !overPixels && count > 1 {
		x = d.channels(x, over...)
	}
	n := x.node
	if r.before != nil {
		n = d.b.Activate(n, *r.before)
	}
	n = d.scaledBy(n, r.negated, -1)
	switch {
	case count == 1:
	case overPixels && r.largest:
		n = d.b.GlobalMaxPool(n)
	case overPixels:
		n = d.b.GlobalAvgPool(n)
	case r.largest:
		n = d.b.ChannelMax(n)
	default:
		n = d.b.ChannelMean(n)
	}
	n = d.scaledBy(n, r.negated, -1)
	n = d.scaledBy(n, r.sum, float64(count))
	if r.after != nil {
		n = d.b.Activate(n, *r.after)
	}
	out := &value{node: n, axes: slices.Clone(x.axes)}
	for _, axis := range over {
		out.axes[axis] = nil
	}
	return out
}

// scaledBy draws the product with a factor, if it applies.
func (d *drawing) scaledBy(x *nn.Node, applies bool, factor float64) *nn.Node {
	if !applies {
		return x
	}
	return d.norm(x, slices.Repeat([]float64{factor}, x.Shape.C), make([]float64, x.Shape.C))
}

// reducedAxes returns the axes of a reduction, counted from the front.
func (d *drawing) reducedAxes(n *onnx.Node) (axes []int, err error) {
	rank := d.values[n.Inputs[0]].Rank()
	var list []int64
	if a := n.Attribute("axes"); a != nil {
		list = a.Ints
	} else if name := d.in(n, 1); name != "" {
		list = d.constant(name).Int64s()
	}
	for _, a := range list {
		if a < 0 {
			a += int64(rank)
		}
		axes = append(axes, int(a))
	}
	if len(list) == 0 && integer(n, "noop_with_empty_axes", 0) == 0 {
		for i := range rank {
			axes = append(axes, i)
		}
	}
	return axes, nil
}

// gemm recognizes linear layers on vectors.
func (d *drawing) gemm(n *onnx.Node) (part, error) {
	w, bias := d.constant(n.Inputs[1]), d.constant(d.in(n, 2))
	if w == nil || d.in(n, 2) != "" && bias == nil {
		return part{}, errors.New("its weights are no constants")
	}
	if integer(n, "transA", 0) != 0 {
		return part{}, errors.New("networks have no transposed products")
	}
	if integer(n, "transB", 0) != 0 {
		w = w.Permute([]int{1, 0})
	}
	alpha, beta := float(n, "alpha", 1), float(n, "beta", 1)
	return part{[]string{d.in(n, 0)}, func(in []*value) (*value, error) {
		v := slices.Clone(w.Float32s())
		for i := range v {
			v[i] *= float32(alpha)
		}
		var b []float32
		if bias != nil {
			if bias.Len() != 1 && bias.Len() != w.Shape[1] {
				return nil, fmt.Errorf("its bias of shape %v has no element per output", bias.Shape)
			}
			b = slices.Clone(bias.Reshape([]int{bias.Len()}).Broadcast([]int{w.Shape[1]}).Float32s())
			for i := range b {
				b[i] *= float32(beta)
			}
		}
		return d.linearLayer(n, in[0], v, w.Shape[1], b)
	}}, nil
}

// linearLayer draws a product of the value's last axis with a matrix (in, out). It is a
// linear layer if that axis holds the whole value, and otherwise a convolution of 1x1.
func (d *drawing) linearLayer(n *onnx.Node, v *value, w []float32, out int, bias []float32) (*value, error) {
	last := len(v.axes) - 1
	v = d.compact(v)
	in := size(v.axes[last])
	whole := in == v.node.Shape.Len()
	if !whole {
		v = d.channels(v, last)
	}
	s := v.node.Shape
	rows := make([]float32, in*out) // (out, in), in the order C, H, W
	for i := range in {
		place := [3]int{i, 0, 0}
		if whole {
			place = [3]int{i / (s.H * s.W), i / s.W % s.H, i % s.W}
		}
		at := v.indexOf(last, place)
		for o := range out {
			rows[o*in+i] = w[at*out+o]
		}
	}
	result := &value{axes: slices.Clone(v.axes)}
	result.axes[last] = nil
	if out > 1 {
		result.axes[last] = []nn.Digit{{Size: out, Axis: nn.AxisC, Step: 1}}
	}
	if again := d.again(paramsOf(n), nn.Linear, v.node); again != nil && whole {
		result.node = d.b.Again(again, v.node)
		return result, nil
	}
	name := d.layer("linear", n.Inputs[1])
	if whole {
		if bias == nil {
			bias = make([]float32, out)
		}
		d.param(name, nn.Weight, []int{out, in}, rows)
		d.param(name, nn.Bias, []int{out}, bias)
		result.node = d.b.Linear(name, v.node, out)
		d.layers[paramsOf(n)] = result.node
		return result, nil
	}
	d.param(name, nn.Weight, []int{out, in, 1, 1}, rows)
	if bias != nil {
		d.param(name, nn.Bias, []int{out}, bias)
	}
	result.node = d.b.Conv(name, v.node, nn.Conv2d{Out: out, Window: nn.Square(1), Bias: bias != nil})
	return result, nil
}
