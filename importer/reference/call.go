package reference

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/artifact/onnx"
	"github.com/deploy-kernel/deploy-kernel/importer/tensor"
)

// call is one evaluation of a node. It keeps the first mistake; operators check it
// by plan, after they have read their inputs and attributes.
type call struct {
	e    *evaluation
	node *onnx.Node
	// in has an entry for each input that the operator has; those left out are nil.
	in     []*tensor.Tensor
	out    []*tensor.Tensor
	values Values
	// known reports whether all inputs have elements.
	known bool
	err   error
}

func (c *call) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
}

var errConstant = errors.New("it depends on the image")

// plan sets type and shape of the first output. It reports whether the operator must
// compute the elements.
func (c *call) plan(t onnx.ElemType, shape []int) bool { return c.planOutput(0, t, shape) }

func (c *call) planOutput(i int, t onnx.ElemType, shape []int) bool {
	n := 1.0
	for _, side := range shape {
		if side < 0 {
			c.fail("its output would have the shape %v", shape)
			return false
		}
		n *= float64(side)
	}
	if n > maxElements || len(shape) > 16 {
		c.fail("its output of shape %v is too large", shape)
	}
	if c.err == nil && c.known {
		c.cost(int(n))
		c.fits(int(n))
	}
	if c.err == nil && i < len(c.out) {
		c.out[i] = tensor.Unknown(t, shape)
	}
	return c.err == nil && c.known
}

// fits fails unless n more elements may be computed.
func (c *call) fits(n int) {
	if most := c.e.limits.alive; c.e.alive+n > most {
		c.fail("the values that it and the nodes before compute have more than %d elements", most)
	}
}

// cost counts multiplications.
func (c *call) cost(n ...int) {
	work := 1.0
	for _, f := range n {
		work *= float64(f)
	}
	if c.e.work += work; c.e.work > c.e.limits.work {
		c.fail("the model needs more than %.2g multiplications", c.e.limits.work)
	}
}

// set gives the first output its elements, rounded to its type. The output keeps v.
func (c *call) set(v []float64) { c.setOutput(0, v) }

func (c *call) setOutput(i int, v []float64) {
	if i < len(c.out) {
		c.out[i] = tensor.Floats(c.out[i].Type, c.out[i].Shape, v)
	}
}

// attribute returns an attribute of the given type, or nil if there is none.
func (c *call) attribute(name string, t onnx.AttributeType) *onnx.Attribute {
	a := c.node.Attribute(name)
	if a != nil && a.Type != t {
		c.fail("its attribute %s has the wrong type", name)
		return nil
	}
	return a
}

func (c *call) int(name string, otherwise int) int {
	if a := c.attribute(name, onnx.Int); a != nil {
		return clamp(a.Int)
	}
	return otherwise
}

// clamp keeps numbers small enough for additions and products of two.
func clamp(v int64) int { return int(max(min(v, math.MaxInt32), math.MinInt32)) }

func clampAll(vs []int64) []int {
	out := make([]int, len(vs))
	for i, v := range vs {
		out[i] = clamp(v)
	}
	return out
}

func (c *call) float(name string, otherwise float64) float64 {
	if a := c.attribute(name, onnx.Float); a != nil {
		return a.Float
	}
	return otherwise
}

func (c *call) text(name, otherwise string) string {
	if a := c.attribute(name, onnx.String); a != nil {
		return a.String
	}
	return otherwise
}

// ints returns nil if the attribute is left out.
func (c *call) ints(name string) []int {
	if a := c.attribute(name, onnx.Ints); a != nil {
		return clampAll(a.Ints)
	}
	return nil
}

// intsOr returns n times otherwise if the attribute is left out, and checks that there
// are n numbers.
func (c *call) intsOr(name string, n, otherwise int) []int {
	v := c.ints(name)
	if v == nil {
		return slices.Repeat([]int{otherwise}, n)
	}
	if len(v) != n {
		c.fail("its attribute %s has %d numbers, not %d", name, len(v), n)
		return make([]int, n)
	}
	return v
}

// constants returns the elements of an integer input that must be known. ok is false
// if the input is left out.
func (c *call) constants(i int) (v []int, ok bool) {
	x := c.in[i]
	if x == nil {
		return nil, false
	}
	if !x.Known() {
		c.fail("input %d must be a constant: %w", i, errConstant)
		return nil, false
	}
	return clampAll(x.Int64s()), true
}

// intsOrInput returns an attribute of old operator sets, or the input that took its
// place.
func (c *call) intsOrInput(name string, i int) (v []int, ok bool) {
	if v := c.ints(name); v != nil {
		return v, true
	}
	return c.constants(i)
}

// axis resolves an axis that may count from the end. limit is the number of axes, or
// one more if the axis may be behind the last.
func (c *call) axis(axis, limit int) int {
	at := axis
	if at < 0 {
		at += limit
	}
	if at < 0 || at >= limit {
		c.fail("its axis %d is not one of %d", axis, limit)
		return 0
	}
	return at
}

// axes resolves a list of axes, and refuses repetitions.
func (c *call) axes(list []int, rank int) []int {
	out := make([]int, 0, len(list))
	for _, a := range list {
		at := c.axis(a, rank)
		if slices.Contains(out, at) {
			c.fail("its axes %v repeat one", list)
		}
		out = append(out, at)
	}
	return out
}

// rank fails unless input i has at least that many dimensions.
func (c *call) rank(i, least int) bool {
	if c.in[i].Rank() < least {
		c.fail("input %d has %d dimensions, and %d are needed", i, c.in[i].Rank(), least)
		return false
	}
	return true
}

// channels fails unless the input is left out or has n elements.
func (c *call) channels(i, n int) {
	if x := c.in[i]; x != nil && x.Len() != n {
		c.fail("input %d has the shape %v, and %d elements are needed", i, x.Shape, n)
	}
}

// broadcast returns the shape of all inputs together.
func (c *call) broadcast(xs ...*tensor.Tensor) []int {
	shapes := make([][]int, len(xs))
	for i, x := range xs {
		shapes[i] = x.Shape
	}
	shape, ok := tensor.BroadcastShape(shapes...)
	if !ok {
		c.fail("the shapes %v do not fit", shapes)
	}
	return shape
}
