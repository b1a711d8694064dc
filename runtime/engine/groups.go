package engine

import (
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
)

// GroupConvolution computes convolutions of groups that no routine is made for.
var GroupConvolution = Operation{
	func(_ *fusion, u *unit) bool {
		n := u.first
		return n.Op == nn.Conv && n.Groups > 1 && !depthwise(n) && !smallGroups(n)
	},
	func(comp *compiler, s *site) (step, error) { return comp.groupConv(s.unit, s.in[0], s.y, s.floor) },
}

// groupConv is a convolution in groups of channels, as matrix products. Each panel of
// output channels reads the input channels of its own groups only.
type groupConv struct {
	set       *simd.Set
	x, y, res *tensor
	// Offsets of each output pixel's first input value, result and residual.
	in, out, residualAt []int32
	panels              []groupPanel
	bias                []float32
	floor               float32
	after               *activation
}

// groupPanel is a range of output channels, with the input values that they read and
// the weights of these.
type groupPanel struct {
	column, columns int
	segments        []simd.Segment
	w               []float32
}

// groupPixels is the number of pixels in a part.
const groupPixels = 480

func (comp *compiler) groupConv(u *unit, x, y *tensor, floor float32) (*groupConv, error) {
	w, bias, err := comp.folded(u, y)
	if err != nil {
		return nil, err
	}
	c := &groupConv{
		set: comp.set, x: x, y: y, bias: bias, floor: floor, after: comp.epilogue(u, y),
		in:  comp.table(x, y.shape, u.stride, u.offset),
		out: comp.table(y, y.shape, nn.Square(1), nn.HW{}),
	}
	if r := u.residual(); r != nil {
		c.res = comp.of(r)
		c.residualAt = comp.table(c.res, y.shape, nn.Square(1), nn.HW{})
	}
	for at, end := 0, y.count()*simd.Lanes; at < end; {
		p := groupPanel{column: at, columns: panelColumns(u.first, at, end, comp.set.Panel)}
		c.pack(u.first, w, &p)
		c.panels = append(c.panels, p)
		at += p.columns
	}
	return c, nil
}

// groupInputs returns the input channels that a range of output channels reads.
func groupInputs(n *nn.Node, column, columns int) (from, to int) {
	in, out := n.In[0].Shape.C/n.Groups, n.Shape.C/n.Groups
	last := min(column+columns, n.Shape.C) - 1
	return column / out * in, (last/out + 1) * in
}

// panelColumns returns the width of the panel that begins at a column. A wide one may
// span more groups than its halves, whose products by zero it adds.
func panelColumns(n *nn.Node, column, end, panel int) int {
	if column+panel > end || panel == simd.Lanes {
		return simd.Lanes
	}
	cost := func(column, columns int) int {
		from, to := groupInputs(n, column, columns)
		return (to - from) * columns
	}
	const narrow = 11 // tenths: narrow panels load more inputs for a product
	if 10*cost(column, panel) > narrow*(cost(column, simd.Lanes)+cost(column+simd.Lanes, panel-simd.Lanes)) {
		return simd.Lanes
	}
	return panel
}

// pack packs the weights, (out, in/groups, kh, kw), of a panel as [tap][value][column].
// Weights across groups are zero.
func (c *groupConv) pack(n *nn.Node, w []float32, p *groupPanel) {
	in, out, taps := n.In[0].Shape.C/n.Groups, n.Shape.C/n.Groups, n.Window.H*n.Window.W
	from, to := groupInputs(n, p.column, p.columns)
	p.w = newFloats(taps * (to - from) * p.columns)
	for tap := range taps {
		at := tap/n.Window.W*c.x.row() + tap%n.Window.W*simd.Lanes
		// A segment begins at a whole plane or ends in the plane where it begins.
		for k := from; k < to; {
			values := to - k
			if first := k % simd.Lanes; first != 0 {
				values = min(values, simd.Lanes-first)
			}
			p.segments = append(p.segments, simd.Segment{Offset: at + k/simd.Lanes*c.x.plane() + k%simd.Lanes, K: values})
			k += values
		}
		for j := range min(p.columns, n.Shape.C-p.column) {
			o := p.column + j
			for i := range in {
				k := o/out*in + i - from
				p.w[(tap*(to-from)+k)*p.columns+j] = w[(o*in+i)*taps+tap]
			}
		}
	}
}

func (c *groupConv) blocks() int { return (c.y.h*c.y.w + groupPixels - 1) / groupPixels }

func (c *groupConv) parts(int) int { return len(c.panels) * c.blocks() }

func (c *groupConv) run(arena []float32, s *scratch, part, _ int) {
	p, block := &c.panels[part/c.blocks()], part%c.blocks()
	plane, pixels := p.column/simd.Lanes, c.y.h*c.y.w
	g := &s.gemm
	g.First, g.End = block*groupPixels, min((block+1)*groupPixels, pixels)
	g.In, g.Out, g.Segments = c.in, c.out, p.segments
	g.X, g.XStep = arena[c.x.base(0):], c.x.plane()
	g.Y, g.YStep = arena[c.y.base(plane):], c.y.plane()
	g.W, g.Bias, g.Floor, g.Accumulate = p.w, c.bias[p.column:][:p.columns], c.floor, false
	g.Partials, g.Residual, g.Ahead = [2][]float32{}, nil, nil
	if c.res != nil {
		g.Residual, g.ResidualStep, g.ResidualAt = arena[c.res.base(plane):], c.res.plane(), c.residualAt
	}
	c.set.Multiply(g, p.columns)
	c.after.pixels(arena, s, plane, p.columns/simd.Lanes, g.First, g.End)
	if block == 0 {
		for i := range p.columns / simd.Lanes {
			c.y.clearBorder(arena, plane+i)
		}
	}
}
