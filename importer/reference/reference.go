// Package reference runs ONNX graphs with plain loops, operator by operator.
//
//	out, err := reference.Run(ctx, model, map[string]*tensor.Tensor{"input": x})
//
// It is the standard that imported networks are compared with, and it folds
// constants: [Infer] takes inputs of which only types and shapes are known. It returns
// the elements of every value that does not depend on those inputs, and the shapes of
// all others. One definition of an operator serves both.
//
// Floating-point operators compute in float64 and round each result to its type.
//
// The package refuses loops, sequences, strings, training, quantization, random
// numbers and recurrent layers. It lists every node that it can't run in one
// [UnsupportedError]. Operators have their meaning of operator set 6 to 27. A computed
// tensor has at most 2^27 elements; those alive at a time have at most 2^29. A run may
// take 2^38 multiplications. What folding constants may take grows with the constants
// in the file, so a small file takes little time and memory.
package reference

import (
	"context"
	"fmt"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/artifact/onnx"
	"github.com/deploy-kernel/deploy-kernel/importer/tensor"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

// The limits of a run.
const (
	maxElements = 1 << 27
	maxAlive    = 1 << 29
	maxWork     = 1 << 38
)

// limits bound what a run computes.
type limits struct {
	alive int     // elements at a time, beyond those in the file
	work  float64 // multiplications
}

// foldingLimits returns the limits of folding the constants of a graph. Networks with
// standardized weights compute up to ten tensors from each. Tables of relative
// positions take some tens of multiplications for each parameter. Each node may make
// 2^19 elements with 2^20 multiplications, as files without weights make them by a
// ConstantOfShape for each.
func foldingLimits(g *onnx.Graph) limits {
	stored := storedElements(g)
	return limits{alive: min(maxAlive, 1<<22+16*stored+len(g.Nodes)<<19), work: min(maxWork, float64(1<<26+512*stored+len(g.Nodes)<<20))}
}

// storedElements returns the number of elements of all constants in a graph, apart from
// attributes without data. A run fails if an initializer has none.
func storedElements(g *onnx.Graph) int {
	n := 0
	add := func(t *onnx.Tensor) {
		if elements, err := weights.Elements(t.Shape); err == nil {
			n = min(maxAlive, n+min(maxAlive, elements))
		}
	}
	for _, t := range g.Initializers {
		add(t)
	}
	for _, node := range g.Nodes {
		for _, a := range node.Attributes {
			if a.Tensor != nil {
				if _, err := a.Tensor.Bytes(); err == nil {
					add(a.Tensor)
				}
			}
			if a.Graph != nil {
				n = min(maxAlive, n+storedElements(a.Graph))
			}
		}
	}
	return n
}

// Values holds tensors by the names of the graph's values.
type Values map[string]*tensor.Tensor

// Run computes the outputs of a model. inputs must name every input of the graph.
func Run(ctx context.Context, m *onnx.Model, inputs Values) (Values, error) {
	for name, x := range inputs {
		if !x.Known() {
			return nil, fmt.Errorf("the input %q has no elements", name)
		}
	}
	e := &evaluation{ctx: ctx, limits: limits{maxAlive, maxWork}}
	all, err := e.graph(m.Graph, inputs, nil)
	if err != nil {
		return nil, err
	}
	out := Values{}
	for _, v := range m.Graph.Outputs {
		out[v.Name] = all[v.Name]
	}
	return out, nil
}

// Infer returns all values of a model's graph. Values that depend on the elements of
// unknown inputs are unknown.
func Infer(ctx context.Context, m *onnx.Model, inputs Values) (Values, error) {
	return (&evaluation{ctx: ctx, keep: true, limits: foldingLimits(m.Graph)}).graph(m.Graph, inputs, nil)
}

// UnsupportedError lists the nodes that cannot be run.
type UnsupportedError struct {
	Problems []Problem
	// Nodes is the number of nodes of the graph.
	Nodes int
}

// Problem is a node that cannot be run.
type Problem struct {
	Node *onnx.Node
	// Inputs describes the node's inputs: types and shapes, or "?".
	Inputs []string
	Reason string
}

// Error lists the nodes with their operators, operator sets and shapes.
func (e *UnsupportedError) Error() string {
	const most = 20
	var b strings.Builder
	fmt.Fprintf(&b, "%d of %d nodes cannot be run:", len(e.Problems), e.Nodes)
	for i, p := range e.Problems {
		if i == most {
			fmt.Fprintf(&b, "\n  and %d more", len(e.Problems)-most)
			break
		}
		fmt.Fprintf(&b, "\n  %v of %s: %s", p.Node, strings.Join(p.Inputs, ", "), p.Reason)
	}
	return b.String()
}

// evaluation is one run over a graph.
type evaluation struct {
	ctx    context.Context
	limits limits
	// keep retains values that no later node uses.
	keep bool
	// work counts multiplications.
	work float64
	// alive counts elements beyond those that the run began with.
	alive int
}

// graph evaluates a graph. outer holds the values around a subgraph.
func (e *evaluation) graph(g *onnx.Graph, inputs, outer Values) (Values, error) {
	values := Values{}
	for name, x := range outer {
		values[name] = x
	}
	for _, v := range g.Inputs {
		x, ok := inputs[v.Name]
		if !ok {
			return nil, fmt.Errorf("the input %q is missing", v.Name)
		}
		if v.Type != onnx.Undefined && v.Type != x.Type {
			return nil, fmt.Errorf("the input %q is %v, not %v", v.Name, x.Type, v.Type)
		}
		values[v.Name] = x
	}
	for _, t := range g.Initializers {
		x, err := tensor.FromFile(t)
		if err != nil {
			return nil, err
		}
		values[t.Name] = x
	}
	last := lastUses(g)
	unsupported := &UnsupportedError{Nodes: len(g.Nodes)}
	for i, n := range g.Nodes {
		if err := e.ctx.Err(); err != nil {
			return nil, err
		}
		reason := e.node(n, values)
		if reason != "" {
			unsupported.Problems = append(unsupported.Problems, Problem{n, describe(n, values), reason})
		}
		if !e.keep {
			for _, name := range n.Inputs {
				if x := values[name]; last[name] == i && x != nil {
					e.alive -= x.Len()
					delete(values, name)
				}
			}
		}
	}
	if len(unsupported.Problems) > 0 {
		return nil, unsupported
	}
	return values, nil
}

// lastUses returns the index of the last node that uses each value. Values that live
// to the end have none.
func lastUses(g *onnx.Graph) map[string]int {
	last := map[string]int{}
	for i, n := range g.Nodes {
		for _, name := range n.Inputs {
			last[name] = i
		}
		for _, a := range n.Attributes {
			if a.Graph != nil { // it may use any value
				return nil
			}
		}
	}
	for _, v := range g.Outputs {
		delete(last, v.Name)
	}
	return last
}

func describe(n *onnx.Node, values Values) (inputs []string) {
	for _, name := range n.Inputs {
		switch x := values[name]; {
		case name == "":
			inputs = append(inputs, "none")
		case x == nil:
			inputs = append(inputs, "?")
		default:
			inputs = append(inputs, x.String())
		}
	}
	return inputs
}

// node evaluates a node, and returns why it cannot be run. It does nothing if an
// input is missing because an earlier node failed.
func (e *evaluation) node(n *onnx.Node, values Values) (reason string) {
	op, reason := find(n)
	if reason != "" {
		return reason
	}
	c := &call{e: e, node: n, values: values, known: true, out: make([]*tensor.Tensor, max(1, len(n.Outputs)))}
	for _, name := range n.Inputs {
		x := values[name]
		if x == nil && name != "" {
			return ""
		}
		if x != nil && !x.Known() {
			c.known = false
		}
		c.in = append(c.in, x)
	}
	for len(c.in) < op.most && op.most != many {
		c.in = append(c.in, nil)
	}
	op.run(c)
	if c.err == nil {
		c.fits(0)
	}
	if c.err != nil {
		return c.err.Error()
	}
	for i, name := range n.Outputs {
		if name == "" {
			continue
		}
		if c.out[i] == nil {
			return fmt.Sprintf("output %d is not supported", i)
		}
		values[name] = c.out[i]
		if c.out[i].Known() {
			e.alive += c.out[i].Len()
		}
	}
	return ""
}
