package engine

import (
	"math"

	"github.com/deploy-kernel/deploy-kernel/runtime/kernel"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

// rowsPerPart is how many rows of pixels a part of an elementwise step has.
const rowsPerPart = 8

// rows returns the rows of pixels of a part.
func rows(t *tensor, part int) (first, end int) {
	return part * rowsPerPart, min((part+1)*rowsPerPart, t.shape.H)
}

func rowParts(t *tensor) int { return (t.shape.H + rowsPerPart - 1) / rowsPerPart }

// convDepthwise is a convolution of each channel with weights of its own.
type convDepthwise struct {
	set     *kernel.Set
	node    *nn.Node
	x, y    *tensor
	taps    []int
	w, bias []float32
	floor   float32
}

func (pl *planner) depthwise(u *unit, x, y *tensor, floor float32) (*convDepthwise, error) {
	w, bias, err := pl.folded(u)
	if err != nil {
		return nil, err
	}
	n := u.first
	d := &convDepthwise{set: pl.set, node: n, x: x, y: y, floor: floor, bias: make([]float32, y.pixel)}
	copy(d.bias, bias)
	taps := n.Kernel.H * n.Kernel.W
	d.w = make([]float32, taps*x.pixel)
	for t := range taps {
		d.taps = append(d.taps, t/n.Kernel.W*x.row()+t%n.Kernel.W*x.pixel)
		for c := range n.Shape.C {
			d.w[t*x.pixel+c] = w[c*taps+t]
		}
	}
	return d, nil
}

func (d *convDepthwise) parts() int { return rowParts(d.y) }

func (d *convDepthwise) run(arena []float32, s *scratch, part int) {
	first, end := rows(d.y, part)
	job := &s.depthwise
	job.W, job.Bias, job.Taps, job.Floor = d.w, d.bias, d.taps, d.floor
	job.Channels, job.Pixels = d.x.pixel, d.y.shape.W
	job.XStep, job.YStep = d.node.Stride.W*d.x.pixel, d.y.pixel
	for y := first; y < end; y++ {
		job.X = arena[d.x.at+d.x.index(y*d.node.Stride.H-d.node.Pad.H, -d.node.Pad.W):]
		job.Y = d.y.line(arena, y)
		d.set.Depthwise(job)
	}
	if part == 0 {
		d.y.clearBorder(arena)
	}
}

// affine is a batch norm that follows no convolution.
type affine struct {
	set          *kernel.Set
	x, y         *tensor
	scale, shift []float32
	floor        float32
}

// norm returns a batch norm's factor and offset of each channel.
func (pl *planner) norm(n *nn.Node) (scale, shift []float64, err error) {
	var p [4][]float32
	for _, role := range []nn.Role{nn.Weight, nn.Bias, nn.RunningMean, nn.RunningVar} {
		if p[role], err = pl.param(n, role); err != nil {
			return nil, nil, err
		}
	}
	scale, shift = make([]float64, n.Shape.C), make([]float64, n.Shape.C)
	for c := range scale {
		scale[c] = float64(p[nn.Weight][c]) / math.Sqrt(float64(p[nn.RunningVar][c])+n.Eps)
		shift[c] = float64(p[nn.Bias][c]) - float64(p[nn.RunningMean][c])*scale[c]
	}
	return scale, shift, nil
}

// affine returns norm's numbers as vectors of whole pixels.
func (pl *planner) affine(n *nn.Node) (scale, shift []float32, err error) {
	s, t, err := pl.norm(n)
	if err != nil {
		return nil, nil, err
	}
	scale, shift = make([]float32, round(len(s), kernel.Lanes)), make([]float32, round(len(s), kernel.Lanes))
	for c := range s {
		scale[c], shift[c] = float32(s[c]), float32(t[c])
	}
	return scale, shift, nil
}

func (a *affine) parts() int { return rowParts(a.y) }

func (a *affine) run(arena []float32, _ *scratch, part int) {
	first, end := rows(a.y, part)
	for y := first; y < end; y++ {
		src, dst := a.x.line(arena, y), a.y.line(arena, y)
		for i := 0; i < len(dst); i += a.y.pixel {
			a.set.Affine(dst[i:][:a.y.pixel], src[i:], a.scale, a.shift, a.floor)
		}
	}
	if part == 0 {
		a.y.clearBorder(arena)
	}
}

// add is y = max(a + factor*b, floor); a is zero where it is nil.
type add struct {
	set           *kernel.Set
	a, b, y       *tensor
	factor, floor float32
	zero          []float32
}

func (s *add) parts() int { return rowParts(s.y) }

func (s *add) run(arena []float32, _ *scratch, part int) {
	first, end := rows(s.y, part)
	for y := first; y < end; y++ {
		a := s.zero
		if s.a != nil {
			a = s.a.line(arena, y)
		}
		s.set.AddScaled(s.y.line(arena, y), a, s.b.line(arena, y), s.factor, s.floor)
	}
	if part == 0 {
		s.y.clearBorder(arena)
	}
}

// gate is y = max(x*gate + res, floor), the gate one value a channel or one a
// pixel; res is zero where it is nil.
type gate struct {
	set             *kernel.Set
	x, gate, res, y *tensor
	floor           float32
	zero            []float32
}

func (g *gate) parts() int { return rowParts(g.y) }

func (g *gate) run(arena []float32, _ *scratch, part int) {
	first, end := rows(g.y, part)
	perPixel := g.gate.shape.H > 1 || g.gate.shape.W > 1 || g.gate.shape.C < g.x.shape.C
	for y := first; y < end; y++ {
		src, dst := g.x.line(arena, y), g.y.line(arena, y)
		factors := g.gate.line(arena, 0)
		if perPixel {
			factors = g.gate.line(arena, y)
		}
		res := g.zero
		for i := 0; i < len(dst); i += g.y.pixel {
			if g.res != nil {
				res = g.res.line(arena, y)[i:]
			}
			if perPixel {
				f := factors[i/g.y.pixel*g.gate.pixel]
				g.set.AddScaled(dst[i:][:g.y.pixel], res, src[i:], f, g.floor)
			} else {
				g.set.Affine(dst[i:][:g.y.pixel], src[i:], factors, res, g.floor)
			}
		}
	}
	if part == 0 {
		g.y.clearBorder(arena)
	}
}

// pool is a maximum or mean over windows.
type pool struct {
	set  *kernel.Set
	node *nn.Node
	x, y *tensor
	zero []float32
}

func (p *pool) parts() int { return rowParts(p.y) }

func (p *pool) run(arena []float32, _ *scratch, part int) {
	first, end := rows(p.y, part)
	for y := first; y < end; y++ {
		line := p.y.line(arena, y)
		for x := range p.y.shape.W {
			p.window(arena, line[x*p.y.pixel:][:p.y.pixel], y, x)
		}
	}
	if part == 0 {
		p.y.clearBorder(arena)
	}
}

// window computes one output pixel, by the rules told at the reference.
func (p *pool) window(arena, dst []float32, y, x int) {
	n, in := p.node, p.x.shape
	top, left := y*n.Stride.H-n.Pad.H, x*n.Stride.W-n.Pad.W
	bottom, right := min(top+n.Kernel.H, in.H+n.Pad.H), min(left+n.Kernel.W, in.W+n.Pad.W)
	count := (bottom - top) * (right - left)
	top, left, bottom, right = max(top, 0), max(left, 0), min(bottom, in.H), min(right, in.W)
	if !n.CountIncludePad {
		count = (bottom - top) * (right - left)
	}
	copy(dst, p.x.line(arena, top)[left*p.x.pixel:])
	for iy := top; iy < bottom; iy++ {
		line := p.x.line(arena, iy)
		for ix := left; ix < right; ix++ {
			src := line[ix*p.x.pixel:][:p.x.pixel]
			switch {
			case iy == top && ix == left:
			case n.Op == nn.MaxPool:
				p.set.Max(dst, src)
			default:
				p.set.AddScaled(dst, dst, src, 1, kernel.None)
			}
		}
	}
	if n.Op == nn.AvgPool {
		p.set.AddScaled(dst, p.zero, dst, 1/float32(count), kernel.None)
	}
}

// globalPool is the mean or maximum over all pixels. Means sum each row first,
// which keeps the error of the long sums small.
type globalPool struct {
	set  *kernel.Set
	mean bool
	x, y *tensor
	zero []float32
}

func (p *globalPool) parts() int { return p.y.pixel / kernel.Lanes }

// run computes kernel.Lanes channels.
func (p *globalPool) run(arena []float32, _ *scratch, part int) {
	dst := arena[p.y.at+part*kernel.Lanes:][:kernel.Lanes]
	var row [kernel.Lanes]float32
	for y := range p.x.shape.H {
		line := p.x.line(arena, y)[part*kernel.Lanes:]
		copy(row[:], line)
		for i := p.x.pixel; i < len(line); i += p.x.pixel {
			px := (*[kernel.Lanes]float32)(line[i:])
			if p.mean {
				for c := range row {
					row[c] += px[c]
				}
			} else {
				for c := range row {
					row[c] = max(row[c], px[c])
				}
			}
		}
		switch {
		case y == 0:
			copy(dst, row[:])
		case p.mean:
			p.set.AddScaled(dst, dst, row[:], 1, kernel.None)
		default:
			p.set.Max(dst, row[:])
		}
	}
	if p.mean {
		p.set.AddScaled(dst, p.zero, dst, 1/float32(p.x.shape.H*p.x.shape.W), kernel.None)
	}
}
