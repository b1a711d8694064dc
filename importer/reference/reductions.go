package reference

import (
	"math"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/artifact/onnx"
	"github.com/deploy-kernel/deploy-kernel/importer/tensor"
)

// reductions are the operators that combine the elements along some axes.
var reductions = map[string]operator{
	"ReduceL1":        reduce(0, func(sum, v float64) float64 { return sum + math.Abs(v) }, nil),
	"ReduceL2":        reduce(0, sumSquare, func(sum float64, _ int) float64 { return math.Sqrt(sum) }),
	"ReduceLogSum":    reduce(0, sum, func(sum float64, _ int) float64 { return math.Log(sum) }),
	"ReduceLogSumExp": {least: 1, most: 2, run: reduceLogSumExp},
	"ReduceMax":       reduce(math.Inf(-1), math.Max, nil),
	"ReduceMean":      reduce(0, sum, func(sum float64, n int) float64 { return sum / float64(n) }),
	"ReduceMin":       reduce(math.Inf(1), math.Min, nil),
	"ReduceProd":      reduce(1, func(product, v float64) float64 { return product * v }, nil),
	"ReduceSum":       reduce(0, sum, nil),
	"ReduceSumSquare": reduce(0, sumSquare, nil),
}

func sum(sum, v float64) float64 { return sum + v }

func sumSquare(sum, v float64) float64 { return sum + v*v }

// reduction says which elements are combined to one.
type reduction struct {
	// groups holds for each element the index of the result that it is part of.
	groups []int
	// count is the number of elements of a result.
	count int
}

// reduce returns an operator that combines from a first value on, and then converts
// each result if finish is not nil.
func reduce(first float64, combine func(acc, v float64) float64, finish func(acc float64, n int) float64) operator {
	return operator{least: 1, most: 2, run: func(c *call) {
		r, ok := c.reduction()
		if !ok {
			return
		}
		out := slices.Repeat([]float64{first}, c.out[0].Len())
		for i, v := range c.in[0].Float64s() {
			out[r.groups[i]] = combine(out[r.groups[i]], v)
		}
		if finish != nil {
			for i, v := range out {
				out[i] = finish(v, r.count)
			}
		}
		if t := c.in[0].Type; !tensor.IsFloat(t) && math.IsInf(first, 0) && r.count == 0 {
			out = slices.Repeat([]float64{extreme(t, first)}, len(out))
		}
		c.set(out)
	}}
}

// extreme returns the largest or smallest value of an integer type, whichever is
// nearest to an infinity.
func extreme(t onnx.ElemType, infinity float64) float64 {
	bits := 8 * t.Size()
	low, high := -math.Ldexp(1, bits-1), math.Ldexp(1, bits-1)-1
	switch t {
	case onnx.Uint8, onnx.Uint16, onnx.Uint32, onnx.Uint64:
		low, high = 0, math.Ldexp(1, bits)-1
	case onnx.Bool:
		low, high = 0, 1
	}
	if infinity < 0 {
		return low
	}
	return high
}

// reduction reads the axes, which became an input with operator set 13 or 18, and plans
// the output. ok is false if there is nothing to compute.
func (c *call) reduction() (r reduction, ok bool) {
	x := c.in[0]
	list, _ := c.intsOrInput("axes", 1)
	over := c.axes(list, x.Rank())
	if len(over) == 0 && c.int("noop_with_empty_axes", 0) == 0 {
		over = indices(0, x.Rank())
	}
	keep := c.int("keepdims", 1) != 0
	var shape []int
	r.count = 1
	kept := slices.Clone(x.Shape)
	for i, side := range x.Shape {
		switch {
		case !slices.Contains(over, i):
			shape = append(shape, side)
			continue
		case keep:
			shape = append(shape, 1)
		}
		r.count *= side
		kept[i] = 1
	}
	if !c.plan(x.Type, shape) {
		return r, false
	}
	strides := tensor.Strides(kept)
	r.groups = []int{0}
	for i, side := range x.Shape {
		next := make([]int, 0, len(r.groups)*side)
		for _, base := range r.groups {
			for k := range side {
				if kept[i] == 1 {
					k = 0
				}
				next = append(next, base+k*strides[i])
			}
		}
		r.groups = next
	}
	return r, true
}

// reduceLogSumExp subtracts the maximum first, so that exp does not overflow.
func reduceLogSumExp(c *call) {
	r, ok := c.reduction()
	if !ok {
		return
	}
	n, v := c.out[0].Len(), c.in[0].Float64s()
	top := slices.Repeat([]float64{math.Inf(-1)}, n)
	for i, x := range v {
		top[r.groups[i]] = max(top[r.groups[i]], x)
	}
	out := make([]float64, n)
	for i, x := range v {
		if t := top[r.groups[i]]; !math.IsInf(t, 0) {
			x -= t
		}
		out[r.groups[i]] += math.Exp(x)
	}
	for i := range out {
		out[i] = math.Log(out[i])
		if !math.IsInf(top[i], 0) {
			out[i] += top[i]
		}
	}
	c.set(out)
}
