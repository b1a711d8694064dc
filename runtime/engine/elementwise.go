package engine

import (
	"math"

	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
)

// Affine computes batch norms and layer scales that are not part of a convolution.
var Affine = Operation{of(nn.BatchNorm, nn.LayerScale), func(comp *compiler, s *site) (step, error) {
	scale, shift, err := comp.affine(s.n, s.y)
	return &affine{set: comp.set, x: s.in[0], y: s.y, scale: scale, shift: shift, floor: s.floor, after: comp.epilogue(s.unit, s.y)}, err
}}

// Addition computes sums, and ReLUs of their own.
var Addition = Operation{of(nn.Add, nn.ReLU), func(comp *compiler, s *site) (step, error) {
	if s.n.Op == nn.ReLU {
		return &add{set: comp.set, b: s.in[0], y: s.y, factor: 1, floor: 0, zero: zeros(s.y)}, nil
	}
	return &add{set: comp.set, a: s.in[0], b: s.in[1], y: s.y, factor: float32(s.n.Scale), floor: s.floor, after: comp.epilogue(s.unit, s.y)}, nil
}}

// Multiplication multiplies by gates.
var Multiplication = Operation{of(nn.Mul), func(comp *compiler, s *site) (step, error) {
	return &gate{set: comp.set, x: s.in[0], gate: s.in[1], res: s.res, y: s.y, floor: s.floor, zero: zeros(s.y), after: comp.epilogue(s.unit, s.y)}, nil
}}

// GlobalPooling computes maxima and means of whole channels.
var GlobalPooling = Operation{of(nn.GlobalAvgPool, nn.GlobalMaxPool), func(comp *compiler, s *site) (step, error) {
	return &globalPool{set: comp.set, mean: s.n.Op == nn.GlobalAvgPool, x: s.in[0], y: s.y}, nil
}}

// Sigmoid computes the logistic function.
var Sigmoid = Operation{of(nn.Sigmoid), func(comp *compiler, s *site) (step, error) {
	return &sigmoid{set: comp.set, x: s.in[0], y: s.y}, nil
}}

// affine is a batch norm or layer scale that is not folded into a convolution.
type affine struct {
	set          *simd.Set
	x, y         *tensor
	scale, shift []float32
	floor        float32
	after        *activation
}

// norm returns a batch norm or layer scale as y = x*scale + shift, by channel.
func (comp *compiler) norm(n *nn.Node) (scale, shift []float64, err error) {
	if n.Op == nn.LayerScale {
		gamma, err := comp.param(n, nn.Gamma)
		for _, v := range gamma {
			scale = append(scale, float64(v))
		}
		return scale, make([]float64, n.Shape.C), err
	}
	var p [4][]float32
	for _, role := range []nn.Role{nn.Weight, nn.Bias, nn.RunningMean, nn.RunningVar} {
		if p[role], err = comp.param(n, role); err != nil {
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

// affine returns norm's result for every position of y's pixels.
func (comp *compiler) affine(n *nn.Node, y *tensor) (scale, shift []float32, err error) {
	s, t, err := comp.norm(n)
	if err != nil {
		return nil, nil, err
	}
	scale, shift = make([]float32, y.count()*simd.Lanes), make([]float32, y.count()*simd.Lanes)
	for c := range s {
		scale[c], shift[c] = float32(s[c]), float32(t[c])
	}
	return scale, shift, nil
}

func (a *affine) parts(int) int { return a.y.count() }

func (a *affine) run(arena []float32, s *scratch, plane, _ int) {
	scale, shift := a.scale[plane*simd.Lanes:], a.shift[plane*simd.Lanes:]
	done := 0
	for y := range a.y.h {
		a.set.Scale(a.y.line(arena, plane, y), a.x.line(arena, plane, y), scale, shift, a.floor)
		done = a.after.rows(arena, s, plane, done, y+1)
	}
	a.y.clearBorder(arena, plane)
}

// add computes y = max(a + factor*b, floor). A nil a is zero.
type add struct {
	set           *simd.Set
	a, b, y       *tensor
	factor, floor float32
	zero          []float32
	after         *activation
}

func (s *add) parts(int) int { return s.y.count() }

func (s *add) run(arena []float32, sc *scratch, plane, _ int) {
	done := 0
	for y := range s.y.h {
		a := s.zero
		if s.a != nil {
			a = s.a.line(arena, plane, y)
		}
		s.set.AddScaled(s.y.line(arena, plane, y), a, s.b.line(arena, plane, y), s.factor, s.floor)
		done = s.after.rows(arena, sc, plane, done, y+1)
	}
	s.y.clearBorder(arena, plane)
}

// gate computes y = max(x*gate + res, floor). The gate has one value per channel or
// one per pixel. A nil res is zero.
type gate struct {
	set             *simd.Set
	x, gate, res, y *tensor
	floor           float32
	zero            []float32
	after           *activation
}

func (g *gate) parts(int) int { return g.y.count() }

func (g *gate) run(arena []float32, s *scratch, plane, _ int) {
	done := 0
	perPixel := g.gate.h > 1 || g.gate.w > 1 || g.gate.shape.C < g.x.shape.C
	for y := range g.y.h {
		res := g.zero
		if g.res != nil {
			res = g.res.line(arena, plane, y)
		}
		src, dst := g.x.line(arena, plane, y), g.y.line(arena, plane, y)
		if perPixel {
			g.set.GatePixels(dst, src, g.gate.line(arena, 0, y), res, g.floor)
		} else {
			g.set.Gate(dst, src, g.gate.line(arena, plane, 0), res, g.floor)
		}
		done = g.after.rows(arena, s, plane, done, y+1)
	}
	g.y.clearBorder(arena, plane)
}

// globalPool is the mean or maximum over all pixels. A mean sums each row first,
// which keeps the rounding error of long sums small.
type globalPool struct {
	set  *simd.Set
	mean bool
	x, y *tensor
}

func (p *globalPool) parts(int) int { return p.y.count() }

func (p *globalPool) run(arena []float32, s *scratch, plane, _ int) {
	dst := p.y.line(arena, plane, 0)
	row := s.pixel[:]
	for y := range p.x.h {
		line := p.x.line(arena, plane, y)
		switch {
		case p.mean && y == 0:
			clear(dst)
			p.set.Sum(dst, line)
		case p.mean:
			clear(row)
			p.set.Sum(row, line)
			p.set.Sum(dst, row)
		default:
			if y == 0 {
				copy(dst, line)
			}
			p.set.Peak(dst, line)
		}
	}
	if p.mean {
		clear(row)
		p.set.AddScaled(dst, row, dst, 1/float32(p.x.h*p.x.w), simd.None)
	}
	p.y.clearBorder(arena, plane)
}

// sigmoid is the logistic function. Empty positions of a pixel stay zero.
type sigmoid struct {
	set  *simd.Set
	x, y *tensor
}

func (s *sigmoid) parts(int) int { return s.y.count() }

func (s *sigmoid) run(arena []float32, _ *scratch, plane, _ int) {
	for y := range s.y.h {
		dst := s.y.line(arena, plane, y)
		s.set.Sigmoid(dst, s.x.line(arena, plane, y))
		s.y.clearEmpty(dst, plane)
	}
	s.y.clearBorder(arena, plane)
}

// clearEmpty clears the positions of a plane's row that hold no channel.
func (t *tensor) clearEmpty(row []float32, plane int) {
	for lane := range simd.Lanes {
		if t.holds(plane*simd.Lanes+lane) < 0 {
			for i := lane; i < len(row); i += simd.Lanes {
				row[i] = 0
			}
		}
	}
}
