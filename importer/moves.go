package importer

import (
	"errors"
	"fmt"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/artifact/onnx"
	"github.com/deploy-kernel/deploy-kernel/importer/tensor"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

// moved recognizes an operation that only moves elements of its first input.
func (d *drawing) moved(n *onnx.Node, move func(v *value) *value) (part, error) {
	return part{[]string{d.in(n, 0)}, func(in []*value) (*value, error) { return move(in[0]), nil }}, nil
}

// reshape only groups axes anew. The shape is the one that was inferred.
func (d *drawing) reshape(n *onnx.Node) (part, error) {
	return d.moved(n, func(v *value) *value { return d.reshaped(v, d.values[n.Outputs[0]].Shape) })
}

func (d *drawing) expand(n *onnx.Node) (part, error) {
	return d.moved(n, func(v *value) *value { return v.repeat(d.values[n.Outputs[0]].Shape) })
}

func (d *drawing) transpose(n *onnx.Node) (part, error) {
	rank := d.values[n.Inputs[0]].Rank()
	perm := make([]int, rank)
	for i := range perm {
		perm[i] = rank - 1 - i
	}
	if a := n.Attribute("perm"); a != nil {
		for i, p := range a.Ints {
			if perm[i] = int(p); p < 0 {
				perm[i] += rank
			}
		}
	}
	return d.moved(n, func(v *value) *value { return v.permute(perm) })
}

// tile recognizes repetitions of whole axes.
func (d *drawing) tile(n *onnx.Node) (part, error) {
	from, to := d.values[n.Inputs[0]].Shape, d.values[n.Outputs[0]].Shape
	return d.moved(n, func(v *value) *value {
		out := v.with(v.node)
		out.axes = slices.Clone(v.axes)
		for i := range from {
			out.axes[i] = merged(append([]nn.Digit{{Size: to[i] / from[i]}}, v.axes[i]...))
		}
		return out
	})
}

// depthToSpace recognizes channels that become blocks of pixels.
func (d *drawing) depthToSpace(n *onnx.Node) (part, error) {
	s, b := d.values[n.Inputs[0]].Shape, integer(n, "blocksize", 1)
	c := s[1] / b / b
	shape, perm := []int{1, b, b, c, s[2], s[3]}, []int{0, 3, 4, 1, 5, 2}
	if a := n.Attribute("mode"); a != nil && a.String == "CRD" {
		shape, perm = []int{1, c, b, b, s[2], s[3]}, []int{0, 1, 4, 2, 5, 3}
	}
	return d.moved(n, func(v *value) *value {
		return d.reshaped(d.reshaped(v, shape).permute(perm), d.values[n.Outputs[0]].Shape)
	})
}

// spaceToDepth recognizes blocks of pixels that become channels.
func (d *drawing) spaceToDepth(n *onnx.Node) (part, error) {
	s, b := d.values[n.Inputs[0]].Shape, integer(n, "blocksize", 1)
	return d.moved(n, func(v *value) *value {
		v = d.reshaped(v, []int{1, s[1], s[2] / b, b, s[3] / b, b})
		return d.reshaped(v.permute([]int{0, 3, 5, 1, 2, 4}), d.values[n.Outputs[0]].Shape)
	})
}

// slice recognizes parts of axes.
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
	return d.moved(n, func(v *value) *value {
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
			side := int64(from[axis])
			if start < 0 {
				start += side
			}
			first := max(0, min(start, side))
			if step < 0 {
				first = max(0, min(start, side-1))
			}
			v = d.sliced(v, axis, int(first), to[axis], step)
		}
		return v
	})
}

// maxRuns bounds the runs of a gather.
const maxRuns = 256

// gather recognizes elements of an axis. Indices in equal steps are one part of it.
func (d *drawing) gather(n *onnx.Node) (part, error) {
	indices := d.constant(d.in(n, 1))
	from := d.values[n.Inputs[0]].Shape
	axis := axisOf(n, 0, len(from))
	if indices == nil || indices.Len() == 0 {
		return part{}, errors.New("its indices are no constants")
	}
	list := make([]int, indices.Len())
	for i, at := range indices.Int64s() {
		if list[i] = int(at); at < 0 {
			list[i] += from[axis]
		}
	}
	runs := runsOf(list)
	if len(runs) > maxRuns {
		return part{}, fmt.Errorf("networks take at most %d parts of an axis", maxRuns)
	}
	return d.moved(n, func(v *value) *value {
		var parts []*value
		for _, r := range runs {
			parts = append(parts, d.sliced(v, axis, r.first, r.n, r.step))
		}
		out, ok := joined(parts, axis)
		if !ok {
			for i := range parts {
				parts[i] = d.real(parts[i])
			}
			out = d.joinedNodes(parts, axis)
		}
		return d.reshaped(out, d.values[n.Outputs[0]].Shape)
	})
}

// runsOf divides indices into runs of equal steps.
func runsOf(list []int) (runs []run) {
	for i := 0; i < len(list); {
		r := run{list[i], 1, 1}
		if i+1 < len(list) && list[i+1] != list[i] {
			r.step = list[i+1] - list[i]
		}
		for i++; i < len(list) && list[i] == r.first+r.n*r.step; i++ {
			r.n++
		}
		runs = append(runs, r)
	}
	return runs
}

// split recognizes parts of an axis. name is one of the outputs.
func (d *drawing) split(n *onnx.Node, name string) (part, error) {
	axis := axisOf(n, 0, d.values[n.Inputs[0]].Rank())
	first := 0
	for _, out := range n.Outputs {
		side := d.values[out].Shape[axis]
		if out == name {
			return d.moved(n, func(v *value) *value { return d.sliced(v, axis, first, side, 1) })
		}
		first += side
	}
	return part{}, errors.New("it has no such output")
}

// concat recognizes lists of channels or pixels, and parts that are joined again.
func (d *drawing) concat(n *onnx.Node) (part, error) {
	axis := axisOf(n, 1, d.values[n.Outputs[0]].Rank())
	var names []string
	for i := range n.Inputs {
		if name := d.in(n, i); d.constant(name) == nil {
			names = append(names, name)
		}
	}
	return part{names, func(in []*value) (*value, error) {
		var parts []*value
		for i := range n.Inputs {
			if v := d.constantOr(d.in(n, i), &in); tensor.Len(v.shape()) > 0 {
				parts = append(parts, d.real(v))
			}
		}
		if out, ok := joined(parts, axis); ok {
			return out, nil
		}
		return d.joinedNodes(parts, axis), nil
	}}, nil
}

// joined joins parts of one node whose elements count on. ok is false if they do not.
func joined(parts []*value, axis int) (out *value, ok bool) {
	out = parts[0].with(parts[0].node)
	out.axes = slices.Clone(out.axes)
	var firsts [][3]int
	total := 0
	for _, p := range parts {
		if p.node != out.node {
			return nil, false
		}
		firsts = append(firsts, p.first)
		total += size(p.axes[axis])
		for i := range p.axes {
			if i != axis && !slices.Equal(p.axes[i], out.axes[i]) {
				return nil, false
			}
		}
	}
	if digits, ok := countOn(parts, axis, total); ok {
		out.axes[axis] = digits
		return out, true
	}
	for _, p := range parts {
		if !slices.Equal(p.axes[axis], out.axes[axis]) {
			return nil, false
		}
	}
	outer, ok := progression(firsts, out.node.Shape)
	out.axes[axis] = merged(append(outer, out.axes[axis]...))
	return out, ok
}

// countOn returns the digit of parts that follow each other along a coordinate, maybe
// around its end.
func countOn(parts []*value, axis, total int) ([]nn.Digit, bool) {
	var digit nn.Digit
	for _, p := range parts {
		if len(p.axes[axis]) == 1 {
			digit = p.axes[axis][0]
		}
	}
	if digit.Step == 0 {
		return nil, false
	}
	side := digit.Axis.Side(parts[0].node.Shape)
	next := parts[0].first
	for _, p := range parts {
		if len(p.axes[axis]) > 1 || p.first != next {
			return nil, false
		}
		if len(p.axes[axis]) == 1 && (p.axes[axis][0].Axis != digit.Axis || p.axes[axis][0].Step != digit.Step) {
			return nil, false
		}
		next[digit.Axis] = (next[digit.Axis] + size(p.axes[axis])*digit.Step) % side
	}
	return []nn.Digit{{Size: total, Axis: digit.Axis, Step: digit.Step}}, true
}

// progression returns digits that count from the first of some coordinates to all
// others, in order.
func progression(firsts [][3]int, s nn.Shape) ([]nn.Digit, bool) {
	if len(firsts) == 1 {
		return nil, true
	}
	var step nn.Digit
	for axis := nn.AxisC; axis <= nn.AxisW; axis++ {
		if by := firsts[1][axis] - firsts[0][axis]; by != 0 {
			if step.Step != 0 {
				return nil, false
			}
			side := axis.Side(s)
			step = nn.Digit{Axis: axis, Step: (by%side + side) % side}
		}
	}
	if step.Step == 0 {
		return nil, false
	}
	after := func(first [3]int, n int) [3]int {
		first[step.Axis] = (first[step.Axis] + n*step.Step) % step.Axis.Side(s)
		return first
	}
	n := 1
	for n < len(firsts) && firsts[n] == after(firsts[0], n) {
		n++
	}
	if len(firsts)%n != 0 {
		return nil, false
	}
	var blocks [][3]int
	for i, first := range firsts {
		if i%n == 0 {
			blocks = append(blocks, first)
		}
		if first != after(blocks[len(blocks)-1], i%n) {
			return nil, false
		}
	}
	step.Size = n
	outer, ok := progression(blocks, s)
	return append(outer, step), ok
}

// joinedNodes draws a list of channels, or of pixels, from parts of several nodes.
func (d *drawing) joinedNodes(parts []*value, axis int) *value {
	lead := parts[0]
	for _, p := range parts {
		if d.raw[lead.node] != nil {
			lead = p
		}
	}
	rank := len(lead.axes)
	inChannels := true
	for _, p := range parts {
		inChannels = inChannels && (only(p.axes[axis], nn.AxisC) || d.raw[p.node] != nil)
	}
	// The axes of the channels, and those of the pixels.
	channels, pixels := []int{axis}, []int{}
	if !inChannels {
		channels, pixels = nil, []int{axis}
	}
	for i := range rank {
		switch {
		case i == axis:
		case !inChannels && len(lead.axes[i]) > 0 && only(lead.axes[i], nn.AxisC):
			channels = append(channels, i)
		default:
			pixels = append(pixels, i)
		}
	}
	rows := pixels[:max(0, len(pixels)-1)]
	out := &value{axes: make([][]nn.Digit, rank)}
	var nodes []*nn.Node
	total := 0
	for _, p := range parts {
		total += size(p.axes[axis])
		if inChannels || len(parts) == 1 {
			p = d.arranged(p, [3][]slot{p.slots(channels...), p.slots(rows...), p.slots(pixels[len(rows):]...)})
		} else {
			p = d.tokens(p, channels, pixels[:1], pixels[1:]...)
		}
		nodes = append(nodes, p.node)
	}
	sides := lead.shape()
	sides[axis] = total
	count := func(a nn.Axis, axes []int) {
		step := 1
		for _, i := range slices.Backward(axes) {
			if sides[i] > 1 {
				out.axes[i] = []nn.Digit{{Size: sides[i], Axis: a, Step: step}}
			}
			step *= sides[i]
		}
	}
	count(nn.AxisC, channels)
	switch {
	case len(nodes) == 1:
		out.node = nodes[0]
		count(nn.AxisH, rows)
		count(nn.AxisW, pixels[len(rows):])
	case inChannels:
		out.node = d.b.Concat(nodes...)
		count(nn.AxisH, rows)
		count(nn.AxisW, pixels[len(rows):])
	default:
		out.node = d.b.ConcatPixels(nodes...)
		count(nn.AxisW, pixels)
	}
	return out
}

// pad recognizes zeros around the pixels, and zero channels.
func (d *drawing) pad(n *onnx.Node) (part, error) {
	mode, fill := "constant", float(n, "value", 0)
	if a := n.Attribute("mode"); a != nil {
		mode = a.String
	}
	if name := d.in(n, 2); name != "" {
		v := d.constant(name)
		if v == nil {
			return part{}, errors.New("its value is no constant")
		}
		fill = v.Float64s()[0]
	}
	const most = 1 << 24
	if tensor.Len(d.values[n.Outputs[0]].Shape) > most {
		return part{}, errors.New("its output is too large")
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
		if !slices.ContainsFunc(before, positive) && !slices.ContainsFunc(after, positive) && !slices.ContainsFunc(slices.Concat(before, after), negative) {
			return in[0], nil
		}
		if mode == "constant" && fill == 0 {
			return d.padded(in[0], before, after)
		}
		return d.extended(in[0], before, after, mode, fill), nil
	}}, nil
}

// extended draws a value with others before and after it along axes: those of a mode of
// the operator Pad, or a number.
func (d *drawing) extended(v *value, before, after []int, mode string, fill float64) *value {
	for i := range before {
		side := size(v.axes[i])
		if cut := max(0, -before[i]); cut > 0 || after[i] < 0 {
			v = d.sliced(v, i, cut, side-cut-max(0, -after[i]), 1)
			side = size(v.axes[i])
		}
		beside := func(n, first, step int) *value {
			switch mode {
			case "constant":
				shape := v.shape()
				shape[i] = n
				return d.constantValue(tensor.Floats(onnx.Float32, shape, slices.Repeat([]float64{fill}, tensor.Len(shape))))
			case "edge":
				shape := v.shape()
				shape[i] = n
				return d.sliced(v, i, first, 1, 1).repeat(shape)
			}
			return d.sliced(v, i, first, n, step)
		}
		firsts, step := [2]int{before[i], side - 2}, -1
		switch mode {
		case "edge":
			firsts = [2]int{0, side - 1}
		case "wrap":
			firsts, step = [2]int{side - before[i], 0}, 1
		}
		parts := []*value{v}
		if n := before[i]; n > 0 {
			parts = slices.Insert(parts, 0, beside(n, firsts[0], step))
		}
		if n := after[i]; n > 0 {
			parts = append(parts, beside(n, firsts[1], step))
		}
		if len(parts) > 1 {
			v = d.joinedNodes(parts, i)
		}
	}
	return v
}

func positive(n int) bool { return n > 0 }
func negative(n int) bool { return n < 0 }

// padded draws zeros around a value, or crops it.
func (d *drawing) padded(v *value, before, after []int) (*value, error) {
	x := d.compact(v)
	whole := func(v *value, i int) bool {
		return len(v.axes[i]) == 1 && v.axes[i][0].Step == 1 && v.axes[i][0].Size == v.axes[i][0].Axis.Side(v.node.Shape)
	}
	// Every axis that is padded must be a coordinate.
	fits := true
	for i := range before {
		fits = fits && (before[i] == 0 && after[i] == 0 || whole(x, i))
	}
	if !fits {
		var long []int
		for i, digits := range x.axes {
			if len(digits) > 0 || before[i] != 0 || after[i] != 0 {
				long = append(long, i)
			}
		}
		if len(long) > 3 {
			return nil, fmt.Errorf("networks cannot pad %v", v)
		}
		lists := [3][]slot{}
		out := &value{axes: make([][]nn.Digit, len(x.axes))}
		for k, i := range long {
			lists[k] = x.slots(i)
			out.axes[i] = []nn.Digit{{Size: size(x.axes[i]), Axis: nn.Axis(k), Step: 1}}
		}
		out.node = d.arranged(x, lists).node
		x = out
	}
	var border nn.Border
	var more [2]int
	out := &value{axes: slices.Clone(x.axes)}
	for i := range before {
		if before[i] == 0 && after[i] == 0 {
			continue
		}
		axis := x.axes[i][0].Axis
		switch axis {
		case nn.AxisC:
			more = [2]int{before[i], after[i]}
		case nn.AxisH:
			border.Top, border.Bottom = before[i], after[i]
		case nn.AxisW:
			border.Left, border.Right = before[i], after[i]
		}
		out.axes[i] = merged([]nn.Digit{{Size: x.axes[i][0].Size + before[i] + after[i], Axis: axis, Step: 1}})
	}
	out.node = x.node
	if border != (nn.Border{}) {
		out.node = d.b.Pad(out.node, border)
	}
	if more != [2]int{} {
		out.node = d.b.PadChannels(out.node, more[0], more[1])
	}
	return out, nil
}
