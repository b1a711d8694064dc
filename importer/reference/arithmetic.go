package reference

import (
	"math"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/artifact/onnx"
	"github.com/deploy-kernel/deploy-kernel/importer/tensor"
)

// arithmetic are the operators that combine elements of equal places.
var arithmetic = map[string]operator{
	"Add":   pair(func(a, b float64) float64 { return a + b }, func(a, b int64) int64 { return a + b }),
	"Sub":   pair(func(a, b float64) float64 { return a - b }, func(a, b int64) int64 { return a - b }),
	"Mul":   pair(func(a, b float64) float64 { return a * b }, func(a, b int64) int64 { return a * b }),
	"Div":   pair(func(a, b float64) float64 { return a / b }, divide),
	"PRelu": {least: 2, most: 2, run: pRelu},
	"And":   pair(nil, func(a, b int64) int64 { return a & b }),
	"Or":    pair(nil, func(a, b int64) int64 { return a | b }),
	"Xor":   pair(nil, func(a, b int64) int64 { return a ^ b }),
	"Pow":   {least: 2, most: 2, run: power},
	"Mod":   {least: 2, most: 2, run: modulo},
	"Max":   fold(math.Max, func(a, b int64) int64 { return max(a, b) }),
	"Min":   fold(math.Min, func(a, b int64) int64 { return min(a, b) }),
	"Sum":   fold(func(a, b float64) float64 { return a + b }, func(a, b int64) int64 { return a + b }),
	"Mean":  {least: 1, most: many, run: mean},
	"Clip":  {least: 1, most: 3, run: clip},
}

// divide truncates toward 0, as ONNX divides integers. Divisors of 0 give 0.
func divide(a, b int64) int64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// pair returns an operator of two inputs of one type. f may be nil if it takes integers
// only.
func pair(f func(a, b float64) float64, g func(a, b int64) int64) operator {
	return operator{least: 2, most: 2, run: func(c *call) {
		a, b := c.legacyPair()
		if a.Type != b.Type {
			c.fail("its inputs have different types")
		}
		if f == nil && tensor.IsFloat(a.Type) {
			c.fail("it does not take %v", a.Type)
		}
		shape := c.broadcast(a, b)
		if c.plan(a.Type, shape) {
			c.out[0] = combine(a, b, shape, f, g)
		}
	}}
}

// legacyPair returns two inputs whose shapes broadcast by NumPy's rule. Before operator
// set 7, the attribute axis says where the second input's axes lie in the first's.
func (c *call) legacyPair() (a, b *tensor.Tensor) {
	a, b = c.in[0], c.in[1]
	if c.node.Opset >= 7 || c.int("broadcast", 0) == 0 {
		return a, b
	}
	at := c.axis(c.int("axis", a.Rank()-b.Rank()), a.Rank()+1)
	if n := a.Rank() - at - b.Rank(); n > 0 {
		b = b.Reshape(append(slices.Clone(b.Shape), slices.Repeat([]int{1}, n)...))
	}
	return a, b
}

// pRelu has a slope per channel, without the axes of space, before operator set 7.
func pRelu(c *call) {
	x, slope := c.in[0], c.in[1]
	if c.node.Opset < 7 && slope.Rank() == 1 && x.Rank() > 2 {
		slope = slope.Reshape(append([]int{slope.Len()}, slices.Repeat([]int{1}, x.Rank()-2)...))
	}
	shape := c.broadcast(x, slope)
	if x.Type != slope.Type || !tensor.IsFloat(x.Type) {
		c.fail("its inputs have different types, or are no floating-point numbers")
	}
	if c.plan(x.Type, shape) {
		c.out[0] = combine(x, slope, shape, leaky, nil)
	}
}

// combine applies f or g, whichever fits the type, to elements of equal places.
func combine(a, b *tensor.Tensor, shape []int, f func(a, b float64) float64, g func(a, b int64) int64) *tensor.Tensor {
	a, b = a.Broadcast(shape), b.Broadcast(shape)
	if tensor.IsFloat(a.Type) {
		out := make([]float64, a.Len())
		y := b.Float64s()
		for i, v := range a.Float64s() {
			out[i] = f(v, y[i])
		}
		return tensor.Floats(a.Type, shape, out)
	}
	out := make([]int64, a.Len())
	y := b.Int64s()
	for i, v := range a.Int64s() {
		out[i] = g(v, y[i])
	}
	return tensor.Ints(a.Type, shape, out)
}

// fold returns an operator of any number of inputs, combined from the left.
func fold(f func(a, b float64) float64, g func(a, b int64) int64) operator {
	return operator{least: 1, most: many, run: func(c *call) { foldInputs(c, f, g) }}
}

func foldInputs(c *call, f func(a, b float64) float64, g func(a, b int64) int64) {
	xs := c.present()
	shape := c.broadcast(xs...)
	if !c.plan(xs[0].Type, shape) {
		return
	}
	sum := xs[0].Broadcast(shape)
	for _, x := range xs[1:] {
		sum = combine(sum, x, shape, f, g)
	}
	c.out[0] = sum
}

// present returns the inputs of an operator that takes any number. They must have one
// type.
func (c *call) present() []*tensor.Tensor {
	xs := c.in[:len(c.node.Inputs)]
	for _, x := range xs {
		if x == nil || x.Type != xs[0].Type {
			c.fail("its inputs have different types, or one is missing")
			return c.in[:1]
		}
	}
	return xs
}

func mean(c *call) {
	foldInputs(c, func(a, b float64) float64 { return a + b }, func(a, b int64) int64 { return a + b })
	if c.err != nil || !c.known {
		return
	}
	out := slices.Clone(c.out[0].Float64s())
	for i := range out {
		out[i] /= float64(len(c.node.Inputs))
	}
	c.set(out)
}

// power has the type of its base.
func power(c *call) {
	x, y := c.legacyPair()
	shape := c.broadcast(x, y)
	if !c.plan(x.Type, shape) {
		return
	}
	if !tensor.IsFloat(x.Type) && !tensor.IsFloat(y.Type) {
		c.out[0] = combine(x, y.Cast(x.Type), shape, nil, integerPower)
		return
	}
	c.out[0] = combine(x.Cast(onnx.Float64), y.Cast(onnx.Float64), shape, math.Pow, nil).Cast(x.Type)
}

// integerPower computes by squaring; negative exponents give the integer part.
func integerPower(a, n int64) int64 {
	if n < 0 {
		return int64(math.Pow(float64(a), float64(n)))
	}
	out := int64(1)
	for ; n > 0; n >>= 1 {
		if n&1 != 0 {
			out *= a
		}
		a *= a
	}
	return out
}

// modulo has the sign of the divisor, or that of the dividend if its attribute says so.
func modulo(c *call) {
	x, y := c.in[0], c.in[1]
	shape := c.broadcast(x, y)
	ofDividend := c.int("fmod", 0) != 0
	if tensor.IsFloat(x.Type) && !ofDividend {
		c.fail("it needs fmod=1 for floating-point numbers")
	}
	if x.Type != y.Type {
		c.fail("its inputs have different types")
	}
	if !c.plan(x.Type, shape) {
		return
	}
	c.out[0] = combine(x, y, shape, math.Mod, func(a, b int64) int64 {
		if b == 0 {
			return 0
		}
		r := a % b
		if r != 0 && r < 0 != (b < 0) && !ofDividend {
			r += b
		}
		return r
	})
}

// clip has its bounds as attributes before operator set 11, then as inputs.
func clip(c *call) {
	x := c.in[0]
	low, high := c.in[1], c.in[2]
	if c.node.Opset < 11 {
		low = tensor.Floats(x.Type, nil, []float64{c.float("min", -math.MaxFloat32)})
		high = tensor.Floats(x.Type, nil, []float64{c.float("max", math.MaxFloat32)})
	}
	for _, bound := range []*tensor.Tensor{low, high} {
		if bound != nil && (bound.Len() != 1 || bound.Type != x.Type) {
			c.fail("its bounds must be single numbers of its type")
		}
	}
	if !c.plan(x.Type, x.Shape) {
		return
	}
	if low != nil {
		x = combine(x, low.Reshape(nil), x.Shape, math.Max, func(a, b int64) int64 { return max(a, b) })
	}
	if high != nil {
		x = combine(x, high.Reshape(nil), x.Shape, math.Min, func(a, b int64) int64 { return min(a, b) })
	}
	c.out[0] = x
}
