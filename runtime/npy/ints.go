package npy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/deploy-kernel/deploy-kernel/runtime/half"
)

// ReadInts reads a whole file of whole numbers and returns them in row-major order
// with their shape. It accepts booleans, integers, and floating-point numbers without
// a fraction, in either byte order.
func ReadInts(r io.Reader) (data []int64, shape []int, err error) {
	h, err := ReadHeader(r)
	if err != nil {
		return nil, nil, err
	}
	size := h.DType.Size()
	return readAll(r, h, func(r io.Reader, dst []int64) error { return readBlocks(r, dst, size, h.integers) })
}

// integers decodes elements of any type.
func (h Header) integers(dst []int64, src []byte) (err error) {
	size := h.DType.Size()
	for i := range dst {
		if dst[i], err = h.integer(src[i*size:]); err != nil {
			return err
		}
	}
	return nil
}

// integer returns the element at the start of b.
func (h Header) integer(b []byte) (int64, error) {
	var order binary.ByteOrder = binary.LittleEndian
	if h.BigEndian {
		order = binary.BigEndian
	}
	switch h.DType {
	case Uint8:
		return int64(b[0]), nil
	case Bool:
		return int64(min(b[0], 1)), nil
	case Int8:
		return int64(int8(b[0])), nil
	case Uint16:
		return int64(order.Uint16(b)), nil
	case Int16:
		return int64(int16(order.Uint16(b))), nil
	case Uint32:
		return int64(order.Uint32(b)), nil
	case Int32:
		return int64(int32(order.Uint32(b))), nil
	case Int64:
		return int64(order.Uint64(b)), nil
	case Uint64:
		v := order.Uint64(b)
		if v > math.MaxInt64 {
			return 0, fmt.Errorf("%d is too large", v)
		}
		return int64(v), nil
	case Float16:
		return whole(float64(half.FromF16(order.Uint16(b))))
	case Float32:
		return whole(float64(math.Float32frombits(order.Uint32(b))))
	}
	return whole(math.Float64frombits(order.Uint64(b)))
}

// whole returns v as an integer, or an error if it is not one.
func whole(v float64) (int64, error) {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return 0, errors.New("NaN or infinity is not a whole number")
	case math.Abs(v) > 1<<53: // a float64 can't hold every larger integer
		return 0, errors.New("a number beyond 2^53 is too large")
	case v != math.Trunc(v):
		return 0, fmt.Errorf("%v is not a whole number", v)
	}
	return int64(v), nil
}

// rowMajor returns the elements of a whole file in row-major order.
func rowMajor[T any](h Header, data []T) []T {
	if !h.Fortran || len(h.Shape) < 2 || len(data) == 0 {
		return data
	}
	out := make([]T, len(data))
	stride := make([]int, len(h.Shape)) // of data
	step := 1
	for i, d := range h.Shape {
		stride[i] = step
		step *= d
	}
	index := make([]int, len(h.Shape))
	at := 0
	for i := range out {
		out[i] = data[at]
		for k := len(index) - 1; k >= 0; k-- {
			index[k]++
			at += stride[k]
			if index[k] < h.Shape[k] {
				break
			}
			at -= index[k] * stride[k]
			index[k] = 0
		}
	}
	return out
}
