package reference

import (
	"slices"

	"github.com/deploy-kernel/deploy-kernel/importer/tensor"
)

// moves are the operators that only move elements.
var moves = map[string]operator{
	"Concat":       {least: 1, most: many, run: concat},
	"DepthToSpace": {least: 1, most: 1, run: depthToSpace},
	"Expand":       {least: 2, most: 2, run: expand},
	"Flatten":      {least: 1, most: 1, run: flatten},
	"Pad":          {least: 1, most: 4, run: pad},
	"Reshape":      {least: 1, most: 2, run: reshape},
	"Slice":        {least: 1, most: 5, run: slice},
	"SpaceToDepth": {least: 1, most: 1, run: spaceToDepth},
	"Split":        {least: 1, most: 2, run: split},
	"Squeeze":      {least: 1, most: 2, run: squeeze},
	"Tile":         {least: 2, most: 2, run: tile},
	"Transpose":    {least: 1, most: 1, run: transpose},
	"Trilu":        {least: 1, most: 2, run: trilu},
	"Unsqueeze":    {least: 1, most: 2, run: unsqueeze},
}

// reshapeTo gives the input's elements another shape.
func (c *call) reshapeTo(shape []int) {
	if c.err == nil && tensor.Len(shape) != c.in[0].Len() {
		c.fail("%d elements do not fit the shape %v", c.in[0].Len(), shape)
	}
	c.known = true // unknown elements stay unknown
	if c.plan(c.in[0].Type, shape) {
		c.out[0] = c.in[0].Reshape(shape)
	}
}

// pick plans and takes elements as [tensor.Tensor.Pick] does.
func (c *call) pick(axes [][]int, fill *tensor.Tensor) {
	shape := make([]int, len(axes))
	for i, list := range axes {
		shape[i] = len(list)
	}
	if c.plan(c.in[0].Type, shape) {
		c.out[0] = c.in[0].Pick(axes, fill)
	}
}

// every returns the indices of all elements along each axis.
func every(shape []int) [][]int {
	axes := make([][]int, len(shape))
	for i, side := range shape {
		axes[i] = indices(0, side)
	}
	return axes
}

func indices(from, to int) []int {
	list := make([]int, max(0, to-from))
	for i := range list {
		list[i] = from + i
	}
	return list
}

func concat(c *call) {
	xs := c.present()
	if !c.rank(0, 1) {
		return
	}
	axis := c.axis(c.int("axis", 1), xs[0].Rank())
	shape := slices.Clone(xs[0].Shape)
	for _, x := range xs[1:] {
		if x.Rank() != len(shape) {
			c.fail("the shapes %v and %v do not fit", shape, x.Shape)
			return
		}
		for i, side := range x.Shape {
			if i != axis && side != shape[i] {
				c.fail("the shapes %v and %v do not fit along axis %d", shape, x.Shape, i)
				return
			}
		}
		shape[axis] += x.Shape[axis]
	}
	if c.plan(xs[0].Type, shape) && tensor.Len(shape) > 0 {
		c.out[0] = tensor.Concat(xs, axis)
	}
}

// blocks returns block size b and the sides of an NCHW tensor.
func (c *call) blocks() (b int, s []int) {
	b = c.int("blocksize", 0)
	s = c.in[0].Shape
	if len(s) != 4 || b < 1 || b > 1<<15 {
		c.fail("it needs four dimensions and a block size, not %v and %d", s, b)
		return 1, []int{1, 1, 1, 1}
	}
	return b, s
}

// rearrange reshapes, permutes and reshapes again.
func (c *call) rearrange(inner, perm, shape []int) {
	if tensor.Len(inner) != c.in[0].Len() {
		c.fail("the block size does not divide the shape %v", c.in[0].Shape)
	}
	if c.plan(c.in[0].Type, shape) {
		c.out[0] = c.in[0].Reshape(inner).Permute(perm).Reshape(shape)
	}
}

func depthToSpace(c *call) {
	b, s := c.blocks()
	shape := []int{s[0], s[1] / (b * b), s[2] * b, s[3] * b}
	if c.text("mode", "DCR") == "CRD" {
		c.rearrange([]int{s[0], s[1] / (b * b), b, b, s[2], s[3]}, []int{0, 1, 4, 2, 5, 3}, shape)
		return
	}
	c.rearrange([]int{s[0], b, b, s[1] / (b * b), s[2], s[3]}, []int{0, 3, 4, 1, 5, 2}, shape)
}

func spaceToDepth(c *call) {
	b, s := c.blocks()
	c.rearrange([]int{s[0], s[1], s[2] / b, b, s[3] / b, b}, []int{0, 3, 5, 1, 2, 4}, []int{s[0], s[1] * b * b, s[2] / b, s[3] / b})
}

func expand(c *call) {
	want, _ := c.constants(1)
	shape, ok := tensor.BroadcastShape(c.in[0].Shape, want)
	if !ok {
		c.fail("the shape %v does not expand to %v", c.in[0].Shape, want)
	}
	if c.plan(c.in[0].Type, shape) {
		c.out[0] = c.in[0].Broadcast(shape)
	}
}

func flatten(c *call) {
	s := c.in[0].Shape
	axis := c.int("axis", 1)
	if axis < 0 {
		axis += len(s)
	}
	if axis < 0 || axis > len(s) {
		c.fail("its axis %d is not one of %d", axis, len(s)+1)
		return
	}
	c.reshapeTo([]int{tensor.Len(s[:axis]), tensor.Len(s[axis:])})
}

func reshape(c *call) {
	x := c.in[0]
	want, ok := c.intsOrInput("shape", 1)
	if !ok {
		c.fail("its shape is missing")
		return
	}
	shape := slices.Clone(want)
	rest, known := -1, 1
	for i, side := range shape {
		switch {
		case side == -1 && rest < 0:
			rest = i
			continue
		case side == 0 && c.int("allowzero", 0) == 0 && i < x.Rank():
			shape[i] = x.Shape[i]
		case side < 0:
			c.fail("the shape %v does not fit %v", want, x.Shape)
			return
		}
		if known *= shape[i]; known > maxElements {
			c.fail("the shape %v does not fit %v", want, x.Shape)
			return
		}
	}
	if rest >= 0 {
		if known == 0 {
			c.fail("the shape %v does not fit %v", want, x.Shape)
			return
		}
		shape[rest] = x.Len() / known
	}
	c.reshapeTo(shape)
}

func squeeze(c *call) {
	x := c.in[0]
	list, ok := c.intsOrInput("axes", 1)
	drop := c.axes(list, x.Rank())
	var shape []int
	for i, side := range x.Shape {
		if ok && !slices.Contains(drop, i) || !ok && side != 1 {
			shape = append(shape, side)
		}
	}
	c.reshapeTo(shape)
}

func unsqueeze(c *call) {
	x := c.in[0]
	list, _ := c.intsOrInput("axes", 1)
	rank := x.Rank() + len(list)
	add := c.axes(list, rank)
	shape, rest := make([]int, 0, rank), x.Shape
	for i := range rank {
		if slices.Contains(add, i) {
			shape = append(shape, 1)
		} else if len(rest) > 0 {
			shape, rest = append(shape, rest[0]), rest[1:]
		}
	}
	c.reshapeTo(shape)
}

func transpose(c *call) {
	x := c.in[0]
	perm := c.ints("perm")
	if perm == nil {
		perm = indices(0, x.Rank())
		slices.Reverse(perm)
	}
	perm = c.axes(perm, x.Rank())
	if len(perm) != x.Rank() {
		c.fail("its permutation %v does not fit the shape %v", perm, x.Shape)
		return
	}
	shape := make([]int, len(perm))
	for i, p := range perm {
		shape[i] = x.Shape[p]
	}
	if c.plan(x.Type, shape) {
		c.out[0] = x.Permute(perm)
	}
}

func tile(c *call) {
	x := c.in[0]
	repeats, _ := c.constants(1)
	if len(repeats) != x.Rank() {
		c.fail("%d repeats do not fit the shape %v", len(repeats), x.Shape)
		return
	}
	shape := slices.Clone(x.Shape)
	for i, n := range repeats {
		if n < 0 || n > maxElements {
			c.fail("it cannot repeat %d times", n)
			return
		}
		shape[i] *= n
	}
	if !c.plan(x.Type, shape) {
		return
	}
	axes := every(x.Shape)
	for i, n := range repeats {
		axes[i] = slices.Repeat(axes[i], n)
	}
	c.out[0] = x.Pick(axes, nil)
}

// slice has its bounds as attributes before operator set 10, then as inputs.
func slice(c *call) {
	x := c.in[0]
	starts, _ := c.intsOrInput("starts", 1)
	ends, _ := c.intsOrInput("ends", 2)
	list, ok := c.intsOrInput("axes", 3)
	if !ok {
		list = indices(0, len(starts))
	}
	steps, ok := c.constants(4)
	if !ok {
		steps = slices.Repeat([]int{1}, len(starts))
	}
	if len(ends) != len(starts) || len(list) != len(starts) || len(steps) != len(starts) {
		c.fail("its bounds, axes and steps have different lengths")
	}
	on := c.axes(list, x.Rank())
	if c.err != nil {
		return
	}
	axes := every(x.Shape)
	for i, axis := range on {
		axes[axis] = c.stepped(x.Shape[axis], starts[i], ends[i], steps[i])
	}
	c.pick(axes, nil)
}

// stepped returns the indices of a slice along one axis.
func (c *call) stepped(side, start, end, step int) (list []int) {
	if start < 0 {
		start += side
	}
	if end < 0 {
		end += side
	}
	switch {
	case step > 0:
		for i := max(0, start); i < min(end, side); i += step {
			list = append(list, i)
		}
	case step < 0:
		for i := min(side-1, start); i > max(end, -1); i += step {
			list = append(list, i)
		}
	default:
		c.fail("its step is 0")
	}
	return list
}

func split(c *call) {
	x := c.in[0]
	if !c.rank(0, 1) {
		return
	}
	axis := c.axis(c.int("axis", 0), x.Rank())
	parts := len(c.node.Outputs)
	sizes, ok := c.intsOrInput("split", 1)
	if !ok {
		parts = c.int("num_outputs", parts)
		if parts < 1 || parts > len(c.node.Outputs) {
			c.fail("it cannot split into %d parts", parts)
			return
		}
		each := (x.Shape[axis] + parts - 1) / parts
		for left := x.Shape[axis]; len(sizes) < parts; left -= each {
			sizes = append(sizes, max(0, min(each, left)))
		}
	}
	sum := 0
	for _, n := range sizes {
		sum += max(n, 0)
	}
	if len(sizes) != len(c.node.Outputs) || sum != x.Shape[axis] {
		c.fail("its sizes %v do not fit %d elements and %d outputs", sizes, x.Shape[axis], len(c.node.Outputs))
		return
	}
	at := 0
	for i, n := range sizes {
		axes := every(x.Shape)
		axes[axis] = indices(at, at+n)
		at += n
		shape := slices.Clone(x.Shape)
		shape[axis] = n
		if c.planOutput(i, x.Type, shape) {
			c.out[i] = x.Pick(axes, nil)
		}
	}
}

// pad has its widths and value as attributes before operator set 11, then as inputs.
func pad(c *call) {
	x := c.in[0]
	widths, _ := c.intsOrInput("pads", 1)
	on := indices(0, x.Rank())
	if list, ok := c.constants(3); ok {
		on = c.axes(list, x.Rank())
	}
	if len(widths) != 2*len(on) {
		c.fail("%d widths do not fit %d axes", len(widths), len(on))
		return
	}
	fill := tensor.Floats(x.Type, nil, []float64{c.float("value", 0)})
	if v := c.in[2]; v != nil {
		if !v.Known() || v.Len() != 1 || v.Type != x.Type {
			c.fail("its value must be a single constant of its type")
			return
		}
		fill = v.Reshape(nil)
	}
	mode := c.text("mode", "constant")
	if !slices.Contains([]string{"constant", "edge", "reflect", "wrap"}, mode) {
		c.fail("its mode %q is not supported", mode)
		return
	}
	shape := slices.Clone(x.Shape)
	for i, axis := range on {
		if shape[axis] == 0 && mode != "constant" {
			c.fail("an empty tensor cannot be padded by %s", mode)
			return
		}
		shape[axis] += widths[i] + widths[len(on)+i]
	}
	if !c.plan(x.Type, shape) {
		return
	}
	axes := every(x.Shape)
	for i, axis := range on {
		axes[axis] = padded(mode, x.Shape[axis], widths[i], widths[len(on)+i])
	}
	c.out[0] = x.Pick(axes, fill)
}

// padded returns the indices along one axis with some more before and after, or some
// fewer if the widths are negative.
func padded(mode string, side, before, after int) []int {
	list := indices(-before, side+after)
	for i, at := range list {
		if at >= 0 && at < side {
			continue
		}
		switch mode {
		case "constant":
			list[i] = tensor.Outside
		case "edge":
			list[i] = max(0, min(side-1, at))
		case "reflect":
			list[i] = reflect(at, side)
		case "wrap":
			list[i] = (at%side + side) % side
		}
	}
	return list
}

// reflect mirrors an index at the first and at the last element.
func reflect(at, side int) int {
	if side == 1 {
		return 0
	}
	period := 2 * (side - 1)
	at = (at%period + period) % period
	return min(at, period-at)
}

// trilu keeps the upper or lower triangle of matrices.
func trilu(c *call) {
	x := c.in[0]
	if !c.rank(0, 2) {
		return
	}
	k, upper := 0, c.int("upper", 1) != 0
	if v, ok := c.constants(1); ok && len(v) == 1 {
		k = v[0]
	}
	if !c.plan(x.Type, x.Shape) {
		return
	}
	rows, cols := x.Shape[x.Rank()-2], x.Shape[x.Rank()-1]
	places := indices(0, x.Len())
	for i := range places {
		row, col := i/cols%rows, i%cols
		if upper && col-row < k || !upper && col-row > k {
			places[i] = tensor.Outside
		}
	}
	c.out[0] = x.Take(x.Shape, places, nil)
}
