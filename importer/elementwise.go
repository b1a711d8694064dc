package importer

import (
	"errors"
	"fmt"
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

// sum recognizes additions and subtractions of two values.
func (d *drawing) sum(n *onnx.Node) (part, error) {
	if _, constant, _ := d.operands(n); constant != "" {
		return d.affine(n)
	}
	a, b, scale := d.in(n, 0), d.in(n, 1), 1.0
	switch {
	case n.Op == "Sub":
		scale = -1
	default:
		if x, f, ok := d.scaled(b); ok {
			b, scale = x, f
		} else if x, f, ok := d.scaled(a); ok {
			a, b, scale = b, x, f
		}
	}
	return part{[]string{a, b}, func(in []*value) (*value, error) {
		x, y, err := aligned(in[0], in[1])
		if err != nil {
			return nil, err
		}
		if x.node.Shape != y.node.Shape {
			return nil, fmt.Errorf("networks cannot add %v and %v yet", x.node.Shape, y.node.Shape)
		}
		return x.with(d.b.AddScaled(x.node, y.node, scale)), nil
	}}, nil
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

// aligned returns two values with equal numbers of axes. Axes that both have must hold
// the same dimensions.
func aligned(a, b *value) (x, y *value, err error) {
	rank := max(len(a.axes), len(b.axes))
	x, y = a.raise(rank), b.raise(rank)
	for i := range rank {
		if len(x.axes[i]) > 0 && len(y.axes[i]) > 0 && !slices.Equal(x.axes[i], y.axes[i]) {
			return nil, nil, fmt.Errorf("its inputs of shape %v and %v mean different axes", a.shape(), b.shape())
		}
	}
	return x, y, nil
}

// product recognizes products of a value and a gate.
func (d *drawing) product(n *onnx.Node) (part, error) {
	if _, constant, _ := d.operands(n); constant != "" {
		return d.affine(n)
	}
	if n.Op == "Div" {
		return part{}, errors.New("networks cannot divide two values yet")
	}
	return part{[]string{d.in(n, 0), d.in(n, 1)}, func(in []*value) (*value, error) {
		x, gate, err := aligned(in[0], in[1])
		if err != nil {
			return nil, err
		}
		if isGate(gate.node.Shape, x.node.Shape) {
			return x.with(d.b.Mul(x.node, gate.node)), nil
		}
		if isGate(x.node.Shape, gate.node.Shape) {
			return gate.with(d.b.Mul(gate.node, x.node)), nil
		}
		return nil, fmt.Errorf("networks cannot multiply %v and %v yet", x.node.Shape, gate.node.Shape)
	}}, nil
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
	if from, norm, ok := d.composedNorm(d.makers[x]); ok && d.users[x] == 1 {
		return part{[]string{from}, func(in []*value) (*value, error) {
			scale, shift, err := d.scaleShift(chain, in[0])
			if err != nil {
				return nil, err
			}
			return d.drawNorm(in[0], norm, "", scale, shift)
		}}, nil
	}
	return part{[]string{x}, func(in []*value) (*value, error) {
		scale, shift, err := d.scaleShift(chain, in[0])
		if err != nil {
			return nil, err
		}
		return in[0].with(d.norm(in[0].node, scale, shift)), nil
	}}, nil
}

// widens reports whether a constant gives a value more elements or axes.
func (d *drawing) widens(from, to string) bool {
	return !slices.Equal(d.values[from].Shape, d.values[to].Shape)
}

// scaleShift returns the factor and the summand of each channel that a chain amounts to.
func (d *drawing) scaleShift(chain []stage, v *value) (scale, shift []float64, err error) {
	n := v.node.Shape.C
	scale, shift = slices.Repeat([]float64{1}, n), make([]float64, n)
	for _, s := range slices.Backward(chain) {
		c := slices.Repeat([]float64{-1}, n)
		if s.constant != "" {
			if c, err = v.perChannel(d.constant(s.constant)); err != nil {
				return nil, nil, err
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
		x := in[0]
		if len(x.axes) < 2 || x.shape()[1] != x.node.Shape.C || x.node.Shape.C > 1 && !x.holds(1, dimC) {
			return nil, errors.New("its second axis does not hold the channels")
		}
		eps := float(n, "epsilon", 1e-5)
		if again := d.again(paramsOf(n), nn.BatchNorm, x.node); again != nil && again.Eps == eps {
			return x.with(d.b.Again(again, x.node)), nil
		}
		name := d.layer("norm", weight)
		for role, i := range map[nn.Role]int{nn.Weight: 1, nn.Bias: 2, nn.RunningMean: 3, nn.RunningVar: 4} {
			d.param(name, role, []int{x.node.Shape.C}, d.constant(n.Inputs[i]).Float32s())
		}
		y := d.b.BatchNorm(name, x.node, nn.BatchNorm2d{Eps: eps})
		d.layers[paramsOf(n)] = y
		return x.with(y), nil
	}}, nil
}
