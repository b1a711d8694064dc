package engine

import (
	"fmt"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/runtime/kernel"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

// The blocking of a convolution: blockK values of a pixel by one panel of
// weights stay in the first cache (32 KB), blockPixels of them in the second.
const (
	blockK      = 256
	blockPixels = 240
)

// conv is a convolution as a matrix product: each output pixel is a row of
// input values, gathered from where they lie, times the weights. Borders make
// the padding part of the data, so no pixel is special.
type conv struct {
	set       *kernel.Set
	x, y, res *tensor
	// Where each output pixel's first input value, result and residual lie.
	in, out, at []int32
	blocks      []block
	panels      []panel
	perPart     int // panels of one part
	pixels      int
	w, bias     []float32
	floor       float32
}

// block is a part of the sum: runs of input values and where their weights
// begin in a panel, in rows.
type block struct {
	segments []kernel.Segment
	first, k int
}

// panel is a group of output channels.
type panel struct {
	column, columns int
	x               int // the first input channel that it reads
	w               int // where its weights begin
}

// window identifies a table of pixel places.
type window struct {
	t              tensor
	h, w           int
	stride, offset nn.HW
}

// table lists, for every pixel of an h x w output, where the pixel (oy*stride -
// offset, ox*stride - offset) of t lies. Its last entry is doubled to fill a
// tile.
func (pl *planner) table(t *tensor, out nn.Shape, stride, offset nn.HW) []int32 {
	key := window{*t, out.H, out.W, stride, offset}
	key.t.at, key.t.birth, key.t.death, key.t.shape.C = 0, 0, 0, 0
	if places, ok := pl.tables[key]; ok {
		return places
	}
	var places []int32
	for y := range out.H {
		for x := range out.W {
			places = append(places, int32(t.index(y*stride.H-offset.H, x*stride.W-offset.W)))
		}
	}
	for len(places)%kernel.Rows != 0 {
		places = append(places, places[len(places)-1])
	}
	pl.tables[key] = places
	return places
}

func (pl *planner) conv(u *unit, x, y *tensor, floor float32) (*conv, error) {
	n := asConv(u.first)
	w, bias, err := pl.folded(u)
	if err != nil {
		return nil, err
	}
	c := &conv{
		set: pl.set, x: x, y: y, pixels: y.shape.H * y.shape.W, floor: floor,
		in:  pl.table(x, y.shape, n.Stride, n.Pad),
		out: pl.table(y, y.shape, nn.Square(1), nn.HW{}),
	}
	if r := u.residual(); r != nil {
		c.res = pl.of(r)
		c.at = pl.table(c.res, y.shape, nn.Square(1), nn.HW{})
	}
	c.bias = make([]float32, y.pixel)
	copy(c.bias, bias)
	c.pack(n, w)
	// A part has a block of pixels, or, where there is but one, some panels.
	c.perPart = len(c.panels)
	if c.pixels <= blockPixels {
		c.perPart = max(1, len(c.panels)/8)
	}
	return c, nil
}

// asConv returns a linear layer as the convolution whose kernel is as large as
// its input, which has the same weights.
func asConv(n *nn.Node) *nn.Node {
	if n.Op == nn.Conv {
		return n
	}
	in := n.In[0].Shape
	return &nn.Node{
		Op: nn.Conv, Name: n.Name, In: n.In, Shape: n.Shape, Bias: n.Bias,
		Kernel: nn.HW{H: in.H, W: in.W}, Stride: nn.Square(1), Groups: 1,
	}
}

// pack lays the weights, (out, in/groups, kh, kw), out as the kernel reads
// them: [panel][segment][value][column], zero where a channel, a group or a
// column is not there.
func (c *conv) pack(n *nn.Node, w []float32) {
	inGroup, outGroup := c.x.shape.C/n.Groups, n.Shape.C/n.Groups
	// Taps of one kernel row lie side by side, unless a panel reads some of the
	// channels only.
	width, runs, perRun := c.x.pixel, n.Kernel.H*n.Kernel.W, 1
	if n.Groups > 1 {
		groups := min((c.set.Panel+outGroup-1)/outGroup+1, n.Groups)
		if c.set.Panel%outGroup == 0 || outGroup%c.set.Panel == 0 {
			groups = max(1, c.set.Panel/outGroup)
		}
		width = min(round(groups*inGroup, kernel.Lanes), c.x.pixel)
	} else {
		runs, perRun = n.Kernel.H, n.Kernel.W
	}
	runK := round(perRun*width, kernel.Lanes)
	total := runs * runK
	for col := 0; col < c.y.pixel; {
		p := panel{column: col, columns: min(c.set.Panel, c.y.pixel-col), w: len(c.w)}
		if n.Groups > 1 {
			p.x = min(min(col/outGroup, n.Groups-1)*inGroup, c.x.pixel-width)
		}
		c.panels = append(c.panels, p)
		c.w = append(c.w, make([]float32, total*p.columns)...)
		for j := range min(p.columns, n.Shape.C-col) {
			firstIn := (col + j) / outGroup * inGroup
			for i := range inGroup {
				for tap := range n.Kernel.H * n.Kernel.W {
					row := tap/perRun*runK + tap%perRun*width + firstIn + i - p.x
					c.w[p.w+row*p.columns+j] = w[((col+j)*inGroup+i)*n.Kernel.H*n.Kernel.W+tap]
				}
			}
		}
		col += p.columns
	}
	for r := range runs {
		offset := r * c.x.row()
		if n.Groups > 1 {
			offset = r/n.Kernel.W*c.x.row() + r%n.Kernel.W*c.x.pixel
		}
		c.segment(offset, runK)
	}
}

// segment adds a run of input values to the blocks of the sum.
func (c *conv) segment(offset, k int) {
	for k > 0 {
		if len(c.blocks) == 0 || c.blocks[len(c.blocks)-1].k >= blockK {
			b := block{}
			if len(c.blocks) > 0 {
				last := c.blocks[len(c.blocks)-1]
				b.first = last.first + last.k
			}
			c.blocks = append(c.blocks, b)
		}
		b := &c.blocks[len(c.blocks)-1]
		part := min(k, blockK-b.k)
		b.segments = append(b.segments, kernel.Segment{Offset: offset, K: part})
		b.k += part
		offset += part
		k -= part
	}
}

func (c *conv) parts() int {
	return (c.pixels + blockPixels - 1) / blockPixels * ((len(c.panels) + c.perPart - 1) / c.perPart)
}

func (c *conv) run(arena []float32, s *scratch, part int) {
	groups := (len(c.panels) + c.perPart - 1) / c.perPart
	first := part % groups * c.perPart
	panels := c.panels[first:min(first+c.perPart, len(c.panels))]
	g := &s.gemm
	g.First = part / groups * blockPixels
	g.End = min(g.First+blockPixels, c.pixels)
	g.In, g.Out, g.ResidualAt, g.Residual = c.in, c.out, c.at, nil
	for i, b := range c.blocks {
		g.Segments, g.Accumulate, g.Floor = b.segments, i > 0, kernel.None
		if i == len(c.blocks)-1 {
			g.Floor = c.floor
		}
		for _, p := range panels {
			g.X = arena[c.x.at+p.x:]
			g.Y = arena[c.y.at+p.column:]
			g.W = c.w[p.w+b.first*p.columns:][:b.k*p.columns]
			g.Bias = c.bias[p.column:][:p.columns]
			if c.res != nil {
				g.Residual = arena[c.res.at+p.column:]
			}
			if p.columns == c.set.Panel {
				c.set.GEMM(g)
			} else {
				c.set.HalfGEMM(g)
			}
		}
	}
	if part == 0 {
		c.y.clearBorder(arena)
	}
}

// folded returns a convolution's weights and bias with its batch norm and its
// factor in an addition multiplied into them, in float64.
func (pl *planner) folded(u *unit) (w, bias []float32, err error) {
	n := u.first
	if w, err = pl.param(n, nn.Weight); err != nil {
		return nil, nil, err
	}
	bias = make([]float32, n.Shape.C)
	if n.Bias {
		if bias, err = pl.param(n, nn.Bias); err != nil {
			return nil, nil, err
		}
	}
	if u.norm == nil && u.scale() == 1 {
		return w, bias, nil
	}
	w, bias = slices.Clone(w), slices.Clone(bias)
	scale, shift := make([]float64, n.Shape.C), make([]float64, n.Shape.C)
	for c := range scale {
		scale[c] = 1
	}
	if u.norm != nil {
		if scale, shift, err = pl.norm(u.norm); err != nil {
			return nil, nil, err
		}
	}
	perChannel := len(w) / n.Shape.C
	for c := range bias {
		f := scale[c] * u.scale()
		bias[c] = float32(float64(bias[c])*f + shift[c]*u.scale())
		for i := range perChannel {
			w[c*perChannel+i] = float32(float64(w[c*perChannel+i]) * f)
		}
	}
	return w, bias, nil
}

// param loads a parameter of a node and checks its shape.
func (pl *planner) param(n *nn.Node, role nn.Role) ([]float32, error) {
	for _, p := range n.Params() {
		if p.Role != role {
			continue
		}
		data, shape, err := pl.params.Float32(p.Name)
		if err != nil {
			return nil, fmt.Errorf("loading tensor %s: %w", p.Name, err)
		}
		if !slices.Equal(shape, p.Shape) {
			return nil, &ShapeError{Param: p.Name, Want: p.Shape, Got: shape}
		}
		return data, nil
	}
	panic("engine: internal error: " + n.Name + " has no " + role.String())
}
