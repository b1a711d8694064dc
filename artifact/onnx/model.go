package onnx

import (
	"fmt"
	"strings"
)

// Model is a network as an ONNX file describes it. Functions are inlined, and the
// nodes of every graph are sorted. A Model is read-only after [Open] or [Parse], and
// then safe for concurrent use.
type Model struct {
	IRVersion int
	// Producer is the name of the exporter.
	Producer string
	// Opsets holds the version of the operator set of each domain. The standard
	// domain is "".
	Opsets map[string]int
	// Metadata holds the file's own keys and texts.
	Metadata map[string]string
	Graph    *Graph
}

// Graph is a list of nodes with the values that enter and leave it.
type Graph struct {
	Name string
	// Inputs leaves out those that an initializer gives a value.
	Inputs, Outputs []Value
	Initializers    []*Tensor
	// Nodes lists every node after the nodes whose outputs it uses.
	Nodes []*Node
}

// Value describes an input or an output of a graph.
type Value struct {
	Name string
	// Type is Undefined unless the value is a tensor.
	Type ElemType
	// Ranked reports whether Shape is known.
	Ranked bool
	Shape  []Dim
}

// Dim is a side of a shape: a number, or a name for a size that only a run knows.
type Dim struct {
	// Size is -1 if the side is not fixed.
	Size int
	Name string
}

// String returns the size or the name, or "?" if there is neither.
func (d Dim) String() string {
	switch {
	case d.Size >= 0:
		return fmt.Sprint(d.Size)
	case d.Name != "":
		return d.Name
	}
	return "?"
}

// Node is one operation.
type Node struct {
	// Name may be empty. Inlined nodes have the name of the calling node before
	// their own.
	Name, Op, Domain string
	// Overload distinguishes functions of one name. It is "" for operators.
	Overload string
	// Opset is the version of the operator set of Domain. It is 0 if the file
	// imports none.
	Opset int
	// Inputs holds names of values; "" stands for an optional input that is left
	// out. Outputs does likewise.
	Inputs, Outputs []string
	Attributes      []*Attribute
}

// Attribute returns the attribute of that name, or nil.
func (n *Node) Attribute(name string) *Attribute {
	for _, a := range n.Attributes {
		if a.Name == name {
			return a
		}
	}
	return nil
}

// String names the node for error messages: its operator, its name or else its first
// output, and the version of its operator set.
func (n *Node) String() string {
	op := n.Op
	if n.Domain != "" {
		op = n.Domain + "." + op
	}
	name := n.Name
	if name == "" && len(n.Outputs) > 0 {
		name = n.Outputs[0]
	}
	return fmt.Sprintf("%s %q (opset %d)", op, shorten(name), n.Opset)
}

// shorten cuts long names of hostile files.
func shorten(s string) string {
	const most = 120
	if len(s) > most {
		return s[:most] + "…"
	}
	return strings.ToValidUTF8(s, "?")
}

// AttributeType is the kind of value that an attribute holds.
type AttributeType uint8

// The attribute types that are read; the numbers are the file format's.
const (
	Float   AttributeType = 1
	Int     AttributeType = 2
	String  AttributeType = 3
	Data    AttributeType = 4 // a tensor
	Body    AttributeType = 5 // a graph
	Floats  AttributeType = 6
	Ints    AttributeType = 7
	Strings AttributeType = 8
)

// Attribute is a named constant of a node. Type says which field holds it.
type Attribute struct {
	Name    string
	Type    AttributeType
	Float   float64
	Int     int64
	String  string
	Tensor  *Tensor
	Graph   *Graph
	Floats  []float64
	Ints    []int64
	Strings []string
	// reference names the attribute of the calling node that gives the value,
	// within a function.
	reference string
}
