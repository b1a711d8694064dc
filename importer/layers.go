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
	case w.Rank() != 4:
		return part{}, errors.New("networks have convolutions of two dimensions only")
	}
	return part{[]string{d.in(n, 0)}, func(in []*value) (*value, error) {
		x := in[0]
		if err := x.isNCHW(); err != nil {
			return nil, err
		}
		w, err := dilated(w, integers(n, "dilations", 2, 1))
		if err != nil {
			return nil, err
		}
		kernel := w.Shape[2:]
		c := nn.Conv2d{
			Out: w.Shape[0], Window: nn.HW{H: kernel[0], W: kernel[1]},
			Groups: integer(n, "group", 1), Bias: bias != nil,
		}
		stride := integers(n, "strides", 2, 1)
		c.Stride = nn.HW{H: stride[0], W: stride[1]}
		node := x.node
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
			return nchw(d.b.Again(again, node)), nil
		}
		name := d.layer("conv", n.Inputs[1])
		d.param(name, nn.Weight, w.Shape, w.Float32s())
		if bias != nil {
			d.param(name, nn.Bias, []int{c.Out}, bias.Float32s())
		}
		y := d.b.Conv(name, node, c)
		d.layers[paramsOf(n)] = y
		return nchw(y), nil
	}}, nil
}

func sameConv(n *nn.Node, c nn.Conv2d) bool {
	return n.Window == c.Window && n.Stride == c.Stride && n.Pad == c.Pad && n.Groups == c.Groups && n.Bias == c.Bias
}

// dilated returns weights with zeros between the taps of the window.
func dilated(w *tensor.Tensor, dilation []int) (*tensor.Tensor, error) {
	if dilation[0] == 1 && dilation[1] == 1 {
		return w, nil
	}
	axes := make([][]int, 4)
	for i, side := range w.Shape {
		step := 1
		if i >= 2 {
			step = dilation[i-2]
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
	p := integers(n, "pads", 4, 0)
	if auto == "VALID" {
		p = make([]int, 4)
	}
	return nn.HW{H: p[0], W: p[1]}, nn.HW{H: p[2], W: p[3]}
}

// pool recognizes poolings of two dimensions.
func (d *drawing) pool(n *onnx.Node) (part, error) {
	if dilation := integers(n, "dilations", 2, 1); dilation[0] != 1 || dilation[1] != 1 {
		return part{}, errors.New("networks have no dilated poolings")
	}
	return part{[]string{d.in(n, 0)}, func(in []*value) (*value, error) {
		x, want := in[0], d.values[n.Outputs[0]].Shape
		if err := x.isNCHW(); err != nil || len(want) != 4 {
			return nil, errors.Join(err, errors.New("it needs two dimensions of space"))
		}
		kernel, stride := integers(n, "kernel_shape", 2, 1), integers(n, "strides", 2, 1)
		p := nn.Pool2d{
			Window: nn.HW{H: kernel[0], W: kernel[1]}, Stride: nn.HW{H: stride[0], W: stride[1]},
			CountIncludePad: integer(n, "count_include_pad", 0) != 0,
		}
		before, after := d.padding(n, p.Window, p.Stride, x.node.Shape)
		p.Pad = before
		if p.CountIncludePad && (before == nn.HW{} && after == nn.HW{}) {
			p.CountIncludePad = false // nothing to count
		}
		// Padding at the end decides the number of windows only, unless it counts.
		for _, p.CeilMode = range []bool{false, true} {
			if p.CountIncludePad && (p.CeilMode || before != after) {
				break
			}
			if poolSide(x.node.Shape.H, p.Window.H, p.Stride.H, p.Pad.H, p.CeilMode) == want[2] &&
				poolSide(x.node.Shape.W, p.Window.W, p.Stride.W, p.Pad.W, p.CeilMode) == want[3] {
				if n.Op == "MaxPool" {
					return nchw(d.b.MaxPool(x.node, p)), nil
				}
				return nchw(d.b.AvgPool(x.node, p)), nil
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
	return part{[]string{d.in(n, 0)}, func(in []*value) (*value, error) {
		if err := in[0].isNCHW(); err != nil {
			return nil, err
		}
		return nchw(d.overSpace(n.Op, in[0].node)), nil
	}}, nil
}

func (d *drawing) overSpace(op string, x *nn.Node) *nn.Node {
	if op == "GlobalMaxPool" || op == "ReduceMax" {
		return d.b.GlobalMaxPool(x)
	}
	return d.b.GlobalAvgPool(x)
}

// reduce recognizes means and maxima over all pixels, or over all channels.
func (d *drawing) reduce(n *onnx.Node) (part, error) {
	over, err := d.reducedAxes(n)
	if err != nil {
		return part{}, err
	}
	return part{[]string{d.in(n, 0)}, func(in []*value) (*value, error) {
		x := in[0]
		var gone []dim
		kept := &value{axes: slices.Clone(x.axes)}
		for _, axis := range over {
			gone = append(gone, x.axes[axis]...)
			kept.axes[axis] = nil
		}
		s := x.node.Shape
		all := func(dims ...dim) bool {
			for _, d := range dims {
				if d.side(s) > 1 && !slices.Contains(gone, d) {
					return false
				}
			}
			return true
		}
		switch {
		case len(gone) == 0:
			kept.node = x.node
		case all(dimH, dimW) && !slices.Contains(gone, dimC):
			kept.node = d.overSpace(n.Op, x.node)
		case all(dimC) && !slices.Contains(gone, dimH) && !slices.Contains(gone, dimW):
			if n.Op == "ReduceMax" {
				kept.node = d.b.ChannelMax(x.node)
			} else {
				kept.node = d.b.ChannelMean(x.node)
			}
		default:
			return nil, fmt.Errorf("networks cannot reduce the axes %v of %v", over, x.shape())
		}
		return kept.reshape(d.values[n.Outputs[0]].Shape)
	}}, nil
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
		return d.linear(n, in[0], v, w.Shape[1], b)
	}}, nil
}

// matMul recognizes products with a constant matrix, and the bias that is added to one.
func (d *drawing) matMul(n *onnx.Node) (part, error) {
	w := d.constant(n.Inputs[1])
	if w == nil || w.Rank() != 2 {
		return part{}, errors.New("networks multiply with constant matrices only")
	}
	return part{[]string{d.in(n, 0)}, func(in []*value) (*value, error) {
		return d.linear(n, in[0], w.Float32s(), w.Shape[1], nil)
	}}, nil
}

// linear draws a product of the value's last axis with a matrix (in, out). It is a
// linear layer if that axis holds the whole value, and otherwise a convolution of 1x1.
func (d *drawing) linear(n *onnx.Node, x *value, w []float32, out int, bias []float32) (*value, error) {
	last := len(x.axes) - 1
	dims, s := x.axes[last], x.node.Shape
	order := channelOrder(dims, s)
	in := len(order)
	rows := make([]float32, in*out) // (out, in), in the order C, H, W
	for o := range out {
		for i, at := range order {
			rows[o*in+i] = w[at*out+o]
		}
	}
	result := &value{axes: slices.Clone(x.axes)}
	result.axes[last] = nil
	if out > 1 {
		result.axes[last] = []dim{dimC}
	}
	whole := in == s.Len()
	if again := d.again(paramsOf(n), nn.Linear, x.node); again != nil && whole {
		result.node = d.b.Again(again, x.node)
		return result, nil
	}
	name := d.layer("linear", n.Inputs[1])
	if whole {
		if bias == nil {
			bias = make([]float32, out)
		}
		d.param(name, nn.Weight, []int{out, in}, rows)
		d.param(name, nn.Bias, []int{out}, bias)
		result.node = d.b.Linear(name, x.node, out)
		d.layers[paramsOf(n)] = result.node
		return result, nil
	}
	if in != s.C {
		return nil, fmt.Errorf("its input %v has other axes than the channels last", x.shape())
	}
	d.param(name, nn.Weight, []int{out, in, 1, 1}, rows)
	if bias != nil {
		d.param(name, nn.Bias, []int{out}, bias)
	}
	result.node = d.b.Conv(name, x.node, nn.Conv2d{Out: out, Window: nn.Square(1), Bias: bias != nil})
	return result, nil
}

// channelOrder returns for each element of an axis, in the order C, H, W, its place
// in the order of the axis' dimensions.
func channelOrder(dims []dim, s nn.Shape) []int {
	order := []int{0}
	for _, want := range []dim{dimC, dimH, dimW} {
		at := slices.Index(dims, want)
		if at < 0 {
			continue
		}
		stride := 1
		for _, d := range dims[at+1:] {
			stride *= d.side(s)
		}
		var next []int
		for _, base := range order {
			for i := range want.side(s) {
				next = append(next, base+i*stride)
			}
		}
		order = next
	}
	return order
}
