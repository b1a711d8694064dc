package engine

import (
	"github.com/deploy-kernel/deploy-kernel/runtime/kernel"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

// step is one pass over a part of the arena. Its parts are independent of one
// another, and what they compute doesn't depend on who computes them.
type step interface {
	parts() int
	run(arena []float32, s *scratch, part int)
}

// scratch is what a goroutine needs to run steps: the kernels' jobs, which
// would else be allocated at every call.
type scratch struct {
	gemm      kernel.GEMM
	depthwise kernel.Depthwise
}

// plan is a network ready to run: steps over one arena.
type plan struct {
	steps  []step
	input  *tensor
	output *tensor
	arena  int // floats
}

// planner is what the making of a plan shares.
type planner struct {
	set     *kernel.Set
	params  Params
	tensors []*tensor          // by node
	tables  map[window][]int32 // of pixel places, shared by equal layers
}

func newPlan(g *nn.Graph, p Params, set *kernel.Set) (*plan, error) {
	units := fuse(g)
	pl := &planner{set: set, params: p, tensors: make([]*tensor, len(g.Nodes)), tables: map[window][]int32{}}
	all := pl.layOut(g, units)
	out := &plan{input: pl.tensors[g.Input.ID], output: pl.tensors[g.Output.ID], arena: place(all) + kernel.Slack}
	for _, u := range units {
		s, err := pl.step(u)
		if err != nil {
			return nil, err
		}
		if s != nil {
			out.steps = append(out.steps, s)
		}
	}
	return out, nil
}

// layOut makes the units' tensors, with their borders and lives.
func (pl *planner) layOut(g *nn.Graph, units []*unit) []*tensor {
	var all []*tensor
	for i, u := range units {
		if u.first.Op == nn.Dropout {
			pl.tensors[u.last.ID] = pl.of(u.first.In[0]) // the same thing
			continue
		}
		t := newTensor(u.last.Shape)
		if u.first.Op == nn.Input {
			t.pixel = t.shape.C // the first convolution reads whole rows of taps
		}
		t.birth, t.death = i, i
		pl.tensors[u.last.ID] = t
		all = append(all, t)
	}
	for i, u := range units {
		reads := u.first.In
		if r := u.residual(); r != nil {
			reads = append(reads[:len(reads):len(reads)], r)
		}
		for _, n := range reads {
			t := pl.of(n)
			t.death = max(t.death, i)
			if u.first.Op == nn.Conv && n == u.first.In[0] {
				t.border = max(t.border, u.first.Pad.H, u.first.Pad.W)
			}
		}
	}
	pl.of(g.Output).death = len(units)
	return all
}

func (pl *planner) of(n *nn.Node) *tensor { return pl.tensors[n.ID] }

// step makes the step of a unit; nil where there is nothing to do.
func (pl *planner) step(u *unit) (step, error) {
	n := u.first
	y := pl.of(u.last)
	floor := kernel.None
	if u.relu {
		floor = 0
	}
	in := make([]*tensor, len(n.In))
	for i, x := range n.In {
		in[i] = pl.of(x)
	}
	switch n.Op {
	case nn.Input, nn.Dropout:
		return nil, nil
	case nn.Conv, nn.Linear:
		if depthwise(n) {
			return pl.depthwise(u, in[0], y, floor)
		}
		return pl.conv(u, in[0], y, floor)
	case nn.BatchNorm:
		scale, shift, err := pl.affine(n)
		return &affine{set: pl.set, x: in[0], y: y, scale: scale, shift: shift, floor: floor}, err
	case nn.ReLU:
		return &add{set: pl.set, b: in[0], y: y, factor: 1, floor: 0, zero: zeros(y)}, nil
	case nn.Add:
		return &add{set: pl.set, a: in[0], b: in[1], y: y, factor: float32(n.Scale), floor: floor}, nil
	case nn.Mul:
		g := &gate{set: pl.set, x: in[0], gate: in[1], y: y, floor: floor, zero: make([]float32, y.pixel)}
		if r := u.residual(); r != nil {
			g.res = pl.of(r)
		}
		return g, nil
	case nn.MaxPool, nn.AvgPool:
		return &pool{set: pl.set, node: n, x: in[0], y: y, zero: make([]float32, y.pixel)}, nil
	case nn.GlobalAvgPool, nn.GlobalMaxPool:
		return &globalPool{set: pl.set, mean: n.Op == nn.GlobalAvgPool, x: in[0], y: y, zero: make([]float32, y.pixel)}, nil
	default:
		return movement(n, in, y), nil
	}
}

// zeros returns a row of zeros as long as the tensor's rows.
func zeros(t *tensor) []float32 { return make([]float32, t.shape.W*t.pixel) }
