package reference

import (
	"github.com/deploy-kernel/deploy-kernel/artifact/onnx"
	"github.com/deploy-kernel/deploy-kernel/importer/tensor"
)

// comparisons are the operators that return bool, and the choice by a bool.
var comparisons = map[string]operator{
	"Equal":          compare(func(a, b float64) bool { return a == b }, func(a, b int64) bool { return a == b }),
	"Greater":        compare(func(a, b float64) bool { return a > b }, func(a, b int64) bool { return a > b }),
	"GreaterOrEqual": compare(func(a, b float64) bool { return a >= b }, func(a, b int64) bool { return a >= b }),
	"Less":           compare(func(a, b float64) bool { return a < b }, func(a, b int64) bool { return a < b }),
	"LessOrEqual":    compare(func(a, b float64) bool { return a <= b }, func(a, b int64) bool { return a <= b }),
	"Where":          {least: 3, most: 3, run: where},
}

func compare(f func(a, b float64) bool, g func(a, b int64) bool) operator {
	return operator{least: 2, most: 2, run: func(c *call) {
		a, b := c.legacyPair()
		if a.Type != b.Type {
			c.fail("its inputs have different types")
		}
		shape := c.broadcast(a, b)
		if !c.plan(onnx.Bool, shape) {
			return
		}
		a, b = a.Broadcast(shape), b.Broadcast(shape)
		out := make([]bool, a.Len())
		if tensor.IsFloat(a.Type) {
			y := b.Float64s()
			for i, v := range a.Float64s() {
				out[i] = f(v, y[i])
			}
		} else {
			y := b.Int64s()
			for i, v := range a.Int64s() {
				out[i] = g(v, y[i])
			}
		}
		c.out[0] = tensor.Bools(shape, out)
	}}
}

// where takes elements of the second input where the first is true, and else of the
// third.
func where(c *call) {
	cond, x, y := c.in[0], c.in[1], c.in[2]
	if cond.Type != onnx.Bool || x.Type != y.Type {
		c.fail("it needs a bool and two inputs of one type")
	}
	shape := c.broadcast(cond, x, y)
	if !c.plan(x.Type, shape) {
		return
	}
	n := tensor.Len(shape)
	both := tensor.Concat([]*tensor.Tensor{
		x.Broadcast(shape).Reshape([]int{n}), y.Broadcast(shape).Reshape([]int{n}),
	}, 0)
	places := make([]int, n)
	for i, v := range cond.Broadcast(shape).Int64s() {
		places[i] = i
		if v == 0 {
			places[i] += n
		}
	}
	c.out[0] = both.Take(shape, places, nil)
}
