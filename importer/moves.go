package importer

import (
	"errors"
	"fmt"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/artifact/onnx"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

// concat recognizes lists of channels.
func (d *drawing) concat(n *onnx.Node) (part, error) {
	var inputs []string
	for i := range n.Inputs {
		name := d.in(n, i)
		if d.constant(name) != nil {
			return part{}, errors.New("networks cannot join values and constants yet")
		}
		inputs = append(inputs, name)
	}
	return part{inputs, func(in []*value) (*value, error) {
		axis := integer(n, "axis", 1)
		if axis < 0 {
			axis += len(in[0].axes)
		}
		var nodes []*nn.Node
		out := &value{axes: slices.Clone(in[0].axes)}
		out.axes[axis] = []dim{dimC}
		for _, v := range in {
			for i, dims := range v.axes {
				if i != axis && !slices.Equal(dims, out.axes[i]) || i == axis && len(dims) > 0 && !v.holds(i, dimC) {
					return nil, errors.New("networks join channels only")
				}
			}
			nodes = append(nodes, v.node)
		}
		out.node = d.b.Concat(nodes...)
		return out, nil
	}}, nil
}

// pad recognizes zeros around the pixels, and zero channels.
func (d *drawing) pad(n *onnx.Node) (part, error) {
	if a := n.Attribute("mode"); a != nil && a.String != "constant" {
		return part{}, fmt.Errorf("networks cannot pad by %s", a.String)
	}
	if v := d.constant(d.in(n, 2)); v != nil && v.Float64s()[0] != 0 || float(n, "value", 0) != 0 {
		return part{}, errors.New("networks pad with zeros only")
	}
	rank := d.values[n.Inputs[0]].Rank()
	before, after := make([]int, rank), make([]int, rank)
	on := make([]int, rank)
	for i := range on {
		on[i] = i
	}
	if axes := d.constant(d.in(n, 3)); axes != nil {
		on = nil
		for _, a := range axes.Int64s() {
			if a < 0 {
				a += int64(rank)
			}
			on = append(on, int(a))
		}
	}
	var widths []int64
	if a := n.Attribute("pads"); a != nil {
		widths = a.Ints
	} else {
		widths = d.constant(d.in(n, 1)).Int64s()
	}
	for i, axis := range on {
		before[axis], after[axis] = int(widths[i]), int(widths[len(on)+i])
	}
	return part{[]string{d.in(n, 0)}, func(in []*value) (*value, error) {
		x := in[0]
		var border nn.Border
		var more [2]int
		for i := range rank {
			switch {
			case before[i] == 0 && after[i] == 0:
			case x.holds(i, dimC):
				more = [2]int{before[i], after[i]}
			case x.holds(i, dimH):
				border.Top, border.Bottom = before[i], after[i]
			case x.holds(i, dimW):
				border.Left, border.Right = before[i], after[i]
			default:
				return nil, fmt.Errorf("networks cannot pad axis %d of %v", i, x.shape())
			}
		}
		y := x.node
		if border != (nn.Border{}) {
			y = d.b.Pad(y, border)
		}
		if more != [2]int{} {
			y = d.b.PadChannels(y, more[0], more[1])
		}
		return x.with(y), nil
	}}, nil
}

// slice recognizes crops, and every so many pixels.
func (d *drawing) slice(n *onnx.Node) (part, error) {
	list := func(attribute string, i int) []int64 {
		if a := n.Attribute(attribute); a != nil {
			return a.Ints
		}
		if c := d.constant(d.in(n, i)); c != nil {
			return c.Int64s()
		}
		return nil
	}
	starts, axes, steps := list("starts", 1), list("axes", 3), list("steps", 4)
	from, to := d.values[n.Inputs[0]].Shape, d.values[n.Outputs[0]].Shape
	return part{[]string{d.in(n, 0)}, func(in []*value) (*value, error) {
		x := in[0]
		var border nn.Border
		var dropped [2]int
		stride := nn.Square(1)
		for i, start := range starts {
			axis, step := i, 1
			if axes != nil {
				if axis = int(axes[i]); axis < 0 {
					axis += len(from)
				}
			}
			if steps != nil {
				step = int(steps[i])
			}
			if step < 1 {
				return nil, errors.New("networks cannot reverse an axis")
			}
			if start < 0 {
				start += int64(from[axis])
			}
			first := int(max(0, min(start, int64(from[axis]))))
			last := first + (to[axis]-1)*step // the last index that is taken
			cut := from[axis] - 1 - last
			switch {
			case first == 0 && cut == 0 && step == 1:
			case x.holds(axis, dimC) && step == 1:
				dropped = [2]int{-first, -cut}
			case x.holds(axis, dimH):
				border.Top, border.Bottom, stride.H = -first, -cut, step
			case x.holds(axis, dimW):
				border.Left, border.Right, stride.W = -first, -cut, step
			default:
				return nil, fmt.Errorf("networks cannot take a part of axis %d of %v yet", axis, x.shape())
			}
		}
		y := x.node
		if stride != nn.Square(1) && border.Top == 0 && border.Left == 0 {
			border = nn.Border{} // what the strides leave over needs no crop
		}
		if border != (nn.Border{}) {
			y = d.b.Pad(y, border)
		}
		if stride != nn.Square(1) {
			y = d.b.Subsample(y, stride)
		}
		if dropped != [2]int{} {
			y = d.b.PadChannels(y, dropped[0], dropped[1])
		}
		if s := x.with(y).shape(); !slices.Equal(s, to) {
			return nil, fmt.Errorf("networks cannot take the elements %v of %v", to, from)
		}
		return x.with(y), nil
	}}, nil
}

// split recognizes parts of the channels. name is one of the outputs.
func (d *drawing) split(n *onnx.Node, name string) (part, error) {
	rank := d.values[n.Inputs[0]].Rank()
	axis := integer(n, "axis", 0)
	if axis < 0 {
		axis += rank
	}
	before, after := 0, 0
	found := false
	for _, out := range n.Outputs {
		side := d.values[out].Shape[axis]
		switch {
		case out == name:
			found = true
		case found:
			after += side
		default:
			before += side
		}
	}
	return part{[]string{d.in(n, 0)}, func(in []*value) (*value, error) {
		x := in[0]
		if !x.holds(axis, dimC) {
			return nil, fmt.Errorf("networks cannot split axis %d of %v yet", axis, x.shape())
		}
		return x.with(d.b.PadChannels(x.node, -before, -after)), nil
	}}, nil
}
