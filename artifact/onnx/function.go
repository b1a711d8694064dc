package onnx

import (
	"fmt"
	"slices"
)

// functionID names a function of the model.
type functionID struct{ domain, name, overload string }

// function is a FunctionProto: a graph that nodes call by name.
type function struct {
	inputs, outputs []string
	nodes           []*Node
	// defaults are the attributes that a call may leave out.
	defaults []*Attribute
}

func (d *decoder) readFunctions(messages [][]byte) error {
	d.functions = map[functionID]*function{}
	for i, b := range messages {
		id, fn, err := d.function(b)
		if err != nil {
			return fmt.Errorf("function %d, %q: %w", i, shorten(id.name), err)
		}
		d.functions[id] = fn
	}
	return nil
}

func (d *decoder) function(b []byte) (id functionID, fn *function, err error) {
	fn = &function{}
	d.opsets = map[string]int{}
	var nodes []field // read after the operator sets, which may follow them
	err = each(b, func(f field) (err error) {
		switch f.number {
		case functionName:
			id.name, err = f.text()
		case functionDomain:
			id.domain, err = f.text()
		case functionOverload:
			id.overload, err = f.text()
		case functionInput:
			fn.inputs, err = d.texts(fn.inputs, f)
		case functionOutput:
			fn.outputs, err = d.texts(fn.outputs, f)
		case functionOpset:
			err = d.opset(f, d.opsets)
		case functionDefault:
			fn.defaults, err = d.attribute(fn.defaults, f)
		case functionNode:
			nodes = append(nodes, f)
			err = d.count(1)
		}
		return err
	})
	id.domain = domainName(id.domain)
	for _, f := range nodes {
		if err != nil {
			break
		}
		fn.nodes, err = d.appendNode(fn.nodes, f)
	}
	return id, fn, err
}

// inline replaces every call of a function by the function's nodes.
func (d *decoder) inline(m *Model) error {
	if len(d.functions) == 0 {
		return nil
	}
	d.nodes = 0
	return d.inlineGraph(m.Graph)
}

func (d *decoder) inlineGraph(g *Graph) (err error) {
	var nodes []*Node
	for _, n := range g.Nodes {
		if nodes, err = d.expand(nodes, n, 0); err != nil {
			return err
		}
	}
	g.Nodes = nodes
	return nil
}

// expand appends n, or the nodes of the function that it calls.
func (d *decoder) expand(to []*Node, n *Node, depth int) ([]*Node, error) {
	if err := d.countNode(); err != nil {
		return nil, err
	}
	fn := d.functions[functionID{n.Domain, n.Op, n.Overload}]
	if fn == nil {
		for _, a := range n.Attributes {
			if a.Graph != nil {
				if err := d.inlineGraph(a.Graph); err != nil {
					return nil, err
				}
			}
		}
		return append(to, n), nil
	}
	if depth == maxDepth {
		return nil, fmt.Errorf("%v: functions call each other more than %d deep", n, maxDepth)
	}
	call, err := d.newCall(n, fn)
	if err != nil {
		return nil, fmt.Errorf("%v: %w", n, err)
	}
	for _, inner := range fn.nodes {
		copied, err := call.node(inner)
		if err != nil {
			return nil, fmt.Errorf("%v: %w", n, err)
		}
		if to, err = d.expand(to, copied, depth+1); err != nil {
			return nil, err
		}
	}
	return to, nil
}

// call is one use of a function.
type call struct {
	d          *decoder
	prefix     string
	names      map[string]string // value within the function: value of the caller
	attributes []*Attribute
}

func (d *decoder) newCall(n *Node, fn *function) (*call, error) {
	if len(n.Inputs) > len(fn.inputs) || len(n.Outputs) > len(fn.outputs) {
		return nil, fmt.Errorf("%d inputs and %d outputs do not fit the function's %d and %d",
			len(n.Inputs), len(n.Outputs), len(fn.inputs), len(fn.outputs))
	}
	if err := d.count(len(fn.inputs) + len(fn.outputs) + len(fn.defaults) + len(n.Attributes)); err != nil {
		return nil, err
	}
	c := &call{d: d, names: map[string]string{"": ""}}
	for i, name := range fn.inputs {
		c.names[name] = ""
		if i < len(n.Inputs) {
			c.names[name] = n.Inputs[i]
		}
	}
	for i, name := range n.Outputs {
		if name == "" {
			continue
		}
		c.names[fn.outputs[i]] = name
		if c.prefix == "" {
			c.prefix = name + "/" // unique, as each value is made once
		}
	}
	c.attributes = slices.Clone(n.Attributes)
	for _, a := range fn.defaults {
		if n.Attribute(a.Name) == nil {
			c.attributes = append(c.attributes, a)
		}
	}
	return c, nil
}

// rename returns the caller's name of a value of the function.
func (c *call) rename(name string) string {
	if outer, ok := c.names[name]; ok {
		return outer
	}
	return c.prefix + name
}

func (c *call) renameAll(names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = c.rename(name)
	}
	return out
}

// node returns a copy of a function's node for the call.
func (c *call) node(n *Node) (*Node, error) {
	if err := c.d.count(1 + len(n.Inputs) + len(n.Outputs) + len(n.Attributes)); err != nil {
		return nil, err
	}
	out := *n
	out.Name = c.prefix + n.Name
	out.Inputs, out.Outputs = c.renameAll(n.Inputs), c.renameAll(n.Outputs)
	out.Attributes = nil
	for _, a := range n.Attributes {
		value := *a
		if a.reference != "" {
			i := slices.IndexFunc(c.attributes, func(b *Attribute) bool { return b.Name == a.reference })
			if i < 0 {
				continue // the call leaves out an optional attribute
			}
			value = *c.attributes[i]
			value.Name = a.Name
		}
		if value.Graph != nil {
			var err error
			if value.Graph, err = c.graph(value.Graph); err != nil {
				return nil, err
			}
		}
		out.Attributes = append(out.Attributes, &value)
	}
	return &out, nil
}

// graph returns a copy of a function's subgraph for the call. All names that it
// defines are new.
func (c *call) graph(g *Graph) (*Graph, error) {
	if err := c.d.count(len(g.Inputs) + len(g.Outputs) + len(g.Initializers)); err != nil {
		return nil, err
	}
	out := &Graph{Name: g.Name, Inputs: c.values(g.Inputs), Outputs: c.values(g.Outputs)}
	for _, t := range g.Initializers {
		copied := *t
		copied.Name = c.rename(t.Name)
		out.Initializers = append(out.Initializers, &copied)
	}
	for _, n := range g.Nodes {
		copied, err := c.node(n)
		if err != nil {
			return nil, err
		}
		out.Nodes = append(out.Nodes, copied)
	}
	return out, nil
}

func (c *call) values(vs []Value) []Value {
	out := slices.Clone(vs)
	for i := range out {
		out[i].Name = c.rename(out[i].Name)
	}
	return out
}
