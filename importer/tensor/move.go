package tensor

import (
	"fmt"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/artifact/onnx"
)

// Outside is the index that stands for the fill value in [Tensor.Take] and
// [Tensor.Pick].
const Outside = -1

// Reshape returns the same elements with another shape of the same length.
func (t *Tensor) Reshape(shape []int) *Tensor {
	if Len(shape) != t.Len() {
		panic(fmt.Sprintf("tensor: internal error: reshape of %v to %v", t.Shape, shape))
	}
	out := *t
	out.Shape = shape
	return &out
}

// Take returns the elements at the given places of the flattened tensor, in a new
// shape. Places that are [Outside] give fill, which has the tensor's type and one
// element; it may be nil if there are none.
func (t *Tensor) Take(shape, places []int, fill *Tensor) *Tensor {
	out := &Tensor{Type: t.Type, Shape: shape, known: true}
	if fill == nil {
		fill = Ints(t.Type, nil, []int64{0})
	}
	switch {
	case t.Type == onnx.Float64:
		out.doubles = take(t.doubles, places, fill.doubles)
	case isSingle(t.Type):
		out.floats = take(t.floats, places, fill.floats)
	default:
		out.ints = take(t.ints, places, fill.ints)
	}
	return out
}

func take[T any](from []T, places []int, fill []T) []T {
	out := make([]T, len(places))
	for i, p := range places {
		if p == Outside {
			out[i] = fill[0]
			continue
		}
		out[i] = from[p]
	}
	return out
}

// Strides returns the distance of neighbors along each axis in the flattened tensor.
func Strides(shape []int) []int {
	strides := make([]int, len(shape))
	n := 1
	for i := len(shape) - 1; i >= 0; i-- {
		strides[i] = n
		n *= shape[i]
	}
	return strides
}

// Pick returns a tensor whose side along each axis is the length of that axis' list.
// The element at (i, j, …) is the operand's at (axes[0][i], axes[1][j], …), or fill
// if an index is [Outside].
func (t *Tensor) Pick(axes [][]int, fill *Tensor) *Tensor {
	shape := make([]int, len(axes))
	for i, list := range axes {
		shape[i] = len(list)
	}
	places := []int{0}
	for i, list := range axes {
		side := t.Shape[i]
		next := make([]int, 0, len(places)*len(list))
		for _, base := range places {
			for _, j := range list {
				if base == Outside || j == Outside {
					next = append(next, Outside)
					continue
				}
				next = append(next, base*side+j)
			}
		}
		places = next
	}
	return t.Take(shape, places, fill)
}

// Permute returns the tensor with its axes reordered: axis i is the operand's axis
// perm[i].
func (t *Tensor) Permute(perm []int) *Tensor {
	strides := Strides(t.Shape)
	shape := make([]int, len(perm))
	places := []int{0}
	for i, p := range perm {
		shape[i] = t.Shape[p]
		next := make([]int, 0, len(places)*shape[i])
		for _, base := range places {
			for j := range shape[i] {
				next = append(next, base+j*strides[p])
			}
		}
		places = next
	}
	return t.Take(shape, places, nil)
}

// Broadcast repeats elements along axes of length 1, and along new axes at the front,
// so that the result has the given shape. The shapes must fit.
func (t *Tensor) Broadcast(shape []int) *Tensor {
	if slices.Equal(t.Shape, shape) {
		return t
	}
	axes := make([][]int, len(shape))
	full := make([]int, len(shape))
	for i, side := range shape {
		axes[i] = make([]int, side)
		full[i] = 1
		if j := i - len(shape) + len(t.Shape); j >= 0 {
			full[i] = t.Shape[j]
		}
		for k := range axes[i] {
			if full[i] != 1 {
				axes[i][k] = k
			}
		}
	}
	return t.Reshape(full).Pick(axes, nil)
}

// BroadcastShape returns the shape to which all shapes broadcast, by NumPy's rule: sides
// are aligned at the end and must be equal or 1. ok is false if they do not fit.
func BroadcastShape(shapes ...[]int) (shape []int, ok bool) {
	for _, s := range shapes {
		for len(shape) < len(s) {
			shape = slices.Insert(shape, 0, 1)
		}
	}
	for _, s := range shapes {
		offset := len(shape) - len(s)
		for i, side := range s {
			switch have := shape[offset+i]; {
			case have == side || side == 1:
			case have == 1:
				shape[offset+i] = side
			default:
				return nil, false
			}
		}
	}
	return shape, true
}

// Concat joins tensors of one type along an axis. Their other sides must be equal.
func Concat(ts []*Tensor, axis int) *Tensor {
	first := ts[0]
	shape := slices.Clone(first.Shape)
	shape[axis] = 0
	for _, t := range ts {
		shape[axis] += t.Shape[axis]
	}
	out := &Tensor{Type: first.Type, Shape: shape, known: true}
	outer := Len(shape[:axis])
	switch {
	case first.Type == onnx.Float64:
		out.doubles = concat(ts, outer, func(t *Tensor) []float64 { return t.doubles })
	case isSingle(first.Type):
		out.floats = concat(ts, outer, func(t *Tensor) []float32 { return t.floats })
	default:
		out.ints = concat(ts, outer, func(t *Tensor) []int64 { return t.ints })
	}
	return out
}

// concat interleaves outer blocks of each tensor.
func concat[T any](ts []*Tensor, outer int, data func(*Tensor) []T) (out []T) {
	for i := range outer {
		for _, t := range ts {
			d := data(t)
			block := len(d) / outer
			out = append(out, d[i*block:(i+1)*block]...)
		}
	}
	return out
}
