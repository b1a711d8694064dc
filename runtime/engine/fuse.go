package engine

import (
	"cmp"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
)

// unit is a group of nodes that one step computes: a node, and the operations that
// can be applied while its result is still in registers (its epilogue).
type unit struct {
	first *nn.Node
	in    []*nn.Node // inputs
	// Output pixel (y, x) of a convolution or pooling has its window's first
	// input pixel at (y, x)*stride - offset.
	stride, offset nn.HW
	norms          []normPart // batch norms and layer scales folded into a convolution, the first one first
	scaled         *nn.Node   // gate or batch norm that is applied to the input of a convolution
	rectified      bool       // a ReLU follows scaled
	inner          *nn.Node   // the operand of add that the unit computes
	add            *nn.Node   // addition of another node's output, the residual
	relu           bool
	activation     *nn.Node // an activation that is applied last
	last           *nn.Node
	placed         bool // a Concat whose inputs are computed in place
	// moves are the moves of pixels before and after a convolution of 1x1, in order.
	moves []*nn.Node
}

// residual returns the other operand of the unit's addition, or nil.
func (u *unit) residual() *nn.Node {
	switch {
	case u.add == nil:
		return nil
	case u.add.In[0] != u.inner:
		return u.add.In[0]
	}
	return u.add.In[1]
}

// scale returns the factor of the unit's own result in its addition a + scale*b.
// The weights absorb it.
func (u *unit) scale() float64 {
	if u.add != nil && u.add.In[1] == u.inner {
		return u.add.Scale
	}
	return 1
}

// gate returns the gate of the unit's input, or nil.
func (u *unit) gate() *nn.Node {
	if u.scaled == nil || u.scaled.Op != nn.Mul {
		return nil
	}
	return u.scaled.In[1]
}

// fusion is the grouping of a graph's nodes.
type fusion struct {
	graph *nn.Graph
	users [][]*nn.Node
	taken []bool     // by node: it belongs to another node's unit
	same  []*nn.Node // by node: the node whose tensor it shares, or nil
	norms map[*nn.Node]normPart
	units []*unit // in order of computation
}

// normPart is a batch norm. Behind a Concat, it applies to an input whose first channel
// is the norm's channel at.
type normPart struct {
	norm *nn.Node
	at   int
}

// fuse groups the nodes of a graph into units.
func fuse(g *nn.Graph) *fusion {
	f := &fusion{
		graph: g, users: make([][]*nn.Node, len(g.Nodes)),
		taken: make([]bool, len(g.Nodes)), same: make([]*nn.Node, len(g.Nodes)), norms: map[*nn.Node]normPart{},
	}
	for _, n := range g.Nodes {
		for _, in := range n.In {
			f.users[in.ID] = append(f.users[in.ID], n)
		}
	}
	for _, n := range g.Nodes {
		switch {
		case n.Op == nn.ReLU && f.rectified(n.In[0]), n.Op == nn.Dropout:
			f.same[n.ID] = n.In[0]
		case n.Op == nn.BatchNorm && f.normsParts(n):
			f.same[n.ID] = n.In[0]
		case n.Op == nn.ReLU || n.Op == nn.MaxPool:
			f.same[n.ID] = f.twin(n)
		}
	}
	byLast := make([]*unit, len(g.Nodes))
	for _, n := range g.Nodes {
		if !f.taken[n.ID] && f.same[n.ID] == nil {
			u := f.unit(n)
			byLast[u.last.ID] = u
		}
	}
	f.keepNeeded(byLast)
	return f
}

// twin returns an earlier node that computes the same as n, a node without
// parameters, or nil.
func (f *fusion) twin(n *nn.Node) *nn.Node {
	for _, t := range f.users[n.In[0].ID] {
		if t.ID < n.ID && t.Op == n.Op && f.same[t.ID] == nil && t.Window == n.Window && t.Stride == n.Stride &&
			t.Pad == n.Pad && t.CeilMode == n.CeilMode && !f.croppedPool(t) && !f.croppedPool(n) {
			return t
		}
	}
	return nil
}

// croppedPool reports whether the crop behind a pooling may be fused into it.
func (f *fusion) croppedPool(n *nn.Node) bool { return n.Op == nn.MaxPool && f.only(n, nn.Pad) != nil }

// root returns the node whose tensor holds n's output.
func (f *fusion) root(n *nn.Node) *nn.Node {
	for f.same[n.ID] != nil {
		n = f.same[n.ID]
	}
	return n
}

// readers returns the nodes that read the tensor of n.
func (f *fusion) readers(n *nn.Node) []*nn.Node {
	var all []*nn.Node
	for _, u := range f.users[n.ID] {
		if f.same[u.ID] == n {
			all = append(all, f.readers(u)...)
		} else {
			all = append(all, u)
		}
	}
	return all
}

// only returns the only user of a node if it has this op and belongs to no unit.
func (f *fusion) only(n *nn.Node, op nn.Op) *nn.Node {
	if n == f.graph.Output || len(f.users[n.ID]) != 1 {
		return nil
	}
	if u := f.users[n.ID][0]; u.Op == op && !f.taken[u.ID] && f.same[u.ID] == nil {
		return u
	}
	return nil
}

// norm returns the only user of a node if it is a batch norm or a layer scale.
func (f *fusion) norm(n *nn.Node) *nn.Node {
	return cmp.Or(f.only(n, nn.BatchNorm), f.only(n, nn.LayerScale))
}

// rectified reports whether n's output can be stored after its ReLU. All users must
// be ReLUs, or Concats of such nodes that only ReLUs use.
func (f *fusion) rectified(n *nn.Node) bool {
	if n.Op == nn.Concat {
		return f.rectifiedConcat(n)
	}
	return f.storesRectified(n) && f.onlyRectified(n, func(c *nn.Node) bool { return f.rectifiedConcat(c) })
}

func (f *fusion) rectifiedConcat(c *nn.Node) bool {
	if !f.onlyRectified(c, func(*nn.Node) bool { return false }) {
		return false
	}
	for _, part := range c.In {
		if !f.storesRectified(part) || !f.onlyRectified(part, func(n *nn.Node) bool { return n == c }) {
			return false
		}
	}
	return true
}

// storesRectified reports whether the step that computes n can apply a ReLU.
func (f *fusion) storesRectified(n *nn.Node) bool {
	switch n.Op {
	case nn.Conv, nn.Linear, nn.BatchNorm, nn.Add, nn.Mul:
		return n != f.graph.Output
	}
	return false
}

// onlyRectified reports whether all users of n are ReLUs, or Concats that allowed
// accepts.
func (f *fusion) onlyRectified(n *nn.Node, allowed func(*nn.Node) bool) bool {
	for _, u := range f.users[n.ID] {
		if u.Op != nn.ReLU && (u.Op != nn.Concat || !allowed(u)) {
			return false
		}
	}
	return len(f.users[n.ID]) > 0
}

// normsParts tries to fold a batch norm behind a Concat into the convolutions that
// are the Concat's inputs, and reports whether it did.
func (f *fusion) normsParts(n *nn.Node) bool {
	c := n.In[0]
	if c.Op != nn.Concat || f.only(c, nn.BatchNorm) == nil {
		return false
	}
	for _, part := range c.In {
		if part.Op != nn.Conv || len(f.users[part.ID]) != 1 {
			return false
		}
	}
	at := 0
	for _, part := range c.In {
		f.norms[part] = normPart{n, at}
		at += part.Shape.C
	}
	return true
}

// unit returns the unit that begins with n.
func (f *fusion) unit(n *nn.Node) *unit {
	u := &unit{first: n, in: slices.Clone(n.In), stride: n.Stride, offset: n.Pad, last: n}
	take := func(n *nn.Node) *nn.Node {
		if n != nil {
			f.taken[n.ID], u.last = true, n
		}
		return n
	}
	switch n.Op {
	case nn.Conv:
		f.traceConv(u)
		f.traceScale(u)
		if crop := f.only(n, nn.Pad); crop != nil && crops(crop) {
			take(crop)
			u.offset.H += crop.Border.Top * u.stride.H
			u.offset.W += crop.Border.Left * u.stride.W
		}
		if p, ok := f.norms[n]; ok {
			u.norms = []normPart{p}
		} else {
			for norm := take(f.norm(u.last)); norm != nil; norm = take(f.norm(u.last)) {
				u.norms = append(u.norms, normPart{norm: norm})
			}
		}
		f.gatherMoves(u)
		f.takeMoves(u, take)
	case nn.MaxPool:
		f.tracePool(u, take)
	}
	u.inner = u.last
	if add := f.only(u.last, nn.Add); add != nil && canAdd(u, add) {
		u.add = take(add)
	}
	if f.activates(u) {
		u.activation = take(f.only(u.last, nn.Activate))
	}
	if n.Op == nn.Concat {
		u.placed = f.placeable(n)
	} else {
		u.relu = f.rectified(u.last)
	}
	return u
}

// activates reports whether the unit's step can apply an activation to its result.
func (f *fusion) activates(u *unit) bool {
	switch u.first.Op {
	case nn.Conv, nn.Linear, nn.BatchNorm, nn.Add, nn.Mul:
		return true
	}
	return false
}

// crops reports whether a Pad adds no pixels.
func crops(n *nn.Node) bool {
	b := n.Border
	return b.Top <= 0 && b.Bottom <= 0 && b.Left <= 0 && b.Right <= 0
}

// traceConv makes a convolution read the input of the Pads and Subsamples before it.
// It can: its own padding and a Pad's are both zeros.
func (f *fusion) traceConv(u *unit) {
	n := u.first
	for {
		x := u.in[0]
		if f.same[x.ID] != nil {
			return
		}
		switch {
		case x.Op == nn.Subsample && n.Window == nn.Square(1):
			u.stride.H, u.stride.W = u.stride.H*x.Stride.H, u.stride.W*x.Stride.W
			u.offset.H, u.offset.W = u.offset.H*x.Stride.H, u.offset.W*x.Stride.W
		case x.Op == nn.Pad && u.inside(n.Shape, x):
			u.offset.H += x.Border.Top
			u.offset.W += x.Border.Left
		default:
			return
		}
		u.in[0] = x.In[0]
	}
}

// traceScale makes a convolution of 1x1 apply the gate or the batch norm before it,
// and its ReLU, as it packs the pixels.
func (f *fusion) traceScale(u *unit) {
	x := u.in[0]
	if u.first.Window != nn.Square(1) || u.first.Groups > 1 || u.offset != (nn.HW{}) || x.Shape.H*x.Shape.W == 1 {
		return
	}
	alone := func(n *nn.Node) bool { return len(f.users[n.ID]) == 1 && n != f.graph.Output }
	rectified := x.Op == nn.ReLU && alone(x) && f.same[x.ID] == x.In[0]
	if rectified {
		x = x.In[0]
	}
	if !alone(x) || f.taken[x.ID] || f.same[x.ID] != nil {
		return
	}
	if x.Op == nn.BatchNorm || x.Op == nn.Mul && x.In[1].Shape == (nn.Shape{C: x.Shape.C, H: 1, W: 1}) {
		u.scaled, u.rectified, u.in[0] = x, rectified, x.In[0]
	}
}

// inside reports whether no window reaches the pixels that a Pad crops.
func (u *unit) inside(out nn.Shape, pad *nn.Node) bool {
	k := u.first.Window
	first := nn.HW{H: -u.offset.H, W: -u.offset.W}
	last := nn.HW{H: (out.H-1)*u.stride.H - u.offset.H + k.H - 1, W: (out.W-1)*u.stride.W - u.offset.W + k.W - 1}
	b := pad.Border
	return (b.Top >= 0 || first.H >= 0) && (b.Left >= 0 || first.W >= 0) &&
		(b.Bottom >= 0 || last.H < pad.Shape.H) && (b.Right >= 0 || last.W < pad.Shape.W)
}

// tracePool fuses a maximum with the Pad before and the crop behind it, if no
// remaining window sees the Pad's zeros.
func (f *fusion) tracePool(u *unit, take func(*nn.Node) *nn.Node) {
	pad, crop := u.in[0], f.only(u.first, nn.Pad)
	if pad.Op != nn.Pad || crop == nil || !crops(crop) || pad.Border.Bottom != 0 || pad.Border.Right != 0 {
		return
	}
	offset := nn.HW{
		H: u.offset.H + pad.Border.Top + crop.Border.Top*u.stride.H,
		W: u.offset.W + pad.Border.Left + crop.Border.Left*u.stride.W,
	}
	if pad.Border.Top < 0 || pad.Border.Left < 0 || offset.H > 0 || offset.W > 0 {
		return
	}
	take(crop)
	u.offset, u.in[0] = offset, pad.In[0]
}

// canAdd reports whether the unit's routine can apply an addition to its result.
func canAdd(u *unit, add *nn.Node) bool {
	switch u.first.Op {
	case nn.Conv:
		// Only matrix products take a residual, and they do not scale it.
		return (add.Scale == 1 || add.In[1] == u.inner) && !depthwise(u.first) && !smallGroups(u.first)
	case nn.Mul:
		return add.Scale == 1
	}
	return false
}

// placeable reports whether the inputs of a Concat can be computed in place. Each
// begins at a whole plane. If that leaves empty positions, all readers must be
// convolutions, which give these positions weights of zero. A Concat of the first
// inputs of another one is the first part of its tensor.
func (f *fusion) placeable(c *nn.Node) bool {
	if c == f.graph.Output || f.statistics(c) != nil {
		return false
	}
	if whole := f.whole(c); whole != c {
		return f.placeable(whole)
	}
	dense, alone := true, true
	for i, part := range c.In {
		if f.same[part.ID] != nil || part.Op == nn.Concat || part.Op == nn.Input || f.isView(part) || slices.Contains(c.In[:i], part) {
			return false
		}
		// A node has one place only.
		for _, user := range f.users[part.ID] {
			if user.Op == nn.Concat && f.whole(user) != c {
				return false
			}
			alone = alone && (user.Op != nn.Concat || user == c)
		}
		dense = dense && part.Shape.C%simd.Lanes == 0
	}
	if dense || !alone {
		return dense
	}
	for _, r := range f.readers(c) {
		if r.Op != nn.Conv || r.Groups != 1 {
			// Convolutions may skip a Pad or Subsample; see traceConv.
			if r.Op != nn.Pad && r.Op != nn.Subsample || !f.skipped(r) {
				return false
			}
		}
	}
	return true
}

// whole returns the Concat that begins with all inputs of c, if it is the last one that
// uses the first input. Otherwise it returns c. In a DenseNet, each layer concatenates
// the inputs of the layer before and one more.
func (f *fusion) whole(c *nn.Node) *nn.Node {
	for _, u := range slices.Backward(f.users[c.In[0].ID]) {
		if u.Op != nn.Concat {
			continue
		}
		if len(u.In) > len(c.In) && slices.Equal(u.In[:len(c.In)], c.In) {
			return u
		}
		break
	}
	return c
}

// skipped reports whether all users of a Pad or Subsample are plain convolutions
// that skip it.
func (f *fusion) skipped(n *nn.Node) bool {
	for _, r := range f.users[n.ID] {
		switch {
		case r.Op == nn.Conv && r.Groups == 1:
			u := &unit{first: r, in: slices.Clone(r.In), stride: r.Stride, offset: r.Pad}
			if f.traceConv(u); u.in[0] == r.In[0] {
				return false
			}
		case (r.Op == nn.Pad || r.Op == nn.Subsample) && f.skipped(r):
		default:
			return false
		}
	}
	return true
}

// statistics returns the common input of a Concat of channel maxima and means, or
// nil. One step computes such a Concat.
func (f *fusion) statistics(c *nn.Node) *nn.Node {
	var x *nn.Node
	for _, part := range c.In {
		if part.Op != nn.ChannelMax && part.Op != nn.ChannelMean || len(f.users[part.ID]) != 1 || x != nil && part.In[0] != x {
			return nil
		}
		x = part.In[0]
	}
	return x
}

// keepNeeded sets units to those with an output that is read.
func (f *fusion) keepNeeded(byLast []*unit) {
	needed := make([]bool, len(byLast))
	need := func(n *nn.Node) { needed[f.root(n).ID] = true }
	need(f.graph.Output)
	for i, u := range slices.Backward(byLast) {
		if u == nil || !needed[i] && u.first.Op != nn.Input {
			continue
		}
		f.units = append(f.units, u)
		if x := f.statisticsOf(u); x != nil {
			u.in = []*nn.Node{x}
		}
		for _, in := range u.in {
			need(in)
		}
		for _, n := range []*nn.Node{u.residual(), u.gate()} {
			if n != nil {
				need(n)
			}
		}
	}
	slices.Reverse(f.units)
}

func (f *fusion) statisticsOf(u *unit) *nn.Node {
	switch u.first.Op {
	case nn.Concat:
		return f.statistics(u.first)
	case nn.ChannelMax, nn.ChannelMean:
		return u.first.In[0]
	}
	return nil
}

// depthwise reports whether each group of a convolution has one input and one output
// channel, and the routines support its stride.
func depthwise(n *nn.Node) bool {
	return n.Op == nn.Conv && n.Groups == n.In[0].Shape.C && n.Groups == n.Shape.C && n.Groups > 1 && smallStride(n)
}

// smallGroups reports whether the routine for grouped convolutions supports n.
func smallGroups(n *nn.Node) bool {
	if n.Op != nn.Conv || n.Window.W != 3 || n.In[0].Shape.C != n.Shape.C || n.Shape.C%simd.Lanes != 0 || !smallStride(n) {
		return false
	}
	size := n.Shape.C / n.Groups
	return size == 4 || size == 8 || size == simd.Lanes
}

// smallStride reports whether the routines of rows support the node's stride.
func smallStride(n *nn.Node) bool { return n.Stride.W == 1 || n.Stride.W == 2 }
