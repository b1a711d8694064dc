package engine

import (
	"fmt"

	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
)

// Operation compiles some kinds of nodes. Each operation is one variable. A program that
// names some of them contains no code of the others.
type Operation struct {
	// fits reports whether the operation computes a unit. No other operation does.
	fits func(f *fusion, u *unit) bool
	// step returns the unit's step.
	step func(comp *compiler, s *site) (step, error)
}

// OperationVariable is an operation and the name of its Go variable.
type OperationVariable struct {
	Name      string
	Operation Operation
}

// OperationVariables returns every operation with the name of its Go variable, for code
// generators.
func OperationVariables() []OperationVariable {
	return []OperationVariable{
		{"Depthwise", Depthwise},
		{"Grouped", Grouped},
		{"GroupConvolution", GroupConvolution},
		{"Convolution", Convolution},
		{"Affine", Affine},
		{"Addition", Addition},
		{"Multiplication", Multiplication},
		{"Pooling", Pooling},
		{"GlobalPooling", GlobalPooling},
		{"Sigmoid", Sigmoid},
		{"Activation", Activation},
		{"ChannelStatistics", ChannelStatistics},
		{"LayerNorm", LayerNorm},
		{"GroupNorm", GroupNorm},
		{"Softmax", Softmax},
		{"Attention", Attention},
		{"MatMul", MatMul},
		{"Combination", Combination},
		{"Constant", Constant},
		{"Rearrangement", Rearrangement},
		{"PixelConcat", PixelConcat},
		{"Copy", Copy},
	}
}

// Operations returns every operation.
func Operations() []Operation {
	var all []Operation
	for _, v := range OperationVariables() {
		all = append(all, v.Operation)
	}
	return all
}

// Needed returns the names of the operations that compile a network.
func Needed(g *nn.Graph) []string {
	f := fuse(g)
	needed := map[string]bool{}
	for _, u := range f.units {
		for _, v := range OperationVariables() {
			if f.computes(u) && v.Operation.fits(f, u) {
				needed[v.Name] = true
				break
			}
		}
	}
	var names []string
	for _, v := range OperationVariables() {
		if needed[v.Name] {
			names = append(names, v.Name)
		}
	}
	return names
}

// computes reports whether a unit needs a step. The inputs of a placed Concat write
// their part of it themselves, and a view is another reading of its input.
func (f *fusion) computes(u *unit) bool {
	switch u.first.Op {
	case nn.Input, nn.Dropout:
		return false
	case nn.Concat:
		return !u.placed
	case nn.PadChannels:
		return !f.isView(u.first)
	}
	return true
}

// site is a unit with its tensors.
type site struct {
	*unit
	n     *nn.Node // the unit's first
	in    []*tensor
	res   *tensor // the residual, or nil
	y     *tensor
	floor float32
}

func (comp *compiler) siteOf(u *unit) *site {
	s := &site{unit: u, n: u.first, y: comp.of(u.last), floor: simd.None, in: make([]*tensor, len(u.in))}
	if u.relu {
		s.floor = 0
	}
	for i, x := range u.in {
		s.in[i] = comp.of(x)
	}
	if r := u.residual(); r != nil {
		s.res = comp.of(r)
	}
	return s
}

// step returns the step of a unit, or nil if the unit needs none.
func (comp *compiler) step(u *unit) (step, error) {
	if !comp.fusion.computes(u) {
		return nil, nil
	}
	for _, o := range comp.operations {
		if o.fits(comp.fusion, u) {
			return o.step(comp, comp.siteOf(u))
		}
	}
	return nil, fmt.Errorf("the program contains no code for %v", u.first.Op)
}

// of returns the test of an operation that computes all nodes of some kinds.
func of(ops ...nn.Op) func(*fusion, *unit) bool {
	return func(_ *fusion, u *unit) bool {
		for _, op := range ops {
			if u.first.Op == op {
				return true
			}
		}
		return false
	}
}
