package reference

import (
	"slices"

	"github.com/deploy-kernel/deploy-kernel/artifact/onnx"
	"github.com/deploy-kernel/deploy-kernel/importer/tensor"
)

// indexing are the operators that choose elements by numbers, or return numbers of
// elements.
var indexing = map[string]operator{
	"ArgMax":         {least: 1, most: 1, run: func(c *call) { argument(c, func(a, b float64) bool { return a > b }) }},
	"ArgMin":         {least: 1, most: 1, run: func(c *call) { argument(c, func(a, b float64) bool { return a < b }) }},
	"CumSum":         {least: 2, most: 2, run: cumSum},
	"Gather":         {least: 2, most: 2, run: gather},
	"GatherElements": {least: 2, most: 2, run: gatherElements},
	"GatherND":       {least: 2, most: 2, run: gatherND},
	"ScatterND":      {least: 3, most: 3, run: scatterND},
}

// index resolves an index that may count from the end.
func (c *call) index(v int64, side int) int {
	if v < 0 {
		v += int64(side)
	}
	if v < 0 || v >= int64(side) {
		c.fail("the index %d is not one of %d", v, side)
		return 0
	}
	return int(v)
}

func gather(c *call) {
	x, at := c.in[0], c.in[1]
	if !c.rank(0, 1) {
		return
	}
	axis := c.axis(c.int("axis", 0), x.Rank())
	shape := slices.Concat(x.Shape[:axis], at.Shape, x.Shape[axis+1:])
	if !c.plan(x.Type, shape) {
		return
	}
	axes := every(x.Shape)
	axes[axis] = make([]int, at.Len())
	for i, v := range at.Int64s() {
		axes[axis][i] = c.index(v, x.Shape[axis])
	}
	if c.err == nil {
		c.out[0] = x.Pick(axes, nil).Reshape(shape)
	}
}

func gatherElements(c *call) {
	x, at := c.in[0], c.in[1]
	if !c.rank(0, 1) {
		return
	}
	axis := c.axis(c.int("axis", 0), x.Rank())
	if at.Rank() != x.Rank() {
		c.fail("the shapes %v and %v do not fit", x.Shape, at.Shape)
		return
	}
	for i, side := range at.Shape {
		if i != axis && side > x.Shape[i] {
			c.fail("the shapes %v and %v do not fit", x.Shape, at.Shape)
		}
	}
	if !c.plan(x.Type, at.Shape) {
		return
	}
	strides, own := tensor.Strides(x.Shape), tensor.Strides(at.Shape)
	places := make([]int, at.Len())
	for i, v := range at.Int64s() {
		for d, rest := 0, i; d < x.Rank(); d++ {
			k := rest / own[d]
			rest %= own[d]
			if d == axis {
				k = c.index(v, x.Shape[axis])
			}
			places[i] += k * strides[d]
		}
	}
	if c.err == nil {
		c.out[0] = x.Take(at.Shape, places, nil)
	}
}

// tuples returns the flattened place that each tuple of indices along the axes from
// batch on refers to, and the number of elements of such a place. Each of the first
// batch axes has its own tuples.
func (c *call) tuples(x, at *tensor.Tensor, batch int) (places []int, block int) {
	if at.Rank() < 1 || batch < 0 || batch >= at.Rank() || batch > x.Rank() {
		c.fail("the shapes %v and %v do not fit", x.Shape, at.Shape)
		return nil, 0
	}
	n := at.Shape[at.Rank()-1]
	if batch+n > x.Rank() || !slices.Equal(x.Shape[:batch], at.Shape[:batch]) {
		c.fail("the shapes %v and %v do not fit", x.Shape, at.Shape)
		return nil, 0
	}
	block = tensor.Len(x.Shape[batch+n:])
	if !at.Known() || at.Len() == 0 || n == 0 {
		return nil, block
	}
	strides := tensor.Strides(x.Shape)
	perBatch := tensor.Len(at.Shape[batch : at.Rank()-1])
	whole := tensor.Len(x.Shape[batch:])
	v := at.Int64s()
	for t := range len(v) / n {
		place := t / perBatch * whole
		for d := range n {
			place += c.index(v[t*n+d], x.Shape[batch+d]) * strides[batch+d]
		}
		places = append(places, place)
	}
	return places, block
}

func gatherND(c *call) {
	x, at := c.in[0], c.in[1]
	batch := c.int("batch_dims", 0)
	places, block := c.tuples(x, at, batch)
	if c.err != nil {
		return
	}
	n := at.Shape[at.Rank()-1]
	shape := slices.Concat(at.Shape[:at.Rank()-1], x.Shape[batch+n:])
	if !c.plan(x.Type, shape) {
		return
	}
	elements := make([]int, 0, tensor.Len(shape))
	for _, p := range places {
		elements = append(elements, indices(p, p+block)...)
	}
	if len(elements) != tensor.Len(shape) {
		c.fail("indices without numbers are not supported")
		return
	}
	c.out[0] = x.Take(shape, elements, nil)
}

func scatterND(c *call) {
	x, at, updates := c.in[0], c.in[1], c.in[2]
	places, block := c.tuples(x, at, 0)
	if c.err != nil {
		return
	}
	if updates.Type != x.Type || updates.Len() != tensor.Len(at.Shape[:at.Rank()-1])*block {
		c.fail("the updates of shape %v do not fit", updates.Shape)
	}
	if !c.plan(x.Type, x.Shape) {
		return
	}
	var reduce func(old, v float64) float64
	switch mode := c.text("reduction", "none"); mode {
	case "none":
		reduce = func(_, v float64) float64 { return v }
	case "add":
		reduce = func(old, v float64) float64 { return old + v }
	case "mul":
		reduce = func(old, v float64) float64 { return old * v }
	case "max":
		reduce = func(old, v float64) float64 { return max(old, v) }
	case "min":
		reduce = func(old, v float64) float64 { return min(old, v) }
	default:
		c.fail("its reduction %q is not supported", mode)
		return
	}
	out, v := slices.Clone(x.Float64s()), updates.Float64s()
	for i, p := range places {
		for k := range block {
			out[p+k] = reduce(out[p+k], v[i*block+k])
		}
	}
	c.set(out)
}

// lines calls visit for every line of elements along an axis: the place of its first
// element and the distance between neighbors.
func lines(shape []int, axis int, visit func(first, stride int)) {
	stride := tensor.Len(shape[axis+1:])
	for outer := range tensor.Len(shape[:axis]) {
		for inner := range stride {
			visit(outer*shape[axis]*stride+inner, stride)
		}
	}
}

func argument(c *call, better func(a, b float64) bool) {
	x := c.in[0]
	if !c.rank(0, 1) {
		return
	}
	axis := c.axis(c.int("axis", 0), x.Rank())
	shape := slices.Clone(x.Shape)
	shape[axis] = 1
	if c.int("keepdims", 1) == 0 {
		shape = slices.Delete(shape, axis, axis+1)
	}
	last := c.int("select_last_index", 0) != 0
	if x.Shape[axis] == 0 {
		c.fail("an empty axis has no extremum")
	}
	if !c.plan(onnx.Int64, shape) {
		return
	}
	v := x.Float64s()
	var out []int64
	lines(x.Shape, axis, func(first, stride int) {
		best := 0
		for i := range x.Shape[axis] {
			a, b := v[first+i*stride], v[first+best*stride]
			if better(a, b) || last && a == b {
				best = i
			}
		}
		out = append(out, int64(best))
	})
	c.out[0] = tensor.Ints(onnx.Int64, shape, out)
}

func cumSum(c *call) {
	x := c.in[0]
	at, _ := c.constants(1)
	if !c.rank(0, 1) || len(at) != 1 {
		c.fail("its axis is missing")
		return
	}
	axis := c.axis(at[0], x.Rank())
	exclusive, reverse := c.int("exclusive", 0) != 0, c.int("reverse", 0) != 0
	if !c.plan(x.Type, x.Shape) {
		return
	}
	v := x.Float64s()
	out := make([]float64, len(v))
	lines(x.Shape, axis, func(first, stride int) {
		sum := 0.0
		for i := range x.Shape[axis] {
			if reverse {
				i = x.Shape[axis] - 1 - i
			}
			p := first + i*stride
			if exclusive {
				out[p] = sum
			}
			sum += v[p]
			if !exclusive {
				out[p] = sum
			}
		}
	})
	c.set(out)
}
