package graph

import (
	"context"
	"errors"
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
)

// value is an activation, a gradient or a parameter on the tape. An activation
// lies in planes of simd.Lanes channels, (images, planes, H, W, Lanes), the
// channels that the last one lacks being zero; gorgonia knows it as a vector,
// with what kernels may read behind it.
type value struct {
	node  *gorgonia.Node
	dims  tensor.Shape
	dense *tensor.Dense
	mem   *memory // nil where the data is not the plan's

	images int // images
	shape  nn.Shape
	raw    bool // (images, H, W, C) with nothing between: the images as they come
}

// data returns the value's floats of the tensor that the tape has for it.
func (v *value) data(t gorgonia.Value) []float32 {
	all := t.Data().([]float32)
	if v.mem != nil {
		return all[:v.mem.floats]
	}
	return all
}

// channels returns the channels with those that fill up the last plane.
func (v *value) channels() int {
	if v.raw {
		return v.shape.C
	}
	return round(v.shape.C, simd.Lanes)
}

// lanes returns the floats from a pixel to the next.
func (v *value) lanes() int {
	if v.raw {
		return v.shape.C
	}
	return simd.Lanes
}

// planes returns the planes of an image.
func (v *value) planes() int { return v.channels() / v.lanes() }

// plane returns the floats of a plane.
func (v *value) plane() int { return v.shape.H * v.shape.W * v.lanes() }

// pixels returns the pixels of all images.
func (v *value) pixels() int { return v.images * v.shape.H * v.shape.W }

// image returns the floats of an image.
func (v *value) image() int { return v.planes() * v.plane() }

// tape is the network for a number of images, in training or in evaluation, as
// a graph of gorgonia's. Its operations run in the order in which they are
// made, which the plan of the memory relies on.
//
// Gorgonia's own differentiation (gorgonia.Grad) would sum the gradients of a
// value with several readers by an operation of its own, which takes new memory
// at every step; so the layers make their gradients' operations themselves
// (backward.go).
type tape struct {
	*crew
	model *Model
	batch int
	train bool

	graph   *gorgonia.ExprGraph
	ops     []*op
	machine gorgonia.VM
	current *nn.Node // whose operations are being made
	back    bool
	salt    uint32
	err     error

	ctx     context.Context // of the run
	failure error           // of the last operation
	watch   bool            // check every output for NaN

	images, labels *value
	logits         *value
	params         map[*param]*value
	needs          []bool
	loss           float64
	norms          []*norm // those that use the batch's statistics
	grads          map[*nn.Node]*value
	floats         int // of the arena
}

// layerName names a node in errors.
func layerName(n *nn.Node) string {
	if n.Name != "" {
		return n.Name
	}
	if len(n.In) > 0 && n.In[0].Name != "" {
		return fmt.Sprintf("%v after %s", n.Op, n.In[0].Name)
	}
	return fmt.Sprintf("%v (node %d)", n.Op, n.ID)
}

// like returns a new value for activations of that shape.
func (t *tape) like(s nn.Shape) *value {
	v := &value{images: t.batch, shape: s}
	v.mem = &memory{floats: v.images * v.image()}
	v.dims = tensor.Shape{v.mem.floats + simd.Slack}
	return v
}

// over returns a value that takes the memory of another one of the same shape.
func (t *tape) over(old *value) *value {
	v := *old
	v.node, v.dense = nil, nil
	return &v
}

// input adds a value whose data is given.
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

// close plans the memory and makes the machine.
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

// bind gives every operation its place in the arena.
func (t *tape) bind(arena []float32) {
	for _, o := range t.ops {
		if m := o.out.mem; m != nil {
			o.out.dense = tensor.New(tensor.WithShape(o.out.dims...), tensor.WithBacking(arena[m.at:][:m.floats+simd.Slack]))
		}
	}
	t.machine = gorgonia.NewTapeMachine(t.graph, gorgonia.EvalMode())
}

// order makes sure that gorgonia keeps every operation and runs them in the
// order in which they were made.
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

// errHash tells that two operations have the same hash of 32 bits, by which
// gorgonia would take them for one.
var errHash = errors.New("graph: internal error: two operations of one hash")
