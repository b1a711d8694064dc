package reference

import (
	"fmt"
	"maps"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/artifact/onnx"
	"github.com/deploy-kernel/deploy-kernel/internal/nearest"
)

// operator is the implementation of an operator of the standard domain.
type operator struct {
	// least and most bound the number of inputs. The first least ones must be there.
	least, most int
	run         func(*call)
	// since is the operator set from which run is right, if it is not 6.
	since int
}

// many is the number of inputs of an operator that takes any.
const many = 1 << 20

// families lists the tables of operators.
var families = []map[string]operator{
	arithmetic, functions, comparisons, constants, moves, indexing, reductions,
	products, windows, normalizations, attentions, resizing,
}

var operators = func() map[string]operator {
	all := map[string]operator{}
	for _, family := range families {
		maps.Copy(all, family)
	}
	return all
}()

// Operators returns the names of the operators, sorted.
func Operators() []string { return slices.Sorted(maps.Keys(operators)) }

// find returns the operator of a node, or why there is none.
func find(n *onnx.Node) (op operator, reason string) {
	if n.Op == "If" && n.Domain == "" { // apart, because it runs nodes itself
		return operator{least: 1, most: 1, run: (*call).branch}, ""
	}
	op, ok := operators[n.Op]
	if n.Domain != "" || !ok {
		reason = "there is no such operator here"
		if name, ok := nearest.Name(n.Op, Operators()); ok && n.Domain == "" && n.Op != name {
			reason += "; the nearest is " + name
		}
		return op, reason
	}
	since := op.since
	if since == 0 {
		since = 6
	}
	if n.Opset < since {
		return op, fmt.Sprintf("its form before operator set %d is not supported", since)
	}
	if len(n.Inputs) > op.most {
		return op, fmt.Sprintf("it has %d inputs, more than %d", len(n.Inputs), op.most)
	}
	for i := range op.least {
		if i >= len(n.Inputs) || n.Inputs[i] == "" {
			return op, fmt.Sprintf("input %d is missing", i)
		}
	}
	return op, ""
}

// branch runs one of the graphs of an If node.
func (c *call) branch() {
	cond := c.in[0]
	if !cond.Known() || cond.Len() != 1 {
		c.fail("its condition must be a constant: %w", errConstant)
		return
	}
	name := "else_branch"
	if cond.Int64s()[0] != 0 {
		name = "then_branch"
	}
	a := c.attribute(name, onnx.Body)
	if a == nil {
		c.fail("it has no %s", name)
		return
	}
	values, err := c.e.graph(a.Graph, nil, c.values)
	if err != nil {
		c.fail("in its %s: %w", name, err)
		return
	}
	if len(a.Graph.Outputs) != len(c.node.Outputs) {
		c.fail("its %s has %d outputs, not %d", name, len(a.Graph.Outputs), len(c.node.Outputs))
		return
	}
	for i, v := range a.Graph.Outputs {
		c.out[i] = values[v.Name]
	}
}
