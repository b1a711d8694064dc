package reference

import (
	"math"

	"github.com/deploy-kernel/deploy-kernel/artifact/onnx"
	"github.com/deploy-kernel/deploy-kernel/importer/tensor"
)

// functions are the operators that map each element of one input by a function.
var functions = map[string]operator{
	"Abs":        either(math.Abs, func(v int64) int64 { return max(v, -v) }),
	"Neg":        either(func(v float64) float64 { return -v }, func(v int64) int64 { return -v }),
	"Sign":       either(sign, func(v int64) int64 { return int64(sign(float64(v))) }),
	"Relu":       either(relu, func(v int64) int64 { return max(v, 0) }),
	"Acos":       plain(math.Acos),
	"Acosh":      plain(math.Acosh),
	"Asin":       plain(math.Asin),
	"Asinh":      plain(math.Asinh),
	"Atan":       plain(math.Atan),
	"Atanh":      plain(math.Atanh),
	"Ceil":       plain(math.Ceil),
	"Cos":        plain(math.Cos),
	"Cosh":       plain(math.Cosh),
	"Erf":        plain(math.Erf),
	"Exp":        plain(math.Exp),
	"Floor":      plain(math.Floor),
	"HardSwish":  plain(func(v float64) float64 { return v * hardSigmoid(v, 1.0/6, 0.5) }),
	"Log":        plain(math.Log),
	"Mish":       plain(func(v float64) float64 { return v * math.Tanh(softplus(v)) }),
	"Reciprocal": plain(func(v float64) float64 { return 1 / v }),
	"Round":      plain(math.RoundToEven),
	"Sigmoid":    plain(sigmoid),
	"Sin":        plain(math.Sin),
	"Sinh":       plain(math.Sinh),
	"Softplus":   plain(softplus),
	"Softsign":   plain(func(v float64) float64 { return v / (1 + math.Abs(v)) }),
	"Sqrt":       plain(math.Sqrt),
	"Tan":        plain(math.Tan),
	"Tanh":       plain(math.Tanh),

	"Celu": shaped(func(c *call) func(float64) float64 {
		alpha := c.float("alpha", 1)
		return func(v float64) float64 { return max(v, 0) + min(0, alpha*math.Expm1(v/alpha)) }
	}),
	"Elu": shaped(func(c *call) func(float64) float64 {
		alpha := c.float("alpha", 1)
		return func(v float64) float64 { return elu(v, alpha) }
	}),
	"Gelu": shaped(func(c *call) func(float64) float64 {
		if c.text("approximate", "none") == "tanh" {
			return geluTanh
		}
		return func(v float64) float64 { return 0.5 * v * (1 + math.Erf(v/math.Sqrt2)) }
	}),
	"HardSigmoid": shaped(func(c *call) func(float64) float64 {
		alpha, beta := c.float("alpha", 0.2), c.float("beta", 0.5)
		return func(v float64) float64 { return hardSigmoid(v, alpha, beta) }
	}),
	"LeakyRelu": shaped(func(c *call) func(float64) float64 {
		alpha := c.float("alpha", 0.01)
		return func(v float64) float64 { return leaky(v, alpha) }
	}),
	"Selu": shaped(func(c *call) func(float64) float64 {
		// The constants of the operator's definition, as float32 has them.
		alpha, gamma := c.float("alpha", 1.67326319217681884765625), c.float("gamma", 1.05070102214813232421875)
		return func(v float64) float64 { return gamma * elu(v, alpha) }
	}),
	"Swish": shaped(func(c *call) func(float64) float64 {
		alpha := c.float("alpha", 1)
		return func(v float64) float64 { return v * sigmoid(alpha*v) }
	}),
	"ThresholdedRelu": shaped(func(c *call) func(float64) float64 {
		alpha := c.float("alpha", 1)
		return func(v float64) float64 {
			if v > alpha {
				return v
			}
			return 0
		}
	}),
	"Not": {least: 1, most: 1, since: 1, run: func(c *call) {
		mapInts(c, func(v int64) int64 { return 1 - v })
	}},
	"IsNaN": {least: 1, most: 1, run: func(c *call) { test(c, math.IsNaN) }},
	"IsInf": {least: 1, most: 1, run: func(c *call) {
		negative, positive := c.int("detect_negative", 1) != 0, c.int("detect_positive", 1) != 0
		test(c, func(v float64) bool { return negative && math.IsInf(v, -1) || positive && math.IsInf(v, 1) })
	}},
}

func relu(v float64) float64 {
	if v < 0 {
		return 0
	}
	return v
}

func sign(v float64) float64 {
	switch {
	case v > 0:
		return 1
	case v < 0:
		return -1
	}
	return v
}

func sigmoid(v float64) float64 { return 1 / (1 + math.Exp(-v)) }

func hardSigmoid(v, alpha, beta float64) float64 { return max(0, min(1, alpha*v+beta)) }

// softplus returns log(1+exp(v)) without overflow.
func softplus(v float64) float64 { return max(v, 0) + math.Log1p(math.Exp(-math.Abs(v))) }

func elu(v, alpha float64) float64 {
	if v < 0 {
		return alpha * math.Expm1(v)
	}
	return v
}

func leaky(v, alpha float64) float64 {
	if v < 0 {
		return alpha * v
	}
	return v
}

// geluTanh is the approximation in "Gaussian Error Linear Units", section 2.
func geluTanh(v float64) float64 {
	return 0.5 * v * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(v+0.044715*v*v*v)))
}

// plain returns an operator of floating-point numbers.
func plain(f func(float64) float64) operator {
	return shaped(func(*call) func(float64) float64 { return f })
}

// shaped returns an operator whose function depends on attributes.
func shaped(choose func(*call) func(float64) float64) operator {
	return operator{least: 1, most: 1, run: func(c *call) { mapFloats(c, choose(c)) }}
}

// either returns an operator that also takes integers.
func either(f func(float64) float64, g func(int64) int64) operator {
	return operator{least: 1, most: 1, run: func(c *call) {
		if tensor.IsFloat(c.in[0].Type) {
			mapFloats(c, f)
			return
		}
		mapInts(c, g)
	}}
}

func mapFloats(c *call, f func(float64) float64) {
	x := c.in[0]
	if !tensor.IsFloat(x.Type) {
		c.fail("it takes floating-point numbers, not %v", x.Type)
	}
	if !c.plan(x.Type, x.Shape) {
		return
	}
	out := make([]float64, x.Len())
	for i, v := range x.Float64s() {
		out[i] = f(v)
	}
	c.set(out)
}

func mapInts(c *call, f func(int64) int64) {
	x := c.in[0]
	if tensor.IsFloat(x.Type) {
		c.fail("it takes integers, not %v", x.Type)
	}
	if !c.plan(x.Type, x.Shape) {
		return
	}
	out := make([]int64, x.Len())
	for i, v := range x.Int64s() {
		out[i] = f(v)
	}
	c.out[0] = tensor.Ints(x.Type, x.Shape, out)
}

// test maps each element to a bool.
func test(c *call, f func(float64) bool) {
	x := c.in[0]
	if !c.plan(onnx.Bool, x.Shape) {
		return
	}
	out := make([]bool, x.Len())
	for i, v := range x.Float64s() {
		out[i] = f(v)
	}
	c.out[0] = tensor.Bools(x.Shape, out)
}
