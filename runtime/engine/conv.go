package engine

import (
	"fmt"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
)

// Convolution computes convolutions of one group and linear layers, as products of matrices. Winograd's
// and Strassen's algorithms take over where they are faster.
var Convolution = Operation{
	func(_ *fusion, u *unit) bool {
		n := u.first
		return n.Op == nn.Linear || n.Op == nn.Conv && n.Groups == 1 && !smallGroups(n)
	},
	func(comp *compiler, s *site) (step, error) {
		if s.n.Op == nn.Conv {
			if wg, err := comp.winograd(s.unit, s.in[0], s.y, s.floor); wg != nil || err != nil {
				return wg, err
			}
			if st, err := comp.strassen(s.unit, s.in[0], s.y, s.floor); st != nil || err != nil {
				return st, err
			}
		}
		return comp.conv(s.unit, s.in[0], s.y, s.floor)
	},
}

// The blocking of a convolution. A block of pixels stays in the L2 cache while all
// panels of weights pass over it. Panels short enough for the L1 cache would lose
// more at the start and the end of tiles than they save.
const (
	maxBlockPixels = 120
	// maxBlockK is the maximum number of values of a pixel in a block, and maxPackedK
	// that of packed pixels.
	maxBlockK  = 1024
	maxPackedK = 2304
	// maxPackedPixels bounds a block of packed pixels, which takes up to half of the
	// L2 cache: the more pixels, the less often the weights are read.
	maxPackedPixels = 2 * maxBlockPixels
	// minPackedPanels is the panel count from which packing the pixels pays off.
	minPackedPanels = 4
)

// conv is a convolution as a matrix product without im2col: the routine reads each
// output pixel's input values in place and multiplies them by the weights. Borders
// hold the padding, so every pixel is treated alike.
type conv struct {
	set       *simd.Set
	x, y, res *tensor
	// Offsets of each output pixel's first input value, result and residual.
	in, out, residualAt []int32
	step                int // floats from a plane's values to the next plane's
	// Offsets and length of the packed pixels; nil if they are read in place.
	packed []int32
	pixel  int
	// Values of a pixel, and pixels, in a block.
	blockK, blockPixels int
	blocks              []simd.Block
	panels              []panel
	pixels              int
	w, bias             []float32
	floor               float32
	after               *activation
	// Factors, shifts and the lower limit of the input values, by position of a
	// pixel. The factors are those of a gate if there is one. Nil if there are none.
	scale, shift []float32
	gate         *tensor
	least        float32
}

// panel is a range of output channels whose weights are packed together.
type panel struct {
	column, columns int
	w               int // offset of its weights
}

// window is the key of a table of pixel offsets.
type window struct {
	h, w, border, pixel int
	out                 nn.HW
	stride, offset      nn.HW
}

// table returns the offset in a plane of t of each pixel (oy*stride - offset,
// ox*stride - offset) of an output.
func (comp *compiler) table(t *tensor, out nn.Shape, stride, offset nn.HW) []int32 {
	key := window{t.h, t.w, t.border, t.pixel, nn.HW{H: out.H, W: out.W}, stride, offset}
	comp.mu.Lock()
	defer comp.mu.Unlock()
	if places, ok := comp.tables[key]; ok {
		return places
	}
	var places []int32
	for y := range out.H {
		for x := range out.W {
			places = append(places, int32(t.index(y*stride.H-offset.H, x*stride.W-offset.W)))
		}
	}
	comp.tables[key] = places
	return places
}

func (comp *compiler) conv(u *unit, x, y *tensor, floor float32) (*conv, error) {
	n := asConv(u.first)
	w, bias, err := comp.folded(u, y)
	if err != nil {
		return nil, err
	}
	stride, offset := u.stride, u.offset
	if u.first.Op == nn.Linear {
		stride = n.Stride
	}
	c := &conv{
		set: comp.set, x: x, y: y, pixels: y.h * y.w, floor: floor, bias: bias, after: comp.epilogue(u, y),
		in:  comp.inputs(u, x, stride, offset),
		out: comp.table(y, y.shape, nn.Square(1), nn.HW{}),
	}
	if r := u.residual(); r != nil {
		c.res = comp.of(r)
		c.residualAt = comp.table(c.res, y.shape, nn.Square(1), nn.HW{})
	}
	if err := c.scaleInput(comp, u); err != nil {
		return nil, err
	}
	c.pack(n, w)
	comp.mu.Lock()
	defer comp.mu.Unlock()
	comp.scratch = max(comp.scratch, len(c.packed)*c.pixel+simd.Slack)
	return c, nil
}

// scaleInput prepares the gate or the batch norm of the input.
func (c *conv) scaleInput(comp *compiler, u *unit) (err error) {
	c.least = simd.None
	if u.rectified {
		c.least = 0
	}
	switch {
	case u.scaled == nil:
	case u.gate() != nil:
		c.gate, c.shift = comp.of(u.gate()), make([]float32, c.x.count()*simd.Lanes)
	default:
		c.scale, c.shift, err = comp.affine(u.scaled, c.x)
	}
	return err
}

// asConv returns a linear layer as a convolution with the same weights, whose
// window is its whole input.
func asConv(n *nn.Node) *nn.Node {
	if n.Op == nn.Conv {
		return n
	}
	in := n.In[0].Shape
	return &nn.Node{
		Op: nn.Conv, Name: n.Name, In: n.In, Shape: n.Shape, Bias: n.Bias,
		Window: nn.HW{H: in.H, W: in.W}, Stride: nn.Square(1), Groups: 1,
	}
}

// pack packs the weights, (out, in/groups, kh, kw), as [panel][segment][value]
// [column]. Weights without a channel, a group or a column are zero.
func (c *conv) pack(n *nn.Node, w []float32) {
	if c.x.pixel != simd.Lanes {
		c.packRows(n, w)
		return
	}
	inputs, taps := n.In[0].Shape.C, n.Window.H*n.Window.W
	c.step = c.x.plane()
	c.split(c.y.count() * simd.Lanes)
	planes := c.x.count()
	width := planes * simd.Lanes
	packed := taps == 1 && c.pixels > 1 && len(c.panels) >= minPackedPanels || c.shift != nil
	c.block(taps*width, packed)
	if packed {
		c.step, c.pixel = simd.Lanes, (planes|1)*simd.Lanes
		for p := range c.blockPixels {
			c.packed = append(c.packed, int32(p*c.pixel))
		}
	}
	c.weights(taps * width)
	for i := range c.panels {
		p := &c.panels[i]
		for k := range width {
			channel := c.x.holds(k)
			if channel < 0 {
				continue
			}
			for j := range min(p.columns, n.Shape.C-p.column) {
				for tap, v := range w[((p.column+j)*inputs+channel)*taps:][:taps] {
					c.w[p.w+(tap*width+k)*p.columns+j] = v
				}
			}
		}
	}
	for tap := range taps {
		c.segment(tap/n.Window.W*c.x.row()+tap%n.Window.W*simd.Lanes, width)
	}
}

// packRows is pack for inputs of few channels: the taps of a window row are
// contiguous.
func (c *conv) packRows(n *nn.Node, w []float32) {
	channels, taps := c.x.pixel, n.Window.H*n.Window.W
	run := n.Window.W * channels
	c.step = simd.Lanes
	c.split(c.y.count() * simd.Lanes)
	c.block(n.Window.H*run, false)
	c.weights(n.Window.H * run)
	for i := range c.panels {
		p := &c.panels[i]
		for j := range min(p.columns, n.Shape.C-p.column) {
			for channel := range channels {
				for tap, v := range w[((p.column+j)*channels+channel)*taps:][:taps] {
					row := tap/n.Window.W*run + tap%n.Window.W*channels + channel
					c.w[p.w+row*p.columns+j] = v
				}
			}
		}
	}
	for r := range n.Window.H {
		c.segment(r*c.x.row(), run)
	}
}

// weights allocates the panels' weights, k values for each column.
func (c *conv) weights(k int) {
	n := 0
	for i := range c.panels {
		c.panels[i].w = n
		n += k * c.panels[i].columns
	}
	c.w = newFloats(n)
}

// split divides the columns into panels.
func (c *conv) split(columns int) {
	for at := 0; at < columns; {
		p := panel{column: at, columns: min(c.set.Panel, columns-at)}
		c.panels = append(c.panels, p)
		at += p.columns
	}
}

// block divides a sum of k values into equal blocks.
func (c *conv) block(k int, packed bool) {
	limit := maxBlockK
	if packed {
		limit = maxPackedK
	}
	blocks := (k + limit - 1) / limit
	c.blockK = round((k+blocks-1)/blocks, simd.Lanes)
	c.blockPixels = maxBlockPixels
	if packed {
		limit := min(maxPackedPixels, max(simd.Lanes, c.set.L2/2/4/c.blockK))
		blocks := (c.pixels + limit - 1) / limit
		c.blockPixels = (c.pixels + blocks - 1) / blocks
	}
}

// segment adds a run of input values to the blocks of the sum.
func (c *conv) segment(offset, k int) {
	c.blocks = simd.AppendSegment(c.blocks, offset, k, c.blockK, c.step)
}

// weightsOf returns a panel's weights of a block of the sum.
func (c *conv) weightsOf(b simd.Block, p panel) []float32 {
	return c.w[p.w+b.First*p.columns:][:b.K*p.columns]
}

// ahead returns the weights to prefetch: those of the next panel. There are none if all
// weights stay in the L2 cache until the next block of pixels.
func (c *conv) ahead(b simd.Block, next []panel) []float32 {
	if len(next) == 0 || 4*len(c.w) <= c.set.L2/2 {
		return nil
	}
	return c.weightsOf(b, next[0])
}

func (c *conv) pixelBlocks() int { return (c.pixels + c.blockPixels - 1) / c.blockPixels }

// parts returns the number of parts. Each is a block of pixels; if those are too
// few, each is some of the panels for such a block.
func (c *conv) parts(workers int) int {
	blocks, groups := c.pixelBlocks(), 1
	if workers > 1 {
		groups = min(len(c.panels), max(1, workers*partsPerWorker/blocks))
	}
	return blocks * groups
}

func (c *conv) run(arena []float32, s *scratch, part, parts int) {
	groups := parts / c.pixelBlocks()
	group := part % groups
	panels := c.panels[len(c.panels)*group/groups : len(c.panels)*(group+1)/groups]
	g := &s.gemm
	first := part / groups * c.blockPixels
	g.First, g.End = 0, min(c.blockPixels, c.pixels-first)
	g.In, g.Out, g.Residual = c.in[first:], c.out[first:], nil
	g.Partials = [2][]float32{}
	if c.packed != nil {
		c.gather(arena, s, g, part/groups+1)
	}
	g.XStep, g.YStep = c.step, c.y.plane()
	if c.res != nil {
		g.ResidualStep, g.ResidualAt = c.res.plane(), c.residualAt[first:]
	}
	for i, b := range c.blocks {
		g.Segments, g.Accumulate, g.Floor = b.Segments, i > 0, simd.None
		if i == len(c.blocks)-1 {
			g.Floor = c.floor
		}
		for j, p := range panels {
			plane := p.column / simd.Lanes
			g.Ahead = c.ahead(b, panels[j+1:])
			if c.packed == nil {
				g.X = arena[c.x.base(0):]
			}
			g.Y = arena[c.y.base(plane):]
			g.W = c.weightsOf(b, p)
			g.Bias = c.bias[p.column:][:p.columns]
			if c.res != nil {
				g.Residual = arena[c.res.base(plane):]
			}
			c.set.Multiply(g, p.columns)
			if i == len(c.blocks)-1 {
				c.after.pixels(arena, s, plane, p.columns/simd.Lanes, first, first+g.End)
			}
			if i == 0 && first == 0 {
				for p := range p.columns / simd.Lanes {
					c.y.clearBorder(arena, plane+p)
				}
			}
		}
	}
	g.Ahead = nil
}

// gather packs the values of the job's pixels contiguously. The planes that a tile
// reads are far apart, and hardware prefetchers follow only contiguous reads.
func (c *conv) gather(arena []float32, s *scratch, g *simd.GEMM, block int) {
	at := g.In
	g.X, g.In = s.floats, c.packed
	if s.held == block {
		return
	}
	s.held = block
	j := &s.gather
	j.X, j.At, j.XStep = arena[c.x.base(0):], at, c.x.plane()
	j.Y, j.YPixel = s.floats, c.pixel
	j.Pixels, j.Planes = g.End, c.x.count()
	j.Scale, j.Shift, j.ScaleStep, j.Floor = c.scale, c.shift, simd.Lanes, c.least
	if c.gate != nil {
		j.Scale, j.ScaleStep = arena[c.gate.base(0)+c.gate.index(0, 0):], c.gate.plane()
	}
	c.set.Gather(j)
}

// folded returns a convolution's weights and bias. Its batch norm, and its factor
// in an addition, are multiplied into them in float64. The bias has an entry for
// each position of a pixel of y.
func (comp *compiler) folded(u *unit, y *tensor) (w, bias []float32, err error) {
	n := u.first
	if w, err = comp.param(n, nn.Weight); err != nil {
		return nil, nil, err
	}
	bias = make([]float32, y.count()*simd.Lanes)
	if n.Bias {
		b, err := comp.param(n, nn.Bias)
		if err != nil {
			return nil, nil, err
		}
		copy(bias, b)
	}
	if len(u.norms) == 0 && u.scale() == 1 {
		return w, bias, nil
	}
	w = slices.Clone(w)
	scale, shift := make([]float64, n.Shape.C), make([]float64, n.Shape.C)
	for c := range scale {
		scale[c] = 1
	}
	for _, p := range u.norms {
		s, t, err := comp.norm(p.norm)
		if err != nil {
			return nil, nil, err
		}
		for c := range scale {
			scale[c], shift[c] = scale[c]*s[p.at+c], shift[c]*s[p.at+c]+t[p.at+c]
		}
	}
	perChannel := len(w) / n.Shape.C
	for c := range n.Shape.C {
		f := scale[c] * u.scale()
		bias[c] = float32(float64(bias[c])*f + shift[c]*u.scale())
		for i := range perChannel {
			w[c*perChannel+i] = float32(float64(w[c*perChannel+i]) * f)
		}
	}
	return w, bias, nil
}

// param loads a node's parameter and checks its shape.
func (comp *compiler) param(n *nn.Node, role nn.Role) ([]float32, error) {
	for _, p := range n.Params() {
		if p.Role != role {
			continue
		}
		comp.mu.Lock()
		defer comp.mu.Unlock()
		data, shape, err := comp.params.Float32(p.Name)
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
