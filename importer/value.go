package importer

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/importer/tensor"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

// value says where the elements of a value of the ONNX graph lie in the output of a
// node. An index along an axis consists of digits, the most significant one first.
// Each adds to a coordinate, which starts at first and wraps around at the node's
// side, as in an [nn.Arrangement]. A digit of step 0 repeats elements. Digits of size
// 1 are left out.
//
// So reshapes, transposes, slices, splits, cyclic shifts and repetitions only change a
// value. Operations that need another order of elements draw a rearrangement.
type value struct {
	node  *nn.Node
	first [3]int
	axes  [][]nn.Digit
}

// place returns the value of a node whose output has the given axes, each of at most
// one coordinate; none stands for an axis of length 1.
func place(n *nn.Node, axes ...nn.Axis) *value {
	v := &value{node: n, axes: make([][]nn.Digit, len(axes))}
	for i, a := range axes {
		if a != none && a.Side(n.Shape) > 1 {
			v.axes[i] = []nn.Digit{{Size: a.Side(n.Shape), Axis: a, Step: 1}}
		}
	}
	return v
}

const none = nn.AxisW + 1

// nchw returns the value of a node in the usual order.
func nchw(n *nn.Node) *value { return place(n, none, nn.AxisC, nn.AxisH, nn.AxisW) }

// with returns a value of another node with the same digits. The shapes must be equal.
func (v *value) with(n *nn.Node) *value { return &value{n, v.first, v.axes} }

func size(digits []nn.Digit) int {
	n := 1
	for _, d := range digits {
		n *= d.Size
	}
	return n
}

// shape returns the sides of the axes.
func (v *value) shape() []int {
	shape := make([]int, len(v.axes))
	for i, digits := range v.axes {
		shape[i] = size(digits)
	}
	return shape
}

// whole reports whether the value holds each element of its node once.
func (v *value) whole() bool {
	count := 1
	for _, digits := range v.axes {
		for _, d := range digits {
			if d.Step == 0 {
				return false
			}
			count *= d.Size
		}
	}
	return count == v.node.Shape.Len()
}

// merged joins adjacent digits that count on.
func merged(digits []nn.Digit) (out []nn.Digit) {
	for _, d := range digits {
		if d.Size == 1 {
			continue
		}
		if last := len(out) - 1; last >= 0 && out[last].Step == d.Step*d.Size && (out[last].Axis == d.Axis || d.Step == 0) {
			out[last] = nn.Digit{Size: out[last].Size * d.Size, Axis: d.Axis, Step: d.Step}
			continue
		}
		out = append(out, d)
	}
	return out
}

// reshape divides the digits to axes of other sides. ok is false if a side ends within
// a digit that it does not divide.
func (v *value) reshape(shape []int) (out *value, ok bool) {
	rest := merged(slices.Concat(v.axes...))
	out = &value{v.node, v.first, make([][]nn.Digit, len(shape))}
	for i, side := range shape {
		for side > 1 {
			if len(rest) == 0 {
				return nil, false
			}
			d := rest[0]
			switch {
			case side%d.Size == 0:
				out.axes[i] = append(out.axes[i], d)
				side, rest = side/d.Size, rest[1:]
			case d.Size%side == 0:
				inner := d.Size / side
				out.axes[i] = append(out.axes[i], nn.Digit{Size: side, Axis: d.Axis, Step: d.Step * inner})
				rest = slices.Insert(slices.Clone(rest[1:]), 0, nn.Digit{Size: inner, Axis: d.Axis, Step: d.Step})
				side = 1
			default:
				return nil, false
			}
		}
		out.axes[i] = merged(out.axes[i])
	}
	return out, len(rest) == 0
}

// permute reorders the axes.
func (v *value) permute(perm []int) *value {
	out := &value{v.node, v.first, make([][]nn.Digit, len(perm))}
	for i, p := range perm {
		out.axes[i] = v.axes[p]
	}
	return out
}

// raise returns the value with axes of length 1 at the front, so that it has at least
// that many.
func (v *value) raise(rank int) *value {
	missing := max(0, rank-len(v.axes))
	return &value{v.node, v.first, append(make([][]nn.Digit, missing), v.axes...)}
}

// repeat returns the value with its axes of length 1 repeated, to a shape of at least
// as many axes.
func (v *value) repeat(shape []int) *value {
	out := v.raise(len(shape))
	out.axes = slices.Clone(out.axes)
	for i, side := range shape {
		if side > 1 && size(out.axes[i]) == 1 {
			out.axes[i] = []nn.Digit{{Size: side}}
		}
	}
	return out
}

// slice returns n elements of an axis, from start on, in steps. ok is false if no
// digits describe them.
func (v *value) slice(axis, start, n, step int) (out *value, ok bool) {
	out = &value{v.node, v.first, slices.Clone(v.axes)}
	digits, ok := out.cut(v.axes[axis], start, n, step)
	out.axes[axis] = merged(digits)
	for i := range out.first {
		side := nn.Axis(i).Side(v.node.Shape)
		out.first[i] = (out.first[i]%side + side) % side
	}
	return out, ok
}

// cut returns the digits of a part of an axis, and moves the value's first element.
func (v *value) cut(digits []nn.Digit, start, n, step int) ([]nn.Digit, bool) {
	if len(digits) == 0 {
		return nil, start == 0 && n == 1
	}
	d, inner := digits[0], size(digits[1:])
	outer := func(i int) { v.first[d.Axis] += i * d.Step }
	switch {
	case start == 0 && step == 1 && n == d.Size*inner:
		return digits, true
	case inner == 1 || step%inner == 0:
		outer(start / inner)
		side := d.Axis.Side(v.node.Shape)
		by := (d.Step*(step/inner)%side + side) % side
		rest, ok := v.cut(digits[1:], start%inner, 1, 1)
		return append([]nn.Digit{{Size: n, Axis: d.Axis, Step: by}}, rest...), ok
	case step == 1 && start%inner == 0 && n%inner == 0:
		outer(start / inner)
		return append([]nn.Digit{{Size: n / inner, Axis: d.Axis, Step: d.Step}}, digits[1:]...), true
	case n == 1: // a longer part would lie in another node than its neighbors
		outer(start / inner)
		return v.cut(digits[1:], start%inner, n, step)
	case step > 0 && start < step && inner%step == 0 && n*step == d.Size*inner:
		rest, ok := v.cut(digits[1:], start, inner/step, step)
		return append([]nn.Digit{d}, rest...), ok
	}
	return nil, false
}

// only reports whether all digits of an axis that do not repeat belong to a
// coordinate.
func only(digits []nn.Digit, a nn.Axis) bool {
	for _, d := range digits {
		if d.Step != 0 && d.Axis != a {
			return false
		}
	}
	return true
}

// slot names a digit of a value.
type slot struct{ axis, digit int }

// natural returns the slots of all digits of a coordinate that do not repeat, in the
// order of the node.
func (v *value) natural(a nn.Axis) (slots []slot) {
	for i, digits := range v.axes {
		for j, d := range digits {
			if d.Step != 0 && d.Axis == a {
				slots = append(slots, slot{i, j})
			}
		}
	}
	slices.SortStableFunc(slots, func(s, t slot) int { return cmp.Compare(v.at(t).Step, v.at(s).Step) })
	return slots
}

func (v *value) at(s slot) nn.Digit { return v.axes[s.axis][s.digit] }

// slots returns all digits of some axes.
func (v *value) slots(axes ...int) (slots []slot) {
	for _, a := range axes {
		for j := range v.axes[a] {
			slots = append(slots, slot{a, j})
		}
	}
	return slots
}

// digits returns the digits of slots.
func (v *value) digits(slots []slot) (out []nn.Digit) {
	for _, s := range slots {
		out = append(out, v.at(s))
	}
	return out
}

// indexOf returns the index along an axis of the element at some coordinates. Every
// digit of the axis must be one of the coordinates, without wrapping around.
func (v *value) indexOf(axis int, at [3]int) int {
	index := 0
	for _, d := range v.axes[axis] {
		index *= d.Size
		if d.Step > 0 {
			index += at[d.Axis] / d.Step % d.Size
		}
	}
	return index
}

// channelOrder returns for each channel its index along an axis that holds all
// channels and nothing else.
func (v *value) channelOrder(axis int) []int {
	order := make([]int, v.node.Shape.C)
	for c := range order {
		order[c] = v.indexOf(axis, [3]int{c, 0, 0})
	}
	return order
}

// perChannel returns the element of a constant for each channel of a compact value. ok
// is false if the constant varies along pixels or is larger than the value.
func (v *value) perChannel(c *tensor.Tensor) (out []float64, ok bool) {
	out = make([]float64, v.node.Shape.C)
	elements := c.Float64s()
	offset := len(v.axes) - c.Rank()
	for i, side := range c.Shape {
		if side == 1 {
			continue
		}
		if i+offset < 0 || !only(v.axes[i+offset], nn.AxisC) || size(v.axes[i+offset]) != side {
			return nil, false
		}
		for _, d := range v.axes[i+offset] {
			if d.Step == 0 {
				return nil, false
			}
		}
	}
	for channel := range out {
		index := 0
		for i, side := range c.Shape {
			index *= side
			if side > 1 {
				index += v.indexOf(i+offset, [3]int{channel, 0, 0})
			}
		}
		out[channel] = elements[index]
	}
	return out, true
}

// String describes the value for error messages.
func (v *value) String() string { return fmt.Sprint(v.shape()) }
