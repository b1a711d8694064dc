package graph

import (
	"context"
	"errors"
	"fmt"

	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// value is an activation, a gradient or a parameter on the tape. An activation lies in
// planes of simd.Lanes channels, (images, planes, H, W, Lanes). The channels that the last
// plane lacks are zero. Gorgonia sees a vector that includes the slack behind the data.
type value struct {
	node  *gorgonia.Node
	dims  tensor.Shape
	dense *tensor.Dense
	mem   *memory // nil for inputs, parameters and their gradients

	images int // images
	shape  nn.Shape
	raw    bool // the layout is (images, H, W, C), as that of input images
}

// data returns the floats of the value in its tensor, without the slack.
func (v *value) data(t gorgonia.Value) []float32 {
	all := t.Data().([]float32)
	if v.mem != nil {
		return all[:v.mem.floats]
	}
	return all
}

// channels returns the number of channels, including those that pad the last plane.
func (v *value) channels() int {
	if v.raw {
		return v.shape.C
	}
	return round(v.shape.C, simd.Lanes)
}

// lanes returns the number of floats from a pixel to the next.
func (v *value) lanes() int {
	if v.raw {
		return v.shape.C
	}
	return simd.Lanes
}

// planes returns the number of planes of an image.
func (v *value) planes() int { return v.channels() / v.lanes() }

// plane returns the number of floats of a plane.
func (v *value) plane() int { return v.shape.H * v.shape.W * v.lanes() }

// pixels returns the number of pixels of all images.
func (v *value) pixels() int { return v.images * v.shape.H * v.shape.W }

// image returns the number of floats of an image.
func (v *value) image() int { return v.planes() * v.plane() }

// tape is the network as a gorgonia graph for a fixed number of images, in training or
// evaluation. Its operations run in the order in which they are added; the memory plan
// relies on that.
//
// The layers add the operations of their gradients themselves (backward.go). Gorgonia's
// own differentiation would sum the gradients of a value with several readers in an
// operation that allocates memory at every step.
type tape struct {
	*crew
	model *Model
	batch int
	train bool

	graph   *gorgonia.ExprGraph
	ops     []*op
	machine gorgonia.VM
	current *nn.Node // the node whose operations are being added
	back    bool     // the backward half is being added
	salt    uint32
	err     error

	ctx     context.Context // of the run
	failure error           // of the last operation, unwrapped
	watch   bool            // check every output for NaN

	images, labels *value
	logits         *value
	params         map[*param]*value
	needs          []bool
	loss           float64
	norms          []*norm // the batch norms that use the statistics of the batch
	grads          map[*nn.Node]*value
	floats         int // of the arena
}

// layerName returns the name of a node for errors.
func layerName(n *nn.Node) string {
	if n.Name != "" {
		return n.Name
	}
	if len(n.In) > 0 && n.In[0].Name != "" {
		return fmt.Sprintf("%v after %s", n.Op, n.In[0].Name)
	}
	return fmt.Sprintf("%v (node %d)", n.Op, n.ID)
}

// like returns a new value for activations of shape s.
func (t *tape) like(s nn.Shape) *value {
	v := &value{images: t.batch, shape: s}
	v.mem = &memory{floats: v.images * v.image()}
	v.dims = tensor.Shape{v.mem.floats + simd.Slack}
	return v
}

// over returns a value in the memory of old, which has the same shape.
func (t *tape) over(old *value) *value {
	v := *old
	v.node, v.dense = nil, nil
	return &v
}

// input adds a value with its own data.
func (t *tape) input(name string, data []float32, dims ...int) *value {
	v := &value{dims: dims, dense: tensor.New(tensor.WithShape(dims...), tensor.WithBacking(data))}
	v.node = gorgonia.NewTensor(t.graph, tensor.Float32, len(dims), gorgonia.WithShape(dims...), gorgonia.WithName(name), gorgonia.WithValue(v.dense))
	return v
}

// apply adds an operation that computes out.
func (t *tape) apply(what string, out *value, in []*value, run func(out []float32, in [][]float32)) *value {
	o := &op{
		tape: t, name: what + " " + layerName(t.current), node: t.current, backward: t.back,
		id: t.salt + uint32(len(t.ops)), in: in, out: out, run: run,
	}
	nodes := make([]*gorgonia.Node, len(in))
	for i, v := range in {
		nodes[i] = v.node
		if v.mem != nil {
			v.mem.use(len(t.ops))
		}
	}
	if out.mem != nil {
		out.mem.use(len(t.ops))
	}
	t.ops = append(t.ops, o)
	node, err := gorgonia.ApplyOp(o, nodes...)
	if err != nil && t.err == nil {
		t.err = fmt.Errorf("%s: %w", o.name, err)
	}
	out.node = node
	return out
}

// close plans the memory of the finished tape.
func (t *tape) close() error {
	if t.err != nil {
		return t.err
	}
	if err := t.order(); err != nil {
		return err
	}
	var all []*memory
	seen := map[*memory]bool{}
	for _, o := range t.ops {
		if m := o.out.mem; m != nil && !seen[m] {
			seen[m] = true
			all = append(all, m)
		}
	}
	t.floats = place(all)
	return nil
}

// bind assigns every operation its place in the arena, and makes the machine.
func (t *tape) bind(arena []float32) {
	for _, o := range t.ops {
		if m := o.out.mem; m != nil {
			o.out.dense = tensor.New(tensor.WithShape(o.out.dims...), tensor.WithBacking(arena[m.at:][:m.floats+simd.Slack]))
		}
	}
	t.machine = gorgonia.NewTapeMachine(t.graph, gorgonia.EvalMode())
}

// order checks that gorgonia keeps every operation, and runs them in the order in which
// they were added.
func (t *tape) order() error {
	sorted, err := gorgonia.Sort(t.graph)
	if err != nil {
		return err
	}
	hashes := map[uint32]bool{}
	next := 0
	for i := len(sorted) - 1; i >= 0; i-- {
		h := sorted[i].Hashcode()
		if hashes[h] {
			return errHash
		}
		hashes[h] = true
		o, ok := sorted[i].Op().(*op)
		if !ok {
			continue
		}
		if o != t.ops[next] {
			return fmt.Errorf("graph: internal error: gorgonia runs %s before %s", o.name, t.ops[next].name)
		}
		next++
	}
	if next != len(t.ops) {
		return fmt.Errorf("graph: internal error: gorgonia keeps %d of %d operations", next, len(t.ops))
	}
	return nil
}

// errHash is returned when two operations have the same 32-bit hash. Gorgonia would merge
// them.
var errHash = errors.New("graph: internal error: two operations of one hash")
