// Package tensor holds n-dimensional tensors of the element types that ONNX has, and
// the operations that move their elements.
//
//	x := tensor.Floats(onnx.Float32, []int{2, 3}, []float64{1, 2, 3, 4, 5, 6})
//	y := x.Permute([]int{1, 0}) // shape [3 2]
//
// A tensor may be unknown: it has a type and a shape, but no elements. Package
// importer/reference infers shapes and folds constants with unknown inputs.
//
// Elements are kept in one of three Go types: float32 for the 16-bit floating-point
// types and float32, float64, and int64 for all integers and bool. Every constructor
// rounds or wraps to the element type, as if the type itself were stored. Values of
// uint64 above 2^63-1 wrap to negative numbers.
//
// Tensors are immutable, and operations may share elements with their operands.
package tensor

import (
	"fmt"
	"math"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/artifact/onnx"
	"github.com/deploy-kernel/deploy-kernel/runtime/half"
)

// Tensor is an array of elements of one type.
type Tensor struct {
	Type  onnx.ElemType
	Shape []int
	// Nil if the elements are unknown.
	floats  []float32
	doubles []float64
	ints    []int64
	known   bool
}

// Unknown returns a tensor without elements.
func Unknown(t onnx.ElemType, shape []int) *Tensor { return &Tensor{Type: t, Shape: shape} }

// IsFloat reports whether t is a floating-point type.
func IsFloat(t onnx.ElemType) bool { return isSingle(t) || t == onnx.Float64 }

// isSingle reports whether elements are kept as float32.
func isSingle(t onnx.ElemType) bool {
	return t == onnx.Float32 || t == onnx.Float16 || t == onnx.BFloat16
}

// Floats returns a tensor of v, rounded to t. It may keep v. An integer type takes
// the integer part, and bool takes whether a number is not 0.
func Floats(t onnx.ElemType, shape []int, v []float64) *Tensor {
	check(shape, len(v))
	x := &Tensor{Type: t, Shape: shape, known: true}
	switch {
	case t == onnx.Float64:
		x.doubles = v
	case isSingle(t):
		x.floats = make([]float32, len(v))
		for i, f := range v {
			x.floats[i] = round(t, float32(f))
		}
	default:
		x.ints = make([]int64, len(v))
		for i, f := range v {
			if t == onnx.Bool {
				x.ints[i] = oneIf(f != 0)
				continue
			}
			x.ints[i] = wrap(t, integer(f))
		}
	}
	return x
}

// Ints returns a tensor of v, converted to t. It may keep v.
func Ints(t onnx.ElemType, shape []int, v []int64) *Tensor {
	check(shape, len(v))
	x := &Tensor{Type: t, Shape: shape, known: true}
	if t == onnx.Int64 {
		x.ints = v
		return x
	}
	if IsFloat(t) {
		f := make([]float64, len(v))
		for i, n := range v {
			f[i] = float64(n)
		}
		return Floats(t, shape, f)
	}
	x.ints = make([]int64, len(v))
	for i, n := range v {
		x.ints[i] = wrap(t, n)
	}
	return x
}

// Bools returns a tensor of bool.
func Bools(shape []int, v []bool) *Tensor {
	ints := make([]int64, len(v))
	for i, b := range v {
		ints[i] = oneIf(b)
	}
	return Ints(onnx.Bool, shape, ints)
}

func check(shape []int, n int) {
	if Len(shape) != n {
		panic(fmt.Sprintf("tensor: internal error: %d elements of shape %v", n, shape))
	}
}

// round rounds to a type of at most 32 bits.
func round(t onnx.ElemType, v float32) float32 {
	switch t {
	case onnx.Float16:
		return half.FromF16(half.ToF16(v))
	case onnx.BFloat16:
		return half.FromBF16(half.ToBF16(v))
	}
	return v
}

// integer returns the integer part; NaN gives 0 and large numbers the nearest int64.
func integer(f float64) int64 {
	switch {
	case f != f:
		return 0
	case f >= math.MaxInt64:
		return math.MaxInt64
	case f <= math.MinInt64:
		return math.MinInt64
	}
	return int64(f)
}

// wrap reduces v modulo the range of t.
func wrap(t onnx.ElemType, v int64) int64 {
	switch t {
	case onnx.Bool:
		return oneIf(v != 0)
	case onnx.Int8:
		return int64(int8(v))
	case onnx.Uint8:
		return int64(uint8(v))
	case onnx.Int16:
		return int64(int16(v))
	case onnx.Uint16:
		return int64(uint16(v))
	case onnx.Int32:
		return int64(int32(v))
	case onnx.Uint32:
		return int64(uint32(v))
	}
	return v
}

func oneIf(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// Len returns the number of elements of a shape.
func Len(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// Len returns the number of elements that the shape has.
func (t *Tensor) Len() int { return Len(t.Shape) }

// Rank returns the number of dimensions.
func (t *Tensor) Rank() int { return len(t.Shape) }

// Known reports whether the tensor has elements.
func (t *Tensor) Known() bool { return t.known }

// String describes the tensor without its elements, e.g. "float32 [1 3 8 8]".
func (t *Tensor) String() string { return fmt.Sprintf("%v %v", t.Type, t.Shape) }

// Float64s returns the elements as float64. The caller must not change them.
func (t *Tensor) Float64s() []float64 {
	if t.Type == onnx.Float64 {
		return t.doubles
	}
	out := make([]float64, t.Len())
	for i, v := range t.floats {
		out[i] = float64(v)
	}
	for i, v := range t.ints {
		out[i] = float64(v)
	}
	return out
}

// Float32s returns the elements as float32. The caller must not change them.
func (t *Tensor) Float32s() []float32 {
	if isSingle(t.Type) {
		return t.floats
	}
	out := make([]float32, t.Len())
	for i, v := range t.doubles {
		out[i] = float32(v)
	}
	for i, v := range t.ints {
		out[i] = float32(v)
	}
	return out
}

// Int64s returns the elements as int64, truncated toward 0 if they are not integers.
// The caller must not change them.
func (t *Tensor) Int64s() []int64 {
	if !IsFloat(t.Type) {
		return t.ints
	}
	out := make([]int64, t.Len())
	for i, v := range t.Float64s() {
		out[i] = integer(v)
	}
	return out
}

// Cast returns the tensor with its elements converted to another type.
func (t *Tensor) Cast(to onnx.ElemType) *Tensor {
	switch {
	case t.Type == to:
		return t
	case !t.known:
		return Unknown(to, t.Shape)
	case IsFloat(t.Type):
		return Floats(to, t.Shape, slices.Clone(t.Float64s()))
	}
	return Ints(to, t.Shape, slices.Clone(t.ints))
}
