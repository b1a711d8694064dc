package tensor

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/deploy-kernel/deploy-kernel/artifact/onnx"
	"github.com/deploy-kernel/deploy-kernel/runtime/half"
)

// FromFile returns a constant of an ONNX file.
func FromFile(t *onnx.Tensor) (*Tensor, error) {
	b, err := t.Bytes()
	if err != nil {
		return nil, err
	}
	n := Len(t.Shape)
	x := &Tensor{Type: t.Type, Shape: t.Shape, known: true}
	switch t.Type {
	case onnx.Float64:
		x.doubles = make([]float64, n)
		for i := range x.doubles {
			x.doubles[i] = math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:]))
		}
	case onnx.Float32, onnx.Float16, onnx.BFloat16:
		x.floats = make([]float32, n)
		for i := range x.floats {
			x.floats[i] = single(t.Type, b, i)
		}
	default:
		x.ints = make([]int64, n)
		size := t.Type.Size()
		var word [8]byte
		for i := range x.ints {
			copy(word[:], b[size*i:size*(i+1)])
			x.ints[i] = wrap(t.Type, int64(binary.LittleEndian.Uint64(word[:])))
		}
		if t.Type == onnx.Uint64 {
			for _, v := range x.ints {
				if v < 0 {
					return nil, fmt.Errorf("tensor %q holds %d, which is more than an int64", t.Name, uint64(v))
				}
			}
		}
	}
	return x, nil
}

// single returns element i of a floating-point type of at most 32 bits.
func single(t onnx.ElemType, b []byte, i int) float32 {
	switch t {
	case onnx.Float16:
		return half.FromF16(binary.LittleEndian.Uint16(b[2*i:]))
	case onnx.BFloat16:
		return half.FromBF16(binary.LittleEndian.Uint16(b[2*i:]))
	}
	return math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
}
