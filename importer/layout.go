package importer

import (
	"fmt"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/importer/tensor"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

// arranged returns the value in a node whose coordinates count the digits of slots.
// Digits that are in none of the lists must repeat elements. The node is an earlier one
// if that has the order already.
func (d *drawing) arranged(v *value, lists [3][]slot) *value {
	v = d.real(v)
	a := nn.Arrangement{First: v.first}
	out := &value{axes: make([][]nn.Digit, len(v.axes))}
	for i, digits := range v.axes {
		out.axes[i] = slices.Clone(digits)
		for j := range digits {
			out.axes[i][j].Step = 0
		}
	}
	for axis, slots := range lists {
		step := 1
		for _, s := range slices.Backward(slots) {
			digit := v.at(s)
			out.axes[s.axis][s.digit] = nn.Digit{Size: digit.Size, Axis: nn.Axis(axis), Step: step}
			step *= digit.Size
		}
		a.Digits[axis] = merged(v.digits(slots))
	}
	for i := range out.axes {
		out.axes[i] = merged(out.axes[i])
	}
	out.node = d.rearrange(v.node, a)
	return out
}

// rearrange draws an arrangement in its simplest form.
func (d *drawing) rearrange(x *nn.Node, a nn.Arrangement) *nn.Node {
	if raw := d.raw[x]; raw != nil {
		return d.constantNode(raw, a)
	}
	key := fmt.Sprint(x.ID, a)
	if n := d.rearranged[key]; n != nil {
		return n
	}
	n := d.crop(x, a)
	if n == nil {
		n = d.moveAndDrop(x, a)
	}
	if n == nil {
		n = d.b.Rearrange(x, a)
	}
	d.rearranged[key] = n
	return n
}

// moveAndDrop draws an arrangement of a layer's output that moves whole pixels and takes
// some of the channels, or returns nil. Queries, keys and values share the move, which
// runtime/engine makes a part of the layer.
func (d *drawing) moveAndDrop(x *nn.Node, a nn.Arrangement) *nn.Node {
	c, channels := x.Shape.C, a.Digits[nn.AxisC]
	if x.Op != nn.Conv && x.Op != nn.BatchNorm || len(channels) != 1 {
		return nil
	}
	digit := channels[0]
	if digit.Axis != nn.AxisC || digit.Step != 1 || digit.Size == c || a.First[nn.AxisC]+digit.Size > c {
		return nil
	}
	for _, axis := range []nn.Axis{nn.AxisH, nn.AxisW} {
		for _, pixel := range a.Digits[axis] {
			if pixel.Axis == nn.AxisC && pixel.Step > 0 {
				return nil
			}
		}
	}
	move := a
	move.First[nn.AxisC], move.Digits[nn.AxisC] = 0, []nn.Digit{{Size: c, Axis: nn.AxisC, Step: 1}}
	moved := d.rearrange(x, move)
	drop := nn.Arrangement{First: [3]int{a.First[nn.AxisC]}, Digits: [3][]nn.Digit{{digit}}}
	for axis, side := range []int{moved.Shape.C, moved.Shape.H, moved.Shape.W} {
		if axis > 0 && side > 1 {
			drop.Digits[axis] = []nn.Digit{{Size: side, Axis: nn.Axis(axis), Step: 1}}
		}
	}
	return d.rearrange(moved, drop)
}

// run is a range of a coordinate, in steps.
type run struct{ first, n, step int }

// crop draws an arrangement that takes some channels, rows and columns in their order,
// or returns nil.
func (d *drawing) crop(x *nn.Node, a nn.Arrangement) *nn.Node {
	var runs [3]run
	for i, digits := range a.Digits {
		axis := nn.Axis(i)
		r := run{a.First[i], 1, 1}
		switch {
		case len(digits) == 1 && digits[0].Axis == axis && digits[0].Step > 0:
			r.n, r.step = digits[0].Size, digits[0].Step
		case len(digits) > 0:
			return nil
		}
		if r.first+(r.n-1)*r.step >= axis.Side(x.Shape) {
			return nil
		}
		runs[i] = r
	}
	c, h, w := runs[nn.AxisC], runs[nn.AxisH], runs[nn.AxisW]
	if c.step > 1 {
		return nil
	}
	after := func(r run, side int) int { return r.first + (r.n-1)*r.step + 1 - side }
	border := nn.Border{Top: -h.first, Left: -w.first, Bottom: after(h, x.Shape.H), Right: after(w, x.Shape.W)}
	if (h.step > 1 || w.step > 1) && h.first == 0 && w.first == 0 &&
		(x.Shape.H-1)/h.step+1 == h.n && (x.Shape.W-1)/w.step+1 == w.n {
		border = nn.Border{} // what the strides leave over needs no crop
	}
	if border != (nn.Border{}) {
		x = d.b.Pad(x, border)
	}
	if h.step > 1 || w.step > 1 {
		x = d.b.Subsample(x, nn.HW{H: h.step, W: w.step})
	}
	if c.n < x.Shape.C {
		x = d.b.PadChannels(x, -c.first, c.first+c.n-x.Shape.C)
	}
	return x
}

// constantNode draws the arrangement of the elements of a constant.
func (d *drawing) constantNode(raw []float32, a nn.Arrangement) *nn.Node {
	s := a.Shape()
	out := make([]float32, 0, s.Len())
	h, w := a.Offsets(nn.AxisH), a.Offsets(nn.AxisW)
	for _, c := range a.Offsets(nn.AxisC) {
		for _, h := range h {
			for _, w := range w {
				out = append(out, raw[a.Place(nn.Shape{C: 1, H: 1, W: len(raw)}, c, h, w)[nn.AxisW]])
			}
		}
	}
	name := d.layer("constant", "")
	d.param(name, nn.Weight, []int{s.C, s.H, s.W}, out)
	return d.b.Constant(name, s)
}

// constantValue returns a constant as a value, whose node is drawn when its order is
// known.
func (d *drawing) constantValue(c *tensor.Tensor) *value {
	n := &nn.Node{Op: nn.Constant, Shape: nn.Shape{C: 1, H: 1, W: c.Len()}}
	d.raw[n] = c.Float32s()
	v, _ := place(n, nn.AxisW).reshape(c.Shape)
	return v
}

// compact returns the value in a node that holds each of its elements once, in the
// order of the value's own node.
func (d *drawing) compact(v *value) *value {
	v = d.real(v)
	return d.arranged(v, [3][]slot{v.natural(nn.AxisC), v.natural(nn.AxisH), v.natural(nn.AxisW)})
}

// channels returns the value in a node whose channels are the elements along some
// axes. Their order may be any.
func (d *drawing) channels(v *value, axes ...int) *value {
	v = d.real(v)
	lists := [3][]slot{v.slots(axes...)}
	inside := true
	for _, s := range lists[0] {
		inside = inside && v.at(s).Axis == nn.AxisC && v.at(s).Step > 0
	}
	for _, s := range v.natural(nn.AxisC) {
		if !slices.Contains(axes, s.axis) {
			inside = false
			lists[nn.AxisH] = append(lists[nn.AxisH], s)
		}
	}
	if inside {
		return d.compact(v)
	}
	for _, a := range []nn.Axis{nn.AxisH, nn.AxisW} {
		for _, s := range v.natural(a) {
			if !slices.Contains(axes, s.axis) {
				lists[a] = append(lists[a], s)
			}
		}
	}
	return d.arranged(v, lists)
}

// image returns the node of a batch of maps, with the axes N, C, H, W or N, C, W.
func (d *drawing) image(v *value) (*nn.Node, error) {
	switch len(v.axes) {
	case 3:
		return d.arranged(v, [3][]slot{v.slots(1), nil, v.slots(2)}).node, nil
	case 4:
		return d.arranged(v, [3][]slot{v.slots(1), v.slots(2), v.slots(3)}).node, nil
	}
	return nil, fmt.Errorf("its input %v does not have the axes N, C, H, W", v)
}

// linear returns the value in a node of one row, in the value's own order.
func (d *drawing) linear(v *value) *value {
	v = d.real(v)
	return d.arranged(v, [3][]slot{nil, nil, v.slots(d.axes(v)...)})
}

// separate returns the value in a node whose coordinates are its axes, if it has at
// most three that are longer than 1, and else in one row.
func (d *drawing) separate(v *value) *value {
	v = d.real(v)
	lists := [3][]slot{}
	count := [3]int{}
	var others []int
	for i, digits := range v.axes {
		switch {
		case len(digits) == 0:
		case count[0] == 0 && only(digits, nn.AxisC):
			lists[nn.AxisC], count[0] = v.slots(i), 1
		default:
			others = append(others, i)
		}
	}
	for _, i := range others {
		free := slices.Index(count[1:], 0) + 1
		if free == 0 {
			if count[0] > 0 {
				return d.linear(v)
			}
			free = 0
		}
		lists[free], count[free] = v.slots(i), 1
	}
	return d.arranged(v, lists)
}

// axes lists the axes of a value.
func (d *drawing) axes(v *value) []int {
	axes := make([]int, len(v.axes))
	for i := range axes {
		axes[i] = i
	}
	return axes
}

// reshaped returns the value with other sides of its axes.
func (d *drawing) reshaped(v *value, shape []int) *value {
	out, ok := v.reshape(shape)
	if !ok {
		out, _ = d.linear(v).reshape(shape)
	}
	return out
}

// sliced returns a part of an axis.
func (d *drawing) sliced(v *value, axis, start, n, step int) *value {
	out, ok := v.slice(axis, start, n, step)
	if !ok {
		out, _ = d.separate(v).slice(axis, start, n, step)
	}
	return out
}

// split divides the digits of each axis of both values in the same way: an axis of
// length 1 repeats. ok is false if that is not possible.
func split(a, b *value) (x, y *value, ok bool) {
	x, y = &value{a.node, a.first, make([][]nn.Digit, len(a.axes))}, &value{b.node, b.first, make([][]nn.Digit, len(b.axes))}
	for i := range a.axes {
		p, q := slices.Clone(a.axes[i]), slices.Clone(b.axes[i])
		switch {
		case len(p) == 0:
			p = repeats(q)
		case len(q) == 0:
			q = repeats(p)
		}
		for len(p) > 0 && len(q) > 0 {
			n := min(p[0].Size, q[0].Size)
			var one, other nn.Digit
			if one, p, ok = outer(p, n); !ok {
				return nil, nil, false
			}
			if other, q, ok = outer(q, n); !ok {
				return nil, nil, false
			}
			x.axes[i], y.axes[i] = append(x.axes[i], one), append(y.axes[i], other)
		}
		if len(p)+len(q) > 0 {
			return nil, nil, false
		}
	}
	return x, y, true
}

// repeats returns digits of the same sizes that repeat.
func repeats(digits []nn.Digit) (out []nn.Digit) {
	for _, d := range digits {
		out = append(out, nn.Digit{Size: d.Size})
	}
	return out
}

// outer splits the first digit into one of size n and the rest.
func outer(digits []nn.Digit, n int) (d nn.Digit, rest []nn.Digit, ok bool) {
	d, rest = digits[0], digits[1:]
	if d.Size == n {
		return d, rest, true
	}
	if d.Size%n != 0 {
		return d, nil, false
	}
	inner := d.Size / n
	return nn.Digit{Size: n, Axis: d.Axis, Step: d.Step * inner}, slices.Insert(rest, 0, nn.Digit{Size: inner, Axis: d.Axis, Step: d.Step}), true
}

// aligned returns nodes of two values whose coordinates count the same digits. A side
// may be 1 where the value repeats. out is the value of an operation on both.
func (d *drawing) aligned(a, b *value) (x, y *nn.Node, out *value, err error) {
	rank := max(len(a.axes), len(b.axes))
	a, b = d.real(a).raise(rank), d.real(b).raise(rank)
	swap := d.raw[a.node] != nil || d.raw[b.node] == nil && a.node.Shape.Len() < b.node.Shape.Len()
	lead, follow := a, b
	if swap {
		lead, follow = b, a
	}
	lead = d.compact(lead)
	p, q, ok := split(lead, follow)
	if !ok {
		p, q, ok = split(lead, d.separate(follow))
	}
	if !ok {
		return nil, nil, nil, fmt.Errorf("networks cannot combine %v and %v", a, b)
	}
	lists := [3][]slot{p.natural(nn.AxisC), p.natural(nn.AxisH), p.natural(nn.AxisW)}
	for axis := range lists { // what only the other one does not repeat comes last
		for _, s := range q.natural(nn.Axis(axis)) {
			if p.at(s).Step == 0 {
				lists[axis] = append(lists[axis], s)
			}
		}
	}
	out = d.along(p, lists)
	one, other := d.arranged(p, used(p, lists)).node, d.arranged(q, used(q, lists)).node
	if swap {
		one, other = other, one
	}
	return one, other, out, nil
}

// along returns a value without a node whose coordinates count the digits of slots.
func (d *drawing) along(v *value, lists [3][]slot) *value {
	out := &value{axes: make([][]nn.Digit, len(v.axes))}
	for i, digits := range v.axes {
		out.axes[i] = slices.Clone(digits)
	}
	for axis, slots := range lists {
		step := 1
		for _, s := range slices.Backward(slots) {
			out.axes[s.axis][s.digit] = nn.Digit{Size: v.at(s).Size, Axis: nn.Axis(axis), Step: step}
			step *= v.at(s).Size
		}
	}
	for i := range out.axes {
		out.axes[i] = merged(out.axes[i])
	}
	return out
}

// used returns the lists without coordinates along which a value repeats.
func used(v *value, lists [3][]slot) [3][]slot {
	for axis, slots := range lists {
		repeated := true
		for _, s := range slots {
			repeated = repeated && v.at(s).Step == 0
		}
		if repeated {
			lists[axis] = nil
		}
	}
	return lists
}
