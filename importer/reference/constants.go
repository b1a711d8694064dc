package reference

import (
	"math"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/artifact/onnx"
	"github.com/deploy-kernel/deploy-kernel/importer/tensor"
)

// constants are the operators that make tensors, change their type or ask for their
// shape.
var constants = map[string]operator{
	"Constant":        {most: 0, run: constant},
	"ConstantOfShape": {least: 1, most: 1, run: constantOfShape},
	"EyeLike":         {least: 1, most: 1, run: eyeLike},
	"Range":           {least: 3, most: 3, run: span},
	"Shape":           {least: 1, most: 1, run: shapeOf},
	"Size":            {least: 1, most: 1, run: sizeOf},
	"Identity":        {least: 1, most: 1, run: func(c *call) { c.out[0] = c.in[0] }},
	"Dropout":         {least: 1, most: 3, run: dropout},
	"Cast":            {least: 1, most: 1, run: func(c *call) { cast(c, onnx.ElemType(c.int("to", 0))) }},
	"CastLike":        {least: 2, most: 2, run: func(c *call) { cast(c, c.in[1].Type) }},
}

func constant(c *call) {
	for _, a := range c.node.Attributes {
		switch {
		case a.Name == "value" && a.Tensor != nil:
			x, err := tensor.FromFile(a.Tensor)
			if err != nil {
				c.fail("%w", err)
			}
			c.out[0] = x
		case a.Name == "value_float":
			c.out[0] = tensor.Floats(onnx.Float32, nil, []float64{a.Float})
		case a.Name == "value_floats":
			c.out[0] = tensor.Floats(onnx.Float32, []int{len(a.Floats)}, slices.Clone(a.Floats))
		case a.Name == "value_int":
			c.out[0] = tensor.Ints(onnx.Int64, nil, []int64{a.Int})
		case a.Name == "value_ints":
			c.out[0] = tensor.Ints(onnx.Int64, []int{len(a.Ints)}, slices.Clone(a.Ints))
		default:
			c.fail("its attribute %s is not supported", a.Name)
		}
	}
}

func constantOfShape(c *call) {
	shape, _ := c.constants(0)
	value := tensor.Floats(onnx.Float32, nil, []float64{0})
	if a := c.attribute("value", onnx.Data); a != nil {
		x, err := tensor.FromFile(a.Tensor)
		if err != nil || x.Len() != 1 {
			c.fail("its value is not a single number")
			return
		}
		value = x.Reshape(nil)
	}
	if c.plan(value.Type, shape) {
		c.out[0] = value.Broadcast(shape)
	}
}

func eyeLike(c *call) {
	x := c.in[0]
	if !c.rank(0, 2) {
		return
	}
	k := c.int("k", 0)
	c.known = true
	if !c.plan(onnx.ElemType(c.int("dtype", int(x.Type))), x.Shape) {
		return
	}
	out := make([]float64, x.Len())
	for i := range x.Shape[0] {
		if j := i + k; j >= 0 && j < x.Shape[1] {
			out[i*x.Shape[1]+j] = 1
		}
	}
	c.set(out)
}

// span counts from the first input up to the second, in steps of the third.
func span(c *call) {
	start, limit, step := c.in[0], c.in[1], c.in[2]
	if !c.known || start.Len() != 1 || limit.Len() != 1 || step.Len() != 1 {
		c.fail("its inputs must be single constants: %w", errConstant)
		return
	}
	first, last, by := start.Float64s()[0], limit.Float64s()[0], step.Float64s()[0]
	n := math.Ceil((last - first) / by)
	if n > maxElements || n != n {
		c.fail("a range of %v to %v in steps of %v is too long", first, last, by)
		return
	}
	c.plan(start.Type, []int{max(0, int(n))})
	if c.err != nil {
		return
	}
	out := make([]float64, max(0, int(n)))
	for i := range out {
		out[i] = first + float64(i)*by
	}
	c.set(out)
}

func shapeOf(c *call) {
	x := c.in[0]
	rank := x.Rank()
	bound := func(name string, otherwise int) int {
		at := c.int(name, otherwise)
		if at < 0 {
			at += rank
		}
		return max(0, min(rank, at))
	}
	start, end := bound("start", 0), bound("end", rank)
	var out []int64
	for _, side := range x.Shape[start:max(start, end)] {
		out = append(out, int64(side))
	}
	c.out[0] = tensor.Ints(onnx.Int64, []int{len(out)}, out)
}

func sizeOf(c *call) { c.out[0] = tensor.Ints(onnx.Int64, nil, []int64{int64(c.in[0].Len())}) }

// dropout is the identity, because networks are not trained here.
func dropout(c *call) {
	if training := c.in[2]; training != nil && (!training.Known() || slices.Contains(training.Int64s(), 1)) {
		c.fail("dropout in training mode is not supported")
	}
	x := c.in[0]
	c.out[0] = x
	if len(c.out) < 2 {
		return
	}
	typ := onnx.Bool
	if c.node.Opset < 10 {
		typ = x.Type
	}
	c.out[1] = tensor.Ints(typ, nil, []int64{1}).Broadcast(x.Shape)
}

func cast(c *call, to onnx.ElemType) {
	if to.Size() == 0 {
		c.fail("elements cannot become %v", to)
		return
	}
	c.out[0] = c.in[0].Cast(to)
}
