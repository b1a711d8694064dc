package importer

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/artifact/onnx"
	"github.com/deploy-kernel/deploy-kernel/importer/reference"
	"github.com/deploy-kernel/deploy-kernel/importer/tensor"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

// drawing turns a graph into nodes of runtime/nn. It first recognizes parts, from the
// output back to the input, and then draws them in the order of the graph.
type drawing struct {
	ctx    context.Context // of the import
	graph  *onnx.Graph
	values reference.Values
	// makers holds the node that makes each value, order its place in the graph, and
	// users counts the nodes that use it. They know no values that are renamed only.
	makers  map[string]*onnx.Node
	order   map[string]int
	users   map[string]int
	renamed map[string]string

	b      *nn.Builder
	input  input
	parts  map[string]part
	drawn  map[string]*value
	params map[string]weights.Tensor
	layers map[string]*nn.Node // by the names of their parameters in the file
	// rearranged holds the nodes that were drawn for arrangements. raw and products
	// hold what stands for nodes that are not drawn yet; see constantValue and product.
	rearranged map[string]*nn.Node
	raw        map[*nn.Node][]float32
	products   map[*nn.Node]*product
}

// part is what makes a value of the ONNX graph in the network.
type part struct {
	// inputs names the values that it uses, apart from constants.
	inputs []string
	// draw adds the part's nodes.
	draw func(in []*value) (*value, error)
}

func newDrawing(ctx context.Context, g *onnx.Graph, values reference.Values, in input) *drawing {
	d := &drawing{
		ctx: ctx, graph: g, values: values, input: in,
		makers: map[string]*onnx.Node{}, order: map[string]int{}, users: map[string]int{}, renamed: map[string]string{},
		b:     nn.NewBuilder("onnx", in.image),
		parts: map[string]part{}, drawn: map[string]*value{},
		params: map[string]weights.Tensor{}, layers: map[string]*nn.Node{},
		rearranged: map[string]*nn.Node{}, raw: map[*nn.Node][]float32{}, products: map[*nn.Node]*product{},
	}
	for i, n := range g.Nodes {
		if d.renames(n) {
			d.renamed[n.Outputs[0]] = d.name(n.Inputs[0])
			continue
		}
		for _, name := range n.Outputs {
			d.makers[name], d.order[name] = n, i
		}
		for _, name := range n.Inputs {
			d.users[d.name(name)]++
		}
	}
	for _, v := range g.Outputs {
		d.users[d.name(v.Name)]++
	}
	d.drawn[in.name] = nchw(d.b.Input())
	if in.last {
		d.drawn[in.name] = place(d.b.Input(), none, nn.AxisH, nn.AxisW, nn.AxisC)
	}
	return d
}

// renames reports whether a node returns its input as it is.
func (d *drawing) renames(n *onnx.Node) bool {
	switch n.Op {
	case "Identity", "Dropout":
		return true
	case "Cast", "CastLike":
		from, to := d.values[n.Inputs[0]], d.values[n.Outputs[0]]
		return from != nil && to != nil && from.Type == to.Type
	}
	return false
}

// name follows values that are renamed only.
func (d *drawing) name(name string) string {
	if from, ok := d.renamed[name]; ok {
		return from
	}
	return name
}

// constant returns a value that does not depend on the image, or nil.
func (d *drawing) constant(name string) *tensor.Tensor {
	if x := d.values[name]; x != nil && x.Known() {
		return x
	}
	return nil
}

// in returns the name of an input of a node, or "" if it is left out.
func (d *drawing) in(n *onnx.Node, i int) string {
	if i >= len(n.Inputs) {
		return ""
	}
	return d.name(n.Inputs[i])
}

// made returns the node that makes a value, if it has this operator, or nil.
func (d *drawing) made(name, op string) *onnx.Node {
	if n := d.makers[d.name(name)]; n != nil && n.Op == op && n.Domain == "" && d.constant(name) == nil {
		return n
	}
	return nil
}

// network draws all that the output needs.
func (d *drawing) network(output string) (*Network, error) {
	out := &Network{ChannelsLast: d.input.last}
	var ends []int // of the nodes that each step drew
	output = d.name(output)
	for op, a := range map[string]Activation{"Sigmoid": Sigmoid, "Softmax": Softmax, "LogSoftmax": LogSoftmax} {
		if n := d.made(output, op); n != nil && (a == Sigmoid || isVector(d.values[output].Shape)) {
			out.Activation, output = a, d.in(n, 0)
			break
		}
	}
	unsupported := &reference.UnsupportedError{Nodes: len(d.graph.Nodes)}
	refuse := func(n *onnx.Node, err error) {
		p := reference.Problem{Node: n, Reason: err.Error()}
		for _, name := range n.Inputs {
			if x := d.values[name]; x != nil {
				p.Inputs = append(p.Inputs, x.String())
			}
		}
		unsupported.Problems = append(unsupported.Problems, p)
	}
	failed := d.recognizeAll(output)
	for _, n := range d.graph.Nodes {
		for _, name := range n.Outputs {
			if err := failed[name]; err != nil {
				refuse(n, err)
			}
			p, ok := d.parts[name]
			if !ok {
				continue
			}
			if in, ok := d.inputs(p); ok {
				v, err := p.draw(in)
				if err == nil {
					err = d.b.Err()
				}
				if want := d.values[name].Shape; err == nil && !slices.Equal(v.shape(), want) {
					err = fmt.Errorf("it would have the shape %v, not %v", v.shape(), want)
				}
				if err != nil {
					refuse(n, err)
					continue
				}
				d.drawn[name] = v
				out.Steps, ends = append(out.Steps, Step{Node: n}), append(ends, d.b.Len())
			}
		}
	}
	if len(unsupported.Problems) > 0 {
		return nil, unsupported
	}
	logits := d.drawn[output]
	if logits == nil {
		return nil, fmt.Errorf("the output %q does not depend on the image", output)
	}
	out.OutputShape = d.values[output].Shape
	vector := d.real(logits)
	var err error
	if out.Graph, err = d.b.Graph(d.arranged(vector, [3][]slot{vector.slots(d.axes(vector)...)}).node); err != nil {
		return nil, err
	}
	drawn := 1 // the input
	for i, end := range ends {
		out.Steps[i].Became, drawn = out.Graph.Nodes[drawn:end], end
	}
	text := out.Graph.Text()
	out.Graph.Arch = arch.ImportedName(text)
	out.Weights = &weights.StateDict{Metadata: map[string]string{
		"arch": out.Graph.Arch, "graph": text, "activation": out.Activation.String(),
		"classes": strconv.Itoa(out.Graph.Classes()), "input_size": strconv.Itoa(d.input.image.H),
	}}
	for _, p := range out.Graph.Params() {
		out.Weights.Tensors = append(out.Weights.Tensors, d.params[p.Name])
	}
	return out, nil
}

// isVector reports whether at most one side is longer than 1.
func isVector(shape []int) bool { return len(shape) > 0 && slices.Max(shape) == tensor.Len(shape) }

// recognizeAll finds the parts that the output needs. It returns the values for which
// there is none.
func (d *drawing) recognizeAll(output string) (failed map[string]error) {
	failed = map[string]error{}
	todo := []string{output}
	for len(todo) > 0 {
		name := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if _, ok := d.parts[name]; ok || failed[name] != nil || d.drawn[name] != nil {
			continue
		}
		n := d.makers[name]
		if n == nil || d.constant(name) != nil {
			continue // reported by the one who needs it
		}
		p, err := d.recognize(n, name)
		if err != nil {
			failed[name] = err
			for i := range n.Inputs { // what they need may fail too
				todo = append(todo, d.in(n, i))
			}
			continue
		}
		d.parts[name] = p
		todo = append(todo, p.inputs...)
	}
	return failed
}

// inputs returns what a part needs, if all of it has been drawn.
func (d *drawing) inputs(p part) (in []*value, ok bool) {
	for _, name := range p.inputs {
		v := d.drawn[name]
		if v == nil {
			return nil, false
		}
		in = append(in, v)
	}
	return in, true
}

// layer returns the state-dict name of a layer: that of its weights in the file if
// they have one in PyTorch's style, or else one that counts.
func (d *drawing) layer(kind, weight string) string {
	if name, ok := strings.CutSuffix(weight, ".weight"); ok && name != "" {
		if _, used := d.params[weight]; !used {
			return name
		}
	}
	for i := len(d.params); ; i++ {
		name := fmt.Sprintf("%s%d", kind, i)
		if _, used := d.params[name+".weight"]; !used {
			return name
		}
	}
}

// again returns the node of an earlier layer with the same parameters and the same
// shape of input, or nil. key names the parameters in the file.
func (d *drawing) again(key string, op nn.Op, x *nn.Node) *nn.Node {
	if n := d.layers[key]; n != nil && n.Op == op && n.In[0].Shape == x.Shape {
		return n
	}
	return nil
}

// paramsOf returns a key of the parameters that a node has in the file.
func paramsOf(n *onnx.Node) string { return strings.Join(n.Inputs[1:], "\x00") }

// param stores a parameter of a layer.
func (d *drawing) param(layer string, role nn.Role, shape []int, v []float32) {
	name := layer + "." + role.String()
	d.params[name] = weights.NewFloat32(name, shape, v)
}
