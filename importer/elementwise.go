package importer

import (
	"errors"
	"math"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/artifact/onnx"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

// operands splits a node of two inputs into one that depends on the image, and a
// constant. constant is "" if there is none.
func (d *drawing) operands(n *onnx.Node) (x, constant string, first bool) {
	a, b := d.in(n, 0), d.in(n, 1)
	switch {
	case d.constant(b) != nil:
		return a, b, false
	case d.constant(a) != nil:
		return b, a, true
	}
	return a, "", false
}

// functions holds the arithmetic of two activations.
var functions = map[string]nn.Arithmetic{
	"Add": nn.Plus, "Sub": nn.Minus, "Mul": nn.Times, "Div": nn.Over, "Max": nn.Larger, "Min": nn.Smaller,
}

// arithmetic recognizes operations on two values.
func (d *drawing) arithmetic(n *onnx.Node) (part, error) {
	if x, constant, first := d.operands(n); constant != "" {
		if !d.widens(x, n.Outputs[0]) && !(n.Op == "Div" && first) {
			return d.affine(n)
		}
		return part{[]string{x}, func(in []*value) (*value, error) {
			a, b := in[0], d.constantValue(d.constant(constant))
			if first {
				a, b = b, a
			}
			return d.combine(functions[n.Op], 1, a, b)
		}}, nil
	}
	a, b, scale := d.in(n, 0), d.in(n, 1), 1.0
	if n.Op == "Add" {
		if x, f, ok := d.scaled(b); ok {
			b, scale = x, f
		} else if x, f, ok := d.scaled(a); ok {
			a, b, scale = b, x, f
		}
	}
	return part{[]string{a, b}, func(in []*value) (*value, error) {
		return d.combine(functions[n.Op], scale, in[0], in[1])
	}}, nil
}

// combine draws a function of a, and b times a scale, which is 1 but for sums.
func (d *drawing) combine(f nn.Arithmetic, scale float64, a, b *value) (*value, error) {
	x, y, out, err := d.aligned(a, b)
	if err != nil {
		return nil, err
	}
	switch same := x.Shape == y.Shape; {
	case f == nn.Plus && same:
		out.node = d.b.AddScaled(x, y, scale)
	case f == nn.Minus && same:
		out.node = d.b.AddScaled(x, y, -1)
	case f == nn.Times && isGate(y.Shape, x.Shape):
		out.node = d.b.Mul(x, y)
	case f == nn.Times && isGate(x.Shape, y.Shape):
		out.node = d.b.Mul(y, x)
	default:
		if scale != 1 {
			y = d.norm(y, slices.Repeat([]float64{scale}, y.Shape.C), make([]float64, y.Shape.C))
		}
		out.node = d.b.Combine(f, x, y)
	}
	return out, nil
}

// extreme recognizes the larger or smaller of values. A number is a limit.
func (d *drawing) extreme(n *onnx.Node) (part, error) {
	if x, constant, _ := d.operands(n); len(n.Inputs) == 2 && constant != "" && !d.widens(x, n.Outputs[0]) {
		if c := d.constant(constant); c.Len() == 1 {
			limit := decimal(c.Float64s()[0])
			switch {
			case n.Op == "Max" && limit == 0:
				return simple((*nn.Builder).ReLU)(d, &onnx.Node{Inputs: []string{x}})
			case n.Op == "Max":
				return d.activate(x, nn.Activation{Kind: nn.Clip, A: limit, B: math.Inf(1)}), nil
			}
			return d.activate(x, nn.Activation{Kind: nn.Clip, A: math.Inf(-1), B: limit}), nil
		}
	}
	return d.fold(n, functions[n.Op])
}

// total recognizes sums of any number of values.
func (d *drawing) total(n *onnx.Node) (part, error) { return d.fold(n, nn.Plus) }

// fold recognizes a function of any number of values.
func (d *drawing) fold(n *onnx.Node, f nn.Arithmetic) (part, error) {
	var names []string
	for i := range n.Inputs {
		if d.constant(d.in(n, i)) == nil {
			names = append(names, d.in(n, i))
		}
	}
	return part{names, func(in []*value) (out *value, err error) {
		for i := range n.Inputs {
			v := d.constantOr(d.in(n, i), &in)
			if out == nil {
				out = v
				continue
			}
			if out, err = d.combine(f, 1, out, v); err != nil {
				return nil, err
			}
		}
		return out, nil
	}}, nil
}

// constantOr returns a constant, or else the next of the drawn values.
func (d *drawing) constantOr(name string, in *[]*value) *value {
	if c := d.constant(name); c != nil {
		return d.constantValue(c)
	}
	v := (*in)[0]
	*in = (*in)[1:]
	return v
}

// prelu recognizes x if it is positive, and a constant times x otherwise.
func (d *drawing) prelu(n *onnx.Node) (part, error) {
	slope := d.constant(d.in(n, 1))
	if slope == nil {
		return part{}, errors.New("its slopes are no constants")
	}
	return part{[]string{d.in(n, 0)}, func(in []*value) (*value, error) {
		x := d.compact(in[0])
		negative := x.with(d.b.Activate(x.node, nn.Activation{Kind: nn.Clip, A: math.Inf(-1)}))
		negative, err := d.apply([]stage{{node: &onnx.Node{Op: "Mul"}, constant: d.in(n, 1)}}, negative)
		if err != nil {
			return nil, err
		}
		return d.combine(nn.Plus, 1, x.with(d.b.ReLU(x.node)), negative)
	}}, nil
}

// power recognizes powers with a constant exponent.
func (d *drawing) power(n *onnx.Node) (part, error) {
	c := d.constant(d.in(n, 1))
	if c == nil || c.Len() != 1 || d.widens(d.in(n, 0), n.Outputs[0]) {
		return part{}, errors.New("networks have powers with a constant exponent only")
	}
	return d.activate(d.in(n, 0), nn.Activation{Kind: nn.Power, A: decimal(c.Float64s()[0])}), nil
}

// scaled recognizes the product of a value and a number that only one node uses.
func (d *drawing) scaled(name string) (x string, factor float64, ok bool) {
	n := d.made(name, "Mul")
	if n == nil || d.users[name] != 1 {
		return "", 0, false
	}
	x, constant, _ := d.operands(n)
	c := d.constant(constant)
	if c == nil || c.Len() != 1 || c.Rank() > d.values[x].Rank() {
		return "", 0, false
	}
	return x, decimal(c.Float64s()[0]), true
}

// isGate reports whether a value of shape g may gate one of shape x.
func isGate(g, x nn.Shape) bool {
	return g == nn.Shape{C: x.C, H: 1, W: 1} || g == nn.Shape{C: 1, H: x.H, W: x.W}
}

// stage is one operation of a chain that scales and shifts channels.
type stage struct {
	node     *onnx.Node
	constant string
	first    bool // the constant is the first operand
}

// affine recognizes a chain of operations with constants, and makes a single batch norm
// of it.
func (d *drawing) affine(n *onnx.Node) (part, error) {
	var chain []stage // the last operation first
	x := n.Outputs[0]
	for {
		m := d.makers[x]
		if m == nil || x != n.Outputs[0] && d.users[x] != 1 {
			break
		}
		if _, _, ok := d.composedActivation(m); ok && len(chain) > 0 {
			break // its last factor belongs to it
		}
		s := stage{node: m}
		var from string
		switch m.Op {
		case "Add", "Sub", "Mul", "Div":
			from, s.constant, s.first = d.operands(m)
		case "Neg":
			from = d.in(m, 0)
		}
		if from == "" || s.constant == "" && m.Op != "Neg" || m.Op == "Div" && s.first || d.widens(from, x) {
			break
		}
		chain, x = append(chain, s), from
	}
	if len(chain) == 0 {
		return part{}, errors.New("networks cannot do this with a constant yet")
	}
	slices.Reverse(chain)
	if from, norm, ok := d.composedNorm(d.makers[x]); ok && d.users[x] == 1 {
		return part{[]string{from}, func(in []*value) (*value, error) {
			x := d.channels(in[0], norm.axis)
			if scale, shift, rest := d.scaleShift(chain, x); len(rest) == 0 {
				return d.drawNorm(x, norm, "", scale, shift)
			}
			y, err := d.drawNorm(x, norm, "", nil, nil)
			if err != nil {
				return nil, err
			}
			return d.apply(chain, y)
		}}, nil
	}
	return part{[]string{x}, func(in []*value) (*value, error) { return d.apply(chain, in[0]) }}, nil
}

// apply draws a chain of operations with constants.
func (d *drawing) apply(chain []stage, v *value) (*value, error) {
	for len(chain) > 0 {
		out, ok := d.scaleProduct(chain[0], v)
		if !ok {
			break
		}
		v, chain = out, chain[1:]
	}
	if len(chain) > 0 {
		v = d.compact(v)
	}
	for len(chain) > 0 {
		scale, shift, rest := d.scaleShift(chain, v)
		if len(rest) < len(chain) {
			v, chain = v.with(d.norm(v.node, scale, shift)), rest
			continue
		}
		s := chain[0]
		a, b := v, d.constantValue(d.constant(s.constant))
		if s.first {
			a, b = b, a
		}
		var err error
		if v, err = d.combine(functions[s.node.Op], 1, a, b); err != nil {
			return nil, err
		}
		chain = chain[1:]
	}
	return v, nil
}

// widens reports whether a constant gives a value more elements or axes.
func (d *drawing) widens(from, to string) bool {
	return !slices.Equal(d.values[from].Shape, d.values[to].Shape)
}

// scaleShift returns the factor and the summand of each channel that the begin of a
// chain amounts to. rest begins with a constant that varies along pixels.
func (d *drawing) scaleShift(chain []stage, v *value) (scale, shift []float64, rest []stage) {
	n := v.node.Shape.C
	scale, shift = slices.Repeat([]float64{1}, n), make([]float64, n)
	for at, s := range chain {
		c := slices.Repeat([]float64{-1}, n)
		if s.constant != "" {
			var ok bool
			if c, ok = v.perChannel(d.constant(s.constant)); !ok {
				return scale, shift, chain[at:]
			}
		}
		for i := range n {
			switch s.node.Op {
			case "Add":
				shift[i] += c[i]
			case "Sub":
				shift[i] -= c[i]
				if s.first {
					scale[i], shift[i] = -scale[i], -shift[i]
				}
			case "Mul", "Neg":
				scale[i], shift[i] = scale[i]*c[i], shift[i]*c[i]
			case "Div":
				scale[i], shift[i] = scale[i]/c[i], shift[i]/c[i]
			}
		}
	}
	return scale, shift, nil
}

// norm draws y = x*scale + shift as a batch norm of mean 0 and deviation 1.
func (d *drawing) norm(x *nn.Node, scale, shift []float64) *nn.Node {
	if !slices.ContainsFunc(scale, func(v float64) bool { return v != 1 }) && !slices.ContainsFunc(shift, func(v float64) bool { return v != 0 }) {
		return x
	}
	name, n := d.layer("affine", ""), []int{len(scale)}
	d.param(name, nn.Weight, n, singles(scale))
	d.param(name, nn.Bias, n, singles(shift))
	d.param(name, nn.RunningMean, n, make([]float32, len(scale)))
	d.param(name, nn.RunningVar, n, make([]float32, len(scale)))
	return d.b.BatchNorm(name, x, nn.BatchNorm2d{Eps: 1})
}

func singles(v []float64) []float32 {
	out := make([]float32, len(v))
	for i, f := range v {
		out[i] = float32(f)
	}
	return out
}

// batchNorm keeps the statistics: runtime/engine folds them.
func (d *drawing) batchNorm(n *onnx.Node) (part, error) {
	weight := n.Inputs[1]
	for _, name := range n.Inputs[1:] {
		if d.constant(name) == nil {
			return part{}, errors.New("its statistics are no constants")
		}
	}
	if integer(n, "training_mode", 0) != 0 {
		return part{}, errors.New("it is in training mode; export the model in evaluation mode")
	}
	return part{[]string{d.in(n, 0)}, func(in []*value) (*value, error) {
		if len(in[0].axes) < 2 {
			return nil, errors.New("its input has no axis of channels")
		}
		x := d.channels(in[0], 1)
		eps := float(n, "epsilon", 1e-5)
		if again := d.again(paramsOf(n), nn.BatchNorm, x.node); again != nil && again.Eps == eps {
			return x.with(d.b.Again(again, x.node)), nil
		}
		name := d.layer("norm", weight)
		order := x.channelOrder(1)
		for role, i := range map[nn.Role]int{nn.Weight: 1, nn.Bias: 2, nn.RunningMean: 3, nn.RunningVar: 4} {
			c := d.constant(n.Inputs[i])
			d.param(name, role, []int{len(order)}, c.Take([]int{len(order)}, order, nil).Float32s())
		}
		y := d.b.BatchNorm(name, x.node, nn.BatchNorm2d{Eps: eps})
		d.layers[paramsOf(n)] = y
		return x.with(y), nil
	}}, nil
}
