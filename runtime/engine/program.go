package engine

import (
	"runtime"
	"sync"

	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
)

// step is one pass over the arena, divided into independent parts. Its result
// depends neither on the number of parts nor on the workers that compute them.
type step interface {
	parts(workers int) int
	run(arena []float32, s *scratch, part, parts int)
}

// partsPerWorker is the number of parts of a step for each worker. More than one
// evens out the load.
const partsPerWorker = 4

// scratch is what a goroutine needs to run steps: jobs of the SIMD routines, which
// would otherwise be allocated at every call, and temporary memory.
type scratch struct {
	gemm      simd.GEMM
	windows   simd.Windows
	grouped   simd.Grouped
	transform simd.Transform
	gather    simd.Gather
	strassen  simd.Strassen
	pixels    simd.Pixels
	across    simd.Across
	segment   [1]simd.Segment
	pixel     [simd.Lanes]float32
	floats    []float32
	// held is 1 plus the number of the block whose packed inputs floats
	// holds, for the current step, or 0. Parts of the same block reuse them.
	held int
}

// program is a compiled network: steps that compute in one arena.
type program struct {
	steps   []step
	shared  []sharing // by step, for workers that share an image
	names   []string  // of the steps
	layers  []string  // state-dict names of the steps' first nodes
	input   *tensor
	output  *tensor
	arena   int // size in floats
	scratch int // size in floats
}

// compiler is the state of one compilation. Goroutines that make steps share it.
type compiler struct {
	operations []Operation
	set        *simd.Set
	fusion     *fusion
	tensors    []*tensor // by node
	areas      []*area
	scratch    int

	mu     sync.Mutex // guards the fields below and scratch
	params Params
	tables map[window][]int32 // pixel offsets; equal layers share a table
}

// newCompiler returns a compiler with the layout of the tensors.
func newCompiler(f *fusion) *compiler {
	comp := &compiler{fusion: f, tensors: make([]*tensor, len(f.graph.Nodes)), tables: map[window][]int32{}}
	comp.layOut()
	return comp
}

// ActivationBytes returns the size in bytes of one image's activations. Each thread
// needs so much memory, in addition to the weights that all threads share.
func ActivationBytes(g *nn.Graph) int {
	return 4 * (place(newCompiler(fuse(g)).areas) + simd.Slack)
}

func newProgram(ops []Operation, g *nn.Graph, p Params, set *simd.Set) (*program, error) {
	f := fuse(g)
	comp := newCompiler(f)
	comp.operations, comp.set, comp.params = ops, set, p
	out := &program{input: comp.of(g.Input), output: comp.of(g.Output), arena: place(comp.areas) + simd.Slack}
	steps, errs := make([]step, len(f.units)), make([]error, len(f.units))
	// All cores pack weights.
	limit := make(chan struct{}, runtime.GOMAXPROCS(0))
	var group sync.WaitGroup
	for i, u := range f.units {
		limit <- struct{}{}
		group.Go(func() {
			defer func() { <-limit }()
			steps[i], errs[i] = comp.step(u)
		})
	}
	group.Wait()
	for i, s := range steps {
		if errs[i] != nil {
			return nil, errs[i]
		}
		if s != nil {
			out.steps = append(out.steps, s)
			out.names = append(out.names, describe(f.units[i]))
			out.layers = append(out.layers, f.units[i].first.Name)
		}
	}
	out.shared = make([]sharing, len(out.steps))
	out.scratch = comp.scratch
	return out, nil
}

// describe returns a name for what a unit computes.
func describe(u *unit) string {
	text := u.first.Op.String()
	if u.first.Name != "" {
		text += " " + u.first.Name
	}
	if u.add != nil {
		text += " + Add"
	}
	if u.activation != nil {
		text += " + " + u.activation.Activation.String()
	}
	return text
}

// layOut creates the units' tensors, with their borders and lifetimes.
func (comp *compiler) layOut() {
	f := comp.fusion
	for i, u := range f.units {
		if u.placed {
			comp.placeParts(f.whole(u.last))
		}
		if f.isView(u.first) {
			comp.tensors[u.last.ID] = view(u.first, comp.of(u.in[0]))
		}
		if comp.tensors[u.last.ID] == nil {
			t := newTensor(u.last.Shape)
			comp.tensors[u.last.ID] = t
			comp.own(t.area, i)
			if comp.narrow(u) {
				t.pixel = t.shape.C
			}
		}
		a := comp.of(u.last).area
		a.birth = min(a.birth, i)
		a.death = max(a.death, i)
	}
	for i, u := range f.units {
		for _, n := range u.in {
			a := comp.of(n).area
			a.death = max(a.death, i)
			if u.first.Op == nn.Conv {
				a.border = max(a.border, u.border(comp.of(n).shape))
			}
		}
		for _, n := range []*nn.Node{u.residual(), u.gate()} {
			if n != nil {
				a := comp.of(n).area
				a.death = max(a.death, i)
			}
		}
	}
	comp.of(f.graph.Output).death = len(f.units)
}

// own adds an area that step i is the first to write.
func (comp *compiler) own(a *area, i int) {
	a.birth, a.death = i, i
	comp.areas = append(comp.areas, a)
}

// placeParts makes the inputs of a Concat parts of its tensor. Their units come
// before the Concat's and then write there directly. So are Concats of its first inputs.
func (comp *compiler) placeParts(c *nn.Node) {
	if comp.tensors[c.ID] != nil {
		return
	}
	whole := newTensor(c.Shape)
	whole.planes = 0
	dense := true
	for _, part := range c.In {
		dense = dense && part.Shape.C%simd.Lanes == 0
		whole.planes += planesOf(part.Shape.C)
	}
	comp.tensors[c.ID] = whole
	at, channel := 0, 0
	first := len(comp.fusion.units)
	for _, part := range c.In {
		if old := comp.tensors[part.ID]; old != nil {
			comp.areas = remove(comp.areas, old.area)
			first = min(first, old.birth)
		}
		comp.tensors[part.ID] = &tensor{area: whole.area, shape: part.Shape, first: at}
		at += planesOf(part.Shape.C)
		if !dense {
			for i := range planesOf(part.Shape.C) * simd.Lanes {
				if i < part.Shape.C {
					whole.channel = append(whole.channel, channel+i)
				} else {
					whole.channel = append(whole.channel, -1)
				}
			}
		}
		channel += part.Shape.C
	}
	for _, u := range comp.fusion.users[c.In[0].ID] {
		if u.Op == nn.Concat && u != c && comp.fusion.whole(u) == c && comp.fusion.placeable(u) {
			comp.tensors[u.ID] = &tensor{area: whole.area, shape: u.Shape}
		}
	}
	comp.own(whole.area, first)
}

func remove(areas []*area, a *area) []*area {
	for i := range areas {
		if areas[i] == a {
			return append(areas[:i], areas[i+1:]...)
		}
	}
	return areas
}

// narrow reports whether a unit's result has few channels and only plain convolutions
// read it, or Pads and Subsamples that these skip. They then take all taps of a window
// row as one segment.
func (comp *compiler) narrow(u *unit) bool {
	if u.last.Shape.C >= simd.Lanes/2 || u.first.Op != nn.Input && comp.fusion.statisticsOf(u) == nil {
		return false
	}
	readers := comp.fusion.readers(u.last)
	for _, r := range readers {
		if (r.Op == nn.Pad || r.Op == nn.Subsample) && comp.fusion.skipped(r) {
			continue
		}
		if r.Op != nn.Conv || depthwise(r) || smallGroups(r) || r.Groups > 1 {
			return false
		}
	}
	return len(readers) > 0
}

// border returns the width of the border, in pixels, that the unit's windows reach.
func (u *unit) border(in nn.Shape) int {
	if len(u.moves) > 0 {
		return 0
	}
	k, out := u.first.Window, u.last.Shape
	bottom := (out.H-1)*u.stride.H - u.offset.H + k.H - in.H
	right := (out.W-1)*u.stride.W - u.offset.W + k.W - in.W
	return max(0, u.offset.H, u.offset.W, bottom, right)
}

// of returns the tensor that holds a node's output.
func (comp *compiler) of(n *nn.Node) *tensor { return comp.tensors[comp.fusion.root(n).ID] }

// zeros returns a row of zeros of the tensor's width.
func zeros(t *tensor) []float32 { return make([]float32, t.w*t.pixel) }
