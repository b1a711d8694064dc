package onnx

import (
	"fmt"
	"math"
)

// decoder reads the messages of a file, and counts what they cost.
type decoder struct {
	// folder is where external data lie, or "".
	folder       string
	items, nodes int
	depth        int
	functions    map[functionID]*function
	// opsets are those of the model, or of the function that is being read.
	opsets map[string]int
}

// count refuses files of more messages and strings than a network needs.
func (d *decoder) count(items int) error {
	if d.items += items; d.items > maxItems {
		return fmt.Errorf("the file has more than %d messages and names", maxItems)
	}
	return nil
}

func (d *decoder) countNode() error {
	if d.nodes++; d.nodes > maxNodes {
		return fmt.Errorf("the model has more than %d nodes", maxNodes)
	}
	return nil
}

// message checks and counts a message.
func (d *decoder) message(f field) ([]byte, error) {
	if err := d.count(1); err != nil {
		return nil, err
	}
	return f.message()
}

// texts appends a string to a list.
func (d *decoder) texts(to []string, f field) ([]string, error) {
	if err := d.count(1); err != nil {
		return nil, err
	}
	s, err := f.text()
	return append(to, s), err
}

func (d *decoder) model(b []byte) (*Model, error) {
	m := &Model{Opsets: map[string]int{}, Metadata: map[string]string{}}
	// Nodes need the operator sets, which may follow the graph.
	var graph []byte
	var functions [][]byte
	err := each(b, func(f field) (err error) {
		switch f.number {
		case modelIRVersion:
			var v int64
			v, err = f.int()
			m.IRVersion = clamp(v)
		case modelProducer:
			m.Producer, err = f.text()
		case modelOpset:
			err = d.opset(f, m.Opsets)
		case modelMetadata:
			err = d.entry(f, func(k, v string) error { m.Metadata[k] = v; return nil })
		case modelFunctions:
			var fn []byte
			fn, err = d.message(f)
			functions = append(functions, fn)
		case modelGraph:
			if graph != nil {
				return fmt.Errorf("there is more than one graph")
			}
			graph, err = d.message(f)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := d.readFunctions(functions); err != nil {
		return nil, err
	}
	d.opsets = m.Opsets
	if graph != nil {
		m.Graph, err = d.graph(graph)
	}
	return m, err
}

// clamp converts a version number; absurd ones become -1.
func clamp(v int64) int {
	if v < 0 || v > math.MaxInt32 {
		return -1
	}
	return int(v)
}

// domainName returns "" for either name of the standard domain.
func domainName(s string) string {
	if s == "ai.onnx" {
		return ""
	}
	return s
}

// opset reads an OperatorSetIdProto.
func (d *decoder) opset(f field, to map[string]int) error {
	b, err := d.message(f)
	if err != nil {
		return err
	}
	domain, version := "", 0
	err = each(b, func(f field) (err error) {
		switch f.number {
		case opsetDomain:
			domain, err = f.text()
		case opsetVersion:
			var v int64
			v, err = f.int()
			version = clamp(v)
		}
		return err
	})
	to[domainName(domain)] = version
	return err
}

// entry reads a StringStringEntryProto.
func (d *decoder) entry(f field, set func(key, value string) error) error {
	b, err := d.message(f)
	if err != nil {
		return err
	}
	var key, value string
	err = each(b, func(f field) (err error) {
		switch f.number {
		case entryKey:
			key, err = f.text()
		case entryValue:
			value, err = f.text()
		}
		return err
	})
	if err != nil {
		return err
	}
	return set(key, value)
}

func (d *decoder) graph(b []byte) (*Graph, error) {
	if d.depth++; d.depth > maxDepth {
		return nil, fmt.Errorf("graphs are nested more than %d deep", maxDepth)
	}
	defer func() { d.depth-- }()
	g := &Graph{}
	var inputs []Value
	err := each(b, func(f field) (err error) {
		switch f.number {
		case graphName:
			g.Name, err = f.text()
		case graphNode:
			g.Nodes, err = d.appendNode(g.Nodes, f)
		case graphInitializer:
			g.Initializers, err = d.initializer(g.Initializers, f)
		case graphSparse:
			return fmt.Errorf("the graph has sparse initializers, which are not supported; export it with dense ones")
		case graphInput:
			inputs, err = d.value(inputs, f)
		case graphOutput:
			g.Outputs, err = d.value(g.Outputs, f)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	constant := map[string]bool{}
	for _, t := range g.Initializers {
		constant[t.Name] = true
	}
	for _, v := range inputs {
		if !constant[v.Name] {
			g.Inputs = append(g.Inputs, v)
		}
	}
	return g, nil
}

func (d *decoder) initializer(to []*Tensor, f field) ([]*Tensor, error) {
	b, err := d.message(f)
	if err != nil {
		return nil, err
	}
	t, err := d.tensor(b)
	if err != nil {
		return nil, fmt.Errorf("initializer %d: %w", len(to), err)
	}
	if t.Name == "" {
		return nil, fmt.Errorf("initializer %d has no name", len(to))
	}
	return append(to, t), nil
}

func (d *decoder) appendNode(to []*Node, f field) ([]*Node, error) {
	if err := d.countNode(); err != nil {
		return nil, err
	}
	b, err := d.message(f)
	if err != nil {
		return nil, err
	}
	n, err := d.node(b)
	if err != nil {
		return nil, fmt.Errorf("node %d: %w", len(to), err)
	}
	return append(to, n), nil
}

func (d *decoder) node(b []byte) (*Node, error) {
	n := &Node{}
	err := each(b, func(f field) (err error) {
		switch f.number {
		case nodeInput:
			n.Inputs, err = d.texts(n.Inputs, f)
		case nodeOutput:
			n.Outputs, err = d.texts(n.Outputs, f)
		case nodeName:
			n.Name, err = f.text()
		case nodeOpType:
			n.Op, err = f.text()
		case nodeDomain:
			n.Domain, err = f.text()
		case nodeOverload:
			n.Overload, err = f.text()
		case nodeAttribute:
			n.Attributes, err = d.attribute(n.Attributes, f)
		}
		return err
	})
	n.Domain = domainName(n.Domain)
	n.Opset = d.opsets[n.Domain]
	if err != nil {
		return nil, fmt.Errorf("%v: %w", n, err)
	}
	return n, nil
}

func (d *decoder) attribute(to []*Attribute, f field) ([]*Attribute, error) {
	b, err := d.message(f)
	if err != nil {
		return nil, err
	}
	a := &Attribute{}
	err = each(b, func(f field) (err error) {
		var bytes []byte
		switch f.number {
		case attributeName:
			a.Name, err = f.text()
		case attributeReference:
			a.reference, err = f.text()
		case attributeType:
			var v int64
			v, err = f.int()
			a.Type = AttributeType(min(uint64(v), math.MaxUint8))
		case attributeFloat:
			a.Float, err = f.float()
		case attributeInt:
			a.Int, err = f.int()
		case attributeString:
			a.String, err = f.text()
		case attributeFloats:
			a.Floats, err = f.appendFloats(a.Floats)
		case attributeInts:
			a.Ints, err = f.appendInts(a.Ints)
		case attributeStrings:
			a.Strings, err = d.texts(a.Strings, f)
		case attributeTensor:
			if bytes, err = d.message(f); err == nil {
				a.Tensor, err = d.tensor(bytes)
			}
		case attributeGraph:
			if bytes, err = d.message(f); err == nil {
				a.Graph, err = d.graph(bytes)
			}
		}
		return err
	})
	if err == nil && (a.Type == Data && a.Tensor == nil || a.Type == Body && a.Graph == nil) && a.reference == "" {
		err = fmt.Errorf("its value is missing")
	}
	if err != nil {
		return nil, fmt.Errorf("attribute %q: %w", shorten(a.Name), err)
	}
	return append(to, a), nil
}

// value appends the ValueInfoProto of an input or output. Types other than tensors
// stay Undefined.
func (d *decoder) value(to []Value, f field) ([]Value, error) {
	b, err := d.message(f)
	if err != nil {
		return nil, err
	}
	var v Value
	err = each(b, func(f field) (err error) {
		switch f.number {
		case valueName:
			v.Name, err = f.text()
		case valueType:
			err = d.nested(f, typeTensor, func(f field) error { return d.tensorType(&v, f) })
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("value %q: %w", shorten(v.Name), err)
	}
	return append(to, v), nil
}

// nested calls visit for every field of that number in a message.
func (d *decoder) nested(f field, number int, visit func(field) error) error {
	b, err := d.message(f)
	if err != nil {
		return err
	}
	return each(b, func(f field) error {
		if f.number != number {
			return nil
		}
		return visit(f)
	})
}

// tensorType reads a TypeProto.Tensor.
func (d *decoder) tensorType(v *Value, f field) error {
	b, err := d.message(f)
	if err != nil {
		return err
	}
	return each(b, func(f field) error {
		switch f.number {
		case tensorTypeElem:
			e, err := f.int()
			v.Type = ElemType(clamp(e))
			return err
		case tensorTypeShape:
			v.Ranked = true
			return d.nested(f, shapeDim, func(f field) error { return d.dim(v, f) })
		}
		return nil
	})
}

// dim reads a TensorShapeProto.Dimension.
func (d *decoder) dim(v *Value, f field) error {
	b, err := d.message(f)
	if err != nil {
		return err
	}
	side := Dim{Size: -1}
	err = each(b, func(f field) (err error) {
		switch f.number {
		case dimValue:
			var n int64
			n, err = f.int()
			side.Size = clamp(n)
		case dimParam:
			side.Name, err = f.text()
		}
		return err
	})
	if len(v.Shape) == maxRank {
		return fmt.Errorf("it has more than %d dimensions", maxRank)
	}
	v.Shape = append(v.Shape, side)
	return err
}

// tensor reads a TensorProto. Its data stay where they are.
func (d *decoder) tensor(b []byte) (*Tensor, error) {
	t := &Tensor{}
	location := int64(0)
	x := &external{folder: d.folder, length: -1}
	err := each(b, func(f field) (err error) {
		switch f.number {
		case tensorName:
			t.Name, err = f.text()
		case tensorType:
			var v int64
			v, err = f.int()
			t.Type = ElemType(clamp(v))
		case tensorDims:
			err = t.dims(f)
		case tensorSegment:
			err = fmt.Errorf("tensors in segments are not supported")
		case tensorRaw:
			t.raw, err = f.message()
		case tensorFloats, tensorDoubles, tensorInt32s, tensorInt64s, tensorUint64s:
			err = t.numbers(f)
		case tensorLocation:
			location, err = f.int()
		case tensorExternal:
			err = d.entry(f, x.set)
		}
		return err
	})
	if location != 0 {
		t.external = x
	}
	if err != nil {
		return nil, fmt.Errorf("tensor %q: %w", shorten(t.Name), err)
	}
	return t, nil
}

func (t *Tensor) dims(f field) error {
	sides, err := f.appendInts(nil)
	if err != nil {
		return err
	}
	for _, s := range sides {
		if s < 0 || s > math.MaxInt32 {
			return fmt.Errorf("a side of %d is impossible", s)
		}
		if len(t.Shape) == maxRank {
			return fmt.Errorf("it has more than %d dimensions", maxRank)
		}
		t.Shape = append(t.Shape, int(s))
	}
	return nil
}

// numbers keeps the wire bytes of a repeated field of numbers.
func (t *Tensor) numbers(f field) error {
	b, err := f.numbers(typedFields[f.number].wire)
	if err != nil {
		return err
	}
	if t.typedField != 0 && t.typedField != f.number {
		return fmt.Errorf("its data lie in two fields, %d and %d", t.typedField, f.number)
	}
	t.typedField = f.number
	if t.typed == nil {
		t.typed = b
		return nil
	}
	t.typed = append(t.typed, b...)
	return nil
}
