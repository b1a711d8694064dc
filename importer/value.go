package importer

import (
	"fmt"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/importer/tensor"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

// dim is a dimension of a node's output.
type dim uint8

// The dimensions, in the order of an nn.Shape.
const (
	dimC dim = iota
	dimH
	dimW
)

// side returns the length of a dimension.
func (d dim) side(s nn.Shape) int { return [...]int{s.C, s.H, s.W}[d] }

// value says how a value of the ONNX graph lies in the output of a node. Each axis
// holds some dimensions, the slowest first. Dimensions of length 1 belong to no axis.
// So a reshape that keeps the order of elements only groups dimensions anew, and a
// transpose reorders the axes.
type value struct {
	node *nn.Node
	axes [][]dim
}

// place returns the value of a node whose output has the given axes, each of at most
// one dimension; -1 stands for an axis of length 1.
func place(n *nn.Node, axes ...int) *value {
	v := &value{node: n, axes: make([][]dim, len(axes))}
	for i, a := range axes {
		if a >= 0 && dim(a).side(n.Shape) > 1 {
			v.axes[i] = []dim{dim(a)}
		}
	}
	return v
}

// nchw returns the value of a node in the usual order.
func nchw(n *nn.Node) *value { return place(n, -1, int(dimC), int(dimH), int(dimW)) }

// isNCHW returns an error unless the value lies in the usual order.
func (v *value) isNCHW() error {
	if v.equal(nchw(v.node)) {
		return nil
	}
	return fmt.Errorf("its input does not have the axes N, C, H, W")
}

func (v *value) equal(w *value) bool {
	return slices.EqualFunc(v.axes, w.axes, slices.Equal[[]dim])
}

// with returns a value of another node with the same axes. The shapes must be equal.
func (v *value) with(n *nn.Node) *value { return &value{n, v.axes} }

// shape returns the sides of the axes.
func (v *value) shape() []int {
	shape := make([]int, len(v.axes))
	for i, dims := range v.axes {
		shape[i] = 1
		for _, d := range dims {
			shape[i] *= d.side(v.node.Shape)
		}
	}
	return shape
}

// reshape groups the dimensions to axes of other sides.
func (v *value) reshape(shape []int) (*value, error) {
	rest := slices.Concat(v.axes...)
	out := &value{v.node, make([][]dim, len(shape))}
	for i, side := range shape {
		n := 1
		for n < side && len(rest) > 0 {
			n *= rest[0].side(v.node.Shape)
			out.axes[i] = append(out.axes[i], rest[0])
			rest = rest[1:]
		}
		if n != side {
			return nil, fmt.Errorf("it divides the axes of %v anew, to %v", v.shape(), shape)
		}
	}
	return out, nil
}

// permute reorders the axes.
func (v *value) permute(perm []int) *value {
	out := &value{v.node, make([][]dim, len(perm))}
	for i, p := range perm {
		out.axes[i] = v.axes[p]
	}
	return out
}

// holds reports whether an axis has exactly this dimension.
func (v *value) holds(axis int, d dim) bool {
	return slices.Equal(v.axes[axis], []dim{d})
}

// raise returns the value with axes of length 1 at the front, so that it has at least
// that many.
func (v *value) raise(rank int) *value {
	out := *v
	for len(out.axes) < rank {
		out.axes = slices.Insert(slices.Clone(out.axes), 0, []dim(nil))
	}
	return &out
}

// perChannel returns the element of a constant for each channel. The constant must
// broadcast to the value and may vary along the channels only.
func (v *value) perChannel(c *tensor.Tensor) ([]float64, error) {
	out := make([]float64, v.node.Shape.C)
	elements := c.Float64s()
	if len(elements) == 1 {
		for i := range out {
			out[i] = elements[0]
		}
		return out, nil
	}
	if c.Rank() > len(v.axes) {
		return nil, fmt.Errorf("its constant of shape %v does not fit %v", c.Shape, v.shape())
	}
	for i, side := range c.Shape {
		if axis := len(v.axes) - c.Rank() + i; side != 1 && !v.holds(axis, dimC) {
			return nil, fmt.Errorf("its constant of shape %v varies along more than the channels of %v", c.Shape, v.shape())
		}
	}
	if len(elements) != len(out) {
		return nil, fmt.Errorf("its constant of shape %v does not fit %v", c.Shape, v.shape())
	}
	return slices.Clone(elements), nil
}
