package engine

import (
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
)

// PixelConcat joins the pixels of its inputs.
var PixelConcat = Operation{of(nn.ConcatPixels), func(_ *compiler, s *site) (step, error) {
	return &concatPixels{s.in, s.y}, nil
}}

// Combination computes with two activations, element by element.
var Combination = Operation{of(nn.Combine), func(comp *compiler, s *site) (step, error) {
	return comp.combine(s.n, s.in[0], s.in[1], s.y), nil
}}

// Constant writes parameters as an activation.
var Constant = Operation{of(nn.Constant), func(comp *compiler, s *site) (step, error) {
	return comp.constant(s.n, s.y)
}}

// constant copies a parameter into the arena.
type constant struct {
	y      *tensor
	values []float32 // rows of pixels, plane by plane
}

func (comp *compiler) constant(n *nn.Node, y *tensor) (step, error) {
	w, err := comp.param(n, nn.Weight)
	if err != nil {
		return nil, err
	}
	pixels := y.h * y.w
	c := &constant{y: y, values: newFloats(y.count() * pixels * simd.Lanes)}
	for channel := range n.Shape.C {
		for p := range pixels {
			c.values[(channel/simd.Lanes*pixels+p)*simd.Lanes+channel%simd.Lanes] = w[channel*pixels+p]
		}
	}
	return c, nil
}

func (c *constant) parts(int) int { return c.y.count() }

func (c *constant) run(arena []float32, _ *scratch, plane, _ int) {
	row := c.y.w * simd.Lanes
	for y := range c.y.h {
		copy(c.y.line(arena, plane, y), c.values[(plane*c.y.h+y)*row:])
	}
	c.y.clearBorder(arena, plane)
}

// concatPixels joins the pixels of its inputs.
type concatPixels struct {
	in []*tensor
	y  *tensor
}

func (c *concatPixels) parts(int) int { return c.y.count() }

func (c *concatPixels) run(arena []float32, _ *scratch, plane, _ int) {
	line := c.y.line(arena, plane, 0)
	for _, x := range c.in {
		for y := range x.h {
			line = line[copy(line, x.line(arena, plane, y)):]
		}
	}
	c.y.clearBorder(arena, plane)
}

// combine computes a function of two activations, whose sides of length 1 it repeats.
type combine struct {
	set      *simd.Set
	function nn.Arithmetic
	a, b, y  *tensor
	zero     []float32
}

func (comp *compiler) combine(n *nn.Node, a, b, y *tensor) step {
	comp.reserve(2 * y.w * simd.Lanes)
	return &combine{comp.set, n.Arithmetic, a, b, y, zeros(y)}
}

// reserve makes sure that workers have so much temporary memory.
func (comp *compiler) reserve(floats int) {
	comp.mu.Lock()
	defer comp.mu.Unlock()
	comp.scratch = max(comp.scratch, floats)
}

func (c *combine) parts(int) int { return c.y.count() }

func (c *combine) run(arena []float32, s *scratch, plane, _ int) {
	n := c.y.w * simd.Lanes
	for y := range c.y.h {
		dst := c.y.line(arena, plane, y)
		a := c.row(arena, c.a, plane, y, s.floats[:n])
		b := c.row(arena, c.b, plane, y, s.floats[n:][:n])
		switch c.function {
		case nn.Plus:
			c.set.AddScaled(dst, a, b, 1, simd.None)
		case nn.Minus:
			c.set.AddScaled(dst, a, b, -1, simd.None)
		case nn.Times:
			c.set.Affine(dst, a, b, c.zero, simd.None)
		default:
			for i, v := range a {
				dst[i] = c.function.Of(v, b[i])
			}
		}
		c.y.clearEmpty(dst, plane)
	}
	c.y.clearBorder(arena, plane)
}

// row returns a row of x as long as the output's. It writes repeated values to work.
func (c *combine) row(arena []float32, x *tensor, plane, y int, work []float32) []float32 {
	one := x.shape.C == 1 && c.y.shape.C > 1
	if one {
		plane = 0
	}
	if x.h == 1 {
		y = 0
	}
	line := x.line(arena, plane, y)
	if !one && x.w == c.y.w {
		return line
	}
	for i := range c.y.w {
		pixel := line[min(i, x.w-1)*simd.Lanes:][:simd.Lanes]
		to := work[i*simd.Lanes:][:simd.Lanes]
		if !one {
			copy(to, pixel)
			continue
		}
		for lane := range to {
			to[lane] = pixel[0]
		}
	}
	return work
}
