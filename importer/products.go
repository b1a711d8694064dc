package importer

import (
	"errors"
	"math"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/artifact/onnx"
	"github.com/deploy-kernel/deploy-kernel/importer/tensor"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

// product is a product of two activations that is not drawn yet, because it may become
// the scores of an attention. Its value lies in a node that is in no graph: columns are
// channels, rows are the last coordinate, and the other axes the one before.
type product struct {
	a, b    *value // of the same number of axes, without repetitions left out
	scale   float64
	tables  []table
	softmax bool
	drawn   *nn.Node
}

// table is a constant that is added to a product with the axes of view.
type table struct {
	view     *value
	constant *tensor.Tensor
	factor   float64
}

// pend returns a product as a value with these axes.
func (d *drawing) pend(p *product, like *value) *value {
	n := &nn.Node{Op: nn.MatMul, Shape: like.node.Shape}
	d.products[n] = p
	return like.with(n)
}

// multiply returns the product of two activations.
func (d *drawing) multiply(a, b *value, scale float64) *value {
	rank := max(len(a.axes), len(b.axes))
	a, b = d.real(a).raise(rank), d.real(b).raise(rank)
	batch, _ := tensor.BroadcastShape(a.shape()[:rank-2], b.shape()[:rank-2])
	rows, columns := size(a.axes[rank-2]), size(b.axes[rank-1])
	n := &nn.Node{Shape: nn.Shape{C: columns, H: tensor.Len(batch), W: rows}}
	v, _ := place(n, nn.AxisH, nn.AxisW, nn.AxisC).reshape(append(slices.Clone(batch), rows, columns))
	repeat := func(v *value) *value {
		return v.repeat(append(slices.Clone(batch), size(v.axes[rank-2]), size(v.axes[rank-1])))
	}
	return d.pend(&product{a: repeat(a), b: repeat(b), scale: scale}, v)
}

// real returns the value in a node of the graph.
func (d *drawing) real(v *value) *value {
	p := d.products[v.node]
	if p == nil {
		return v
	}
	if p.drawn == nil {
		p.drawn = d.drawProduct(p)
	}
	return v.with(p.drawn)
}

func (d *drawing) drawProduct(p *product) *nn.Node {
	last := len(p.a.axes) - 1
	batch := make([]int, last-1)
	for i := range batch {
		batch[i] = i
	}
	operand := func(v *value) *nn.Node {
		return d.arranged(v, [3][]slot{v.slots(last), v.slots(batch...), v.slots(last - 1)}).node
	}
	x, y := operand(p.a), operand(p.b)
	n := d.b.MatMul(x, y, x.Shape.H)
	if p.scale != 1 {
		n = d.norm(n, slices.Repeat([]float64{p.scale}, n.Shape.C), make([]float64, n.Shape.C))
	}
	for _, t := range p.tables {
		sum, err := d.combine(nn.Plus, t.factor, t.view.with(n), d.constantValue(t.constant))
		if err != nil {
			panic("importer: internal error: " + err.Error()) // scaleProduct takes no constant that does not fit
		}
		n = sum.node
	}
	if p.softmax {
		n = d.b.Softmax(n)
	}
	return n
}

// scaleProduct applies an operation with a constant to a product. ok is false if the
// product must be drawn first.
func (d *drawing) scaleProduct(s stage, v *value) (out *value, ok bool) {
	p := d.products[v.node]
	if p == nil || p.softmax || p.drawn != nil || !v.whole() {
		return v, false
	}
	next := *p
	next.tables = slices.Clip(p.tables)
	c := d.constant(s.constant)
	switch op := s.node.Op; {
	case c == nil:
		return v, false
	case (op == "Mul" || op == "Div" && !s.first) && c.Len() == 1 && len(p.tables) == 0:
		f := decimal(c.Float64s()[0])
		if op == "Div" {
			f = 1 / f
		}
		next.scale *= f
	case op == "Add":
		next.tables = append(next.tables, table{v, c, 1})
	case op == "Sub" && !s.first:
		next.tables = append(next.tables, table{v, c, -1})
	default:
		return v, false
	}
	return d.pend(&next, v), true
}

// softmax recognizes the softmax along an axis, and over all that follow it in old
// operator sets.
func (d *drawing) softmax(n *onnx.Node) (part, error) {
	return part{[]string{d.in(n, 0)}, func(in []*value) (*value, error) {
		x := in[0]
		var axes []int
		if n.Opset < 13 {
			for i := axisOf(n, 1, len(x.axes)); i < len(x.axes); i++ {
				axes = append(axes, i)
			}
		} else {
			axes = []int{axisOf(n, -1, len(x.axes))}
		}
		y := d.normalized(x, axes)
		if n.Op == "LogSoftmax" {
			y = d.real(y)
			y = y.with(d.b.Activate(y.node, nn.Activation{Kind: nn.Log}))
		}
		return y, nil
	}}, nil
}

// axisOf returns the attribute axis, counted from the front.
func axisOf(n *onnx.Node, otherwise, rank int) int {
	axis := integer(n, "axis", otherwise)
	if axis < 0 {
		axis += rank
	}
	return axis
}

// normalized returns the softmax over some axes.
func (d *drawing) normalized(x *value, axes []int) *value {
	last := len(x.axes) - 1
	p := d.products[x.node]
	if p != nil && !p.softmax && p.drawn == nil && slices.Equal(axes, []int{last}) && size(x.axes[last]) == x.node.Shape.C && only(x.axes[last], nn.AxisC) {
		next := *p
		next.softmax = true
		return d.pend(&next, x)
	}
	x = d.channels(x, axes...)
	return x.with(d.b.Softmax(x.node))
}

// matMul recognizes products with a constant matrix, and of two activations.
func (d *drawing) matMul(n *onnx.Node) (part, error) {
	left, right := d.constant(n.Inputs[0]), d.constant(n.Inputs[1])
	switch {
	case right != nil && tensor.Len(right.Shape) == tensor.Len(right.Shape[max(0, right.Rank()-2):]) && right.Rank() >= 2:
		w := right.Reshape(right.Shape[right.Rank()-2:])
		return part{[]string{d.in(n, 0)}, func(in []*value) (*value, error) {
			return d.linearLayer(n, in[0], w.Float32s(), w.Shape[1], nil)
		}}, nil
	case left != nil && left.Rank() == 2 && d.values[n.Inputs[1]].Rank() >= 2:
		w := left.Permute([]int{1, 0})
		return part{[]string{d.in(n, 1)}, func(in []*value) (*value, error) {
			rank := len(in[0].axes)
			perm := make([]int, rank)
			for i := range perm {
				perm[i] = i
			}
			perm[rank-1], perm[rank-2] = rank-2, rank-1
			y, err := d.linearLayer(n, in[0].permute(perm), w.Float32s(), w.Shape[1], nil)
			if err != nil {
				return nil, err
			}
			return y.permute(perm), nil
		}}, nil
	case left != nil || right != nil:
		return part{}, errors.New("networks multiply with constant matrices only, not with stacks of them")
	case d.values[n.Inputs[0]].Rank() < 2 || d.values[n.Inputs[1]].Rank() < 2:
		return part{}, errors.New("networks do not multiply vectors")
	}
	a, f := d.factored(d.in(n, 0))
	b, g := d.factored(d.in(n, 1))
	return part{[]string{a, b}, func(in []*value) (*value, error) {
		if p := d.products[in[0].node]; p != nil && p.softmax && f*g == 1 {
			if y, ok := d.attention(p, in[0], in[1]); ok {
				return y, nil
			}
		}
		return d.multiply(in[0], in[1], f*g), nil
	}}, nil
}

// factored follows products with numbers that only one node uses.
func (d *drawing) factored(name string) (x string, factor float64) {
	x, factor = name, 1
	for {
		m := d.makers[x]
		if m == nil || d.users[x] != 1 || m.Op != "Mul" && m.Op != "Div" || m.Domain != "" {
			return x, factor
		}
		from, constant, first := d.operands(m)
		c := d.constant(constant)
		if c == nil || c.Len() != 1 || m.Op == "Div" && first || d.widens(from, x) {
			return x, factor
		}
		if _, _, ok := d.composedActivation(m); ok {
			return x, factor
		}
		f := decimal(c.Float64s()[0])
		if m.Op == "Div" {
			f = 1 / f
		}
		x, factor = from, factor*f
	}
}

// attention draws softmax(product)*v. ok is false if an attention cannot have these
// operands.
func (d *drawing) attention(p *product, weights, v *value) (out *value, ok bool) {
	rank := len(weights.axes)
	v = d.real(v)
	if rank < 2 || len(v.axes) != rank || p.drawn != nil || !weights.whole() {
		return nil, false
	}
	batch := weights.shape()[:rank-2]
	canonical, _ := place(weights.node, nn.AxisH, nn.AxisW, nn.AxisC).reshape(weights.shape())
	if !slices.EqualFunc(canonical.axes, weights.axes, slices.Equal[[]nn.Digit]) || !slices.Equal(v.shape()[:rank-2], batch) {
		return nil, false
	}
	// Divide the batch so that each digit is a head or a group of all operands.
	var sizes []int
	operands := [3]*value{p.a, p.b, v}
	for _, from := range operands {
		sizes = nil
		for _, digit := range slices.Concat(from.axes[:len(from.axes)-2]...) {
			sizes = append(sizes, digit.Size)
		}
		ok = true
		for i, o := range []*value{p.a, p.b, v} {
			shape := o.shape()
			operands[i], ok = o.reshape(append(slices.Clone(sizes), shape[len(shape)-2:]...))
			if !ok {
				break
			}
		}
		if ok {
			break
		}
	}
	if !ok {
		return nil, false
	}
	return d.drawAttention(p, operands, sizes, append(slices.Clone(batch), size(weights.axes[rank-2]), size(v.axes[rank-1])))
}

// drawAttention draws an attention whose operands have axes of these sizes, rows and
// columns.
func (d *drawing) drawAttention(p *product, operands [3]*value, sizes, shape []int) (*value, bool) {
	q, k, v := operands[0], operands[1], operands[2]
	n := len(sizes)
	var heads, groups []int
	for i := range sizes {
		digit := q.axes[i][0]
		if digit.Step == 0 {
			digit = k.axes[i][0]
		}
		if digit.Axis == nn.AxisC {
			heads = append(heads, i)
		} else {
			groups = append(groups, i)
		}
	}
	of := func(axes []int) int {
		c := 1
		for _, i := range axes {
			c *= sizes[i]
		}
		return c
	}
	tables, ok := p.tabulate(sizes, heads, groups, size(q.axes[n]), size(k.axes[n+1]))
	if !ok {
		return nil, false
	}
	q = d.tokens(q, append(slices.Clone(heads), n+1), groups, n)
	k = d.tokens(k, append(slices.Clone(heads), n), groups, n+1)
	v = d.tokens(v, append(slices.Clone(heads), n+1), groups, n)
	name := d.layer("attention", "")
	a := nn.Attention{Heads: of(heads), Groups: of(groups), Scale: p.scale}
	rows := []int{size(q.axes[n]), size(k.axes[n+1])}
	for i, role := range []nn.Role{nn.Bias, nn.Mask} {
		if t := tables[i]; t != nil {
			count := len(t) / rows[0] / rows[1]
			*[]*int{&a.Bias, &a.Mask}[i] = count
			d.param(name, role, append([]int{count}, rows...), t)
		}
	}
	out := &value{node: d.b.Attention(name, q.node, k.node, v.node, a), axes: slices.Clone(q.axes)}
	step := size(v.axes[n+1])
	out.axes[n+1] = nil
	if step > 1 {
		out.axes[n+1] = []nn.Digit{{Size: step, Axis: nn.AxisC, Step: 1}}
	}
	for _, i := range slices.Backward(heads) {
		out.axes[i] = []nn.Digit{{Size: sizes[i], Axis: nn.AxisC, Step: step}}
		step *= sizes[i]
	}
	return d.reshaped(out, shape), true
}

// tokens returns a value whose channels are the elements along some axes, and whose
// pixels, row by row, those along groups and rows.
func (d *drawing) tokens(v *value, channels, groups []int, rows ...int) *value {
	s := v.node.Shape
	lists := [3][]slot{v.slots(channels...), v.slots(groups...), v.slots(rows...)}
	var pixels []nn.Digit
	for _, digit := range v.digits(slices.Concat(lists[1], lists[2])) {
		if digit.Axis == nn.AxisH {
			digit = nn.Digit{Size: digit.Size, Axis: nn.AxisW, Step: digit.Step * s.W}
		}
		pixels = append(pixels, digit)
	}
	pixels = merged(pixels)
	inOrder := len(pixels) == 1 && pixels[0] == nn.Digit{Size: s.H * s.W, Axis: nn.AxisW, Step: 1}
	if v.first[nn.AxisH] == 0 && v.first[nn.AxisW] == 0 && (inOrder || len(pixels) == 0 && s.H*s.W == 1) {
		lists[1], lists[2] = v.natural(nn.AxisH), v.natural(nn.AxisW)
	}
	return d.arranged(v, lists)
}

// tabulate returns the sums of the product's tables that depend on heads, and on
// groups: [table][row][column]. ok is false if one depends on both.
func (p *product) tabulate(sizes, heads, groups []int, rows, columns int) (sums [2][]float32, ok bool) {
	steps := make([]int, len(sizes))
	step := 1
	for i, n := range slices.Backward(sizes) {
		steps[i] = step
		step *= n
	}
	for _, t := range p.tables {
		byHead, byGroup := t.varies(sizes, steps, heads), t.varies(sizes, steps, groups)
		kind, axes := 0, heads
		switch {
		case byHead && byGroup:
			return sums, false
		case byGroup:
			kind, axes = 1, groups
		case !byHead:
			axes = nil
		}
		count := 1
		for _, i := range axes {
			count *= sizes[i]
		}
		sum := sums[kind]
		if len(sum) < count*rows*columns {
			sum = make([]float32, count*rows*columns)
			for i := range sum {
				if old := sums[kind]; old != nil {
					sum[i] = old[i%len(old)]
				}
			}
		}
		elements := t.constant.Float32s()
		for i := range sum {
			batch, rest := 0, i/columns/rows
			for _, axis := range slices.Backward(axes) {
				batch += rest % sizes[axis] * steps[axis]
				rest /= sizes[axis]
			}
			sum[i] += float32(t.factor) * elements[t.index([3]int{i % columns, batch, i / columns % rows})]
		}
		sums[kind] = sum
	}
	return sums, true
}

// varies reports whether a table depends on some axes of the batch.
func (t table) varies(sizes, steps, axes []int) bool {
	offset := len(t.view.axes) - t.constant.Rank()
	for i, side := range t.constant.Shape {
		if side == 1 {
			continue
		}
		for _, d := range t.view.axes[i+offset] {
			for _, axis := range axes {
				if d.Axis == nn.AxisH && d.Step < steps[axis]*sizes[axis] && steps[axis] < d.Step*d.Size {
					return true
				}
			}
		}
	}
	return false
}

// index returns the index of the constant's element at some coordinates.
func (t table) index(at [3]int) int {
	offset := len(t.view.axes) - t.constant.Rank()
	index := 0
	for i, side := range t.constant.Shape {
		index *= side
		if side > 1 {
			index += t.view.indexOf(i+offset, at)
		}
	}
	return index
}

// attentionNode recognizes the operator Attention.
func (d *drawing) attentionNode(n *onnx.Node) (part, error) {
	mask := d.constant(d.in(n, 3))
	switch {
	case d.in(n, 3) != "" && (mask == nil || !tensor.IsFloat(mask.Type)):
		return part{}, errors.New("its mask is no constant of numbers")
	case d.in(n, 4) != "" || d.in(n, 5) != "" || d.in(n, 6) != "":
		return part{}, errors.New("networks keep no keys and values")
	case integer(n, "is_causal", 0) != 0 || float(n, "softcap", 0) != 0:
		return part{}, errors.New("networks have no causal attentions and no limits of scores")
	}
	return part{[]string{d.in(n, 0), d.in(n, 1), d.in(n, 2)}, func(in []*value) (*value, error) {
		var x [3]*value
		joined := len(in[0].axes) == 3
		for i, v := range in {
			x[i] = d.real(v)
			if joined { // (N, T, heads*C)
				heads := integer(n, "q_num_heads", 1)
				if i > 0 {
					heads = integer(n, "kv_num_heads", 1)
				}
				s := v.shape()
				x[i] = d.reshaped(x[i], []int{s[0], s[1], heads, s[2] / heads}).permute([]int{0, 2, 1, 3})
			}
			if size(x[i].axes[1]) != size(x[0].axes[1]) {
				return nil, errors.New("networks have attentions with as many heads of keys as of queries only")
			}
		}
		scale := float(n, "scale", 1/math.Sqrt(float64(size(x[0].axes[3]))))
		scores := d.multiply(x[0], x[1].permute([]int{0, 1, 3, 2}), scale)
		if mask != nil {
			p := *d.products[scores.node]
			p.tables = append(p.tables, table{scores, mask, 1})
			scores = d.pend(&p, scores)
		}
		weights := d.normalized(scores, []int{3})
		out, ok := d.attention(d.products[weights.node], weights, x[2])
		if !ok {
			out = d.real(d.multiply(weights, x[2], 1))
		}
		if joined {
			return d.reshaped(out.permute([]int{0, 2, 1, 3}), d.values[n.Outputs[0]].Shape), nil
		}
		return out, nil
	}}, nil
}
