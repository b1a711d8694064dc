package importer

import (
	"errors"
	"math"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/artifact/onnx"
	"github.com/deploy-kernel/deploy-kernel/importer/reference"
	"github.com/deploy-kernel/deploy-kernel/importer/tensor"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

// direct holds the operators that are one activation.
var direct = map[string]func(*onnx.Node) nn.Activation{
	"Elu":       func(n *onnx.Node) nn.Activation { return nn.Activation{Kind: nn.ELU, A: float(n, "alpha", 1)} },
	"HardSwish": func(*onnx.Node) nn.Activation { return nn.Activation{Kind: nn.HardSwish} },
	"LeakyRelu": func(n *onnx.Node) nn.Activation {
		return nn.Activation{Kind: nn.LeakyReLU, A: float(n, "alpha", 0.01)}
	},
	"Mish":       func(*onnx.Node) nn.Activation { return nn.Activation{Kind: nn.Mish} },
	"Swish":      func(n *onnx.Node) nn.Activation { return nn.Activation{Kind: nn.Swish, A: float(n, "alpha", 1)} },
	"Tanh":       func(*onnx.Node) nn.Activation { return nn.Activation{Kind: nn.Tanh} },
	"Abs":        func(*onnx.Node) nn.Activation { return nn.Activation{Kind: nn.Abs} },
	"Erf":        func(*onnx.Node) nn.Activation { return nn.Activation{Kind: nn.Erf} },
	"Exp":        func(*onnx.Node) nn.Activation { return nn.Activation{Kind: nn.Exp} },
	"Log":        func(*onnx.Node) nn.Activation { return nn.Activation{Kind: nn.Log} },
	"Reciprocal": func(*onnx.Node) nn.Activation { return nn.Activation{Kind: nn.Power, A: -1} },
	"Softplus":   func(*onnx.Node) nn.Activation { return nn.Activation{Kind: nn.Softplus} },
	"Sqrt":       func(*onnx.Node) nn.Activation { return nn.Activation{Kind: nn.Power, A: 0.5} },
	"HardSigmoid": func(n *onnx.Node) nn.Activation {
		return nn.Activation{Kind: nn.HardSigmoid, A: float(n, "alpha", 0.2), B: float(n, "beta", 0.5)}
	},
	"Gelu": func(n *onnx.Node) nn.Activation {
		if a := n.Attribute("approximate"); a != nil && a.String == "tanh" {
			return nn.Activation{Kind: nn.GELUTanh}
		}
		return nn.Activation{Kind: nn.GELU}
	},
}

// activation recognizes an operator that is one activation.
func (d *drawing) activation(n *onnx.Node) (part, error) {
	return d.activate(d.in(n, 0), direct[n.Op](n)), nil
}

func (d *drawing) activate(x string, a nn.Activation) part {
	return part{[]string{x}, func(in []*value) (*value, error) {
		x := d.compact(in[0])
		return x.with(d.b.Activate(x.node, a)), nil
	}}
}

// clip recognizes limits. Without an upper one, 0 gives a ReLU.
func (d *drawing) clip(n *onnx.Node) (part, error) {
	low, high := float(n, "min", math.Inf(-1)), float(n, "max", math.Inf(1))
	for i, bound := range []*float64{&low, &high} {
		if name := d.in(n, i+1); name != "" {
			c := d.constant(name)
			if c == nil {
				return part{}, errors.New("its limits are no constants")
			}
			*bound = decimal(c.Float64s()[0])
		}
	}
	if low == 0 && high >= math.MaxFloat32 {
		return simple((*nn.Builder).ReLU)(d, n)
	}
	return d.activate(d.in(n, 0), nn.Activation{Kind: nn.Clip, A: low, B: high}), nil
}

// composed lists the activations that several nodes may compute.
var composed = []nn.Activation{
	{Kind: nn.Swish, A: 1},
	{Kind: nn.GELU},
	{Kind: nn.GELUTanh},
	{Kind: nn.HardSwish},
	{Kind: nn.HardSigmoid, A: 1.0 / 6, B: 0.5},
	{Kind: nn.Mish},
	{Kind: nn.Swish, A: 1.702}, // the approximation of GELU in CLIP
}

// pointwise lists the operators of which composed activations consist.
var pointwise = []string{
	"Add", "Clip", "Div", "Erf", "Exp", "HardSigmoid", "Max", "Min", "Mul", "Neg", "Pow",
	"Reciprocal", "Relu", "Sigmoid", "Softplus", "Sub", "Tanh",
}

// composedActivation recognizes a function of one value that several nodes compute, in
// whatever order: it evaluates them on a few numbers, and compares with the
// activations. x is the value that they start from.
func (d *drawing) composedActivation(n *onnx.Node) (x string, a nn.Activation, ok bool) {
	const most = 12 // the tanh form of GELU takes 9 nodes
	d.expressions(n, pointwise, most, func(nodes []*onnx.Node, from string) bool {
		x = from
		a, ok = d.compare(nodes, x, n.Outputs[0])
		return ok
	})
	return x, a, ok
}

// expressions calls visit for each group of nodes with operators of a list that compute
// a node's output from one value of the same shape, and from numbers. The last node of
// a group comes first. It stops if visit returns true.
func (d *drawing) expressions(n *onnx.Node, ops []string, most int, visit func(nodes []*onnx.Node, x string) bool) {
	open := []string{n.Outputs[0]}
	var nodes []*onnx.Node
	for len(nodes) < most {
		// Replace the value that is made last, so the others stay above it.
		slices.SortFunc(open, func(a, b string) int { return d.order[a] - d.order[b] })
		m := d.makers[open[len(open)-1]]
		if m == nil || m.Domain != "" || !slices.Contains(ops, m.Op) {
			return
		}
		open = open[:len(open)-1]
		nodes = append(nodes, m)
		for i := range m.Inputs {
			name := d.in(m, i)
			switch c := d.constant(name); {
			case name == "" || c != nil && (c.Len() == 1 || !tensor.IsFloat(c.Type)):
			case c != nil:
				return
			case !slices.Contains(open, name):
				open = append(open, name)
			}
		}
		if len(open) == 1 && len(nodes) > 1 && slices.Equal(d.values[open[0]].Shape, d.values[n.Outputs[0]].Shape) && visit(nodes, open[0]) {
			return
		}
	}
}

// compare evaluates nodes, the last first, from x to y, and returns the activation that
// they compute.
func (d *drawing) compare(nodes []*onnx.Node, x, y string) (nn.Activation, bool) {
	var points []float64
	for v := -10.0; v <= 10; v += 0.31 {
		points = append(points, v)
	}
	out := d.evaluate(nodes, x, y, tensor.Floats(onnx.Float32, []int{len(points)}, points))
	if len(out) != len(points) {
		return nn.Activation{}, false
	}
	for _, a := range composed {
		worst := 0.0
		for i, got := range out {
			worst = max(worst, math.Abs(got-a.Of(points[i])))
		}
		if worst < 1e-5 { // rounding to float32 at 10; the two forms of GELU differ by 5e-4
			return a, true
		}
	}
	return nn.Activation{}, false
}

// evaluate returns the elements of y that nodes, the last first, compute from a sample
// of x. It returns nil if they cannot be run.
func (d *drawing) evaluate(nodes []*onnx.Node, x, y string, sample *tensor.Tensor) []float64 {
	g := &onnx.Graph{Outputs: []onnx.Value{{Name: y}}}
	values := reference.Values{}
	give := func(name string, v *tensor.Tensor) {
		if values[name] == nil {
			values[name] = v
			g.Inputs = append(g.Inputs, onnx.Value{Name: name})
		}
	}
	give(x, sample)
	for _, n := range slices.Backward(nodes) {
		renamed := *n
		renamed.Inputs = nil
		for i := range n.Inputs {
			name := d.in(n, i)
			if c := d.constant(name); c != nil {
				if tensor.IsFloat(c.Type) {
					c = c.Reshape(nil)
				}
				give(name, c)
			}
			renamed.Inputs = append(renamed.Inputs, name)
		}
		g.Nodes = append(g.Nodes, &renamed)
	}
	out, err := reference.Run(d.ctx, &onnx.Model{Graph: g}, values)
	if err != nil || !slices.Equal(out[y].Shape, sample.Shape) {
		return nil
	}
	return out[y].Float64s()
}
