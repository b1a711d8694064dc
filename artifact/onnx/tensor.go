package onnx

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

// ElemType is the type of a tensor's elements. The numbers are the file format's.
type ElemType int32

// The element types whose data can be read.
const (
	Undefined ElemType = 0
	Float32   ElemType = 1
	Uint8     ElemType = 2
	Int8      ElemType = 3
	Uint16    ElemType = 4
	Int16     ElemType = 5
	Int32     ElemType = 6
	Int64     ElemType = 7
	Bool      ElemType = 9
	Float16   ElemType = 10
	Float64   ElemType = 11
	Uint32    ElemType = 12
	Uint64    ElemType = 13
	BFloat16  ElemType = 16
)

// elemTypes holds the name of each type, and the bytes of an element: 0 for types
// whose data are not read.
var elemTypes = [...]struct {
	name string
	size int
}{
	{"undefined", 0},
	{"float32", 4},
	{"uint8", 1},
	{"int8", 1},
	{"uint16", 2},
	{"int16", 2},
	{"int32", 4},
	{"int64", 8},
	{"string", 0},
	{"bool", 1},
	{"float16", 2},
	{"float64", 8},
	{"uint32", 4},
	{"uint64", 8},
	{"complex64", 0},
	{"complex128", 0},
	{"bfloat16", 2},
	{"float8e4m3fn", 0},
	{"float8e4m3fnuz", 0},
	{"float8e5m2", 0},
	{"float8e5m2fnuz", 0},
	{"uint4", 0},
	{"int4", 0},
	{"float4e2m1", 0},
	{"float8e8m0", 0},
	{"uint2", 0},
	{"int2", 0},
}

// String returns the type's name, e.g. "float32".
func (e ElemType) String() string {
	if e >= 0 && int(e) < len(elemTypes) {
		return elemTypes[e].name
	}
	return fmt.Sprintf("type %d", int32(e))
}

// Size returns the bytes of an element, or 0 if data of this type are not read.
func (e ElemType) Size() int {
	if e >= 0 && int(e) < len(elemTypes) {
		return elemTypes[e].size
	}
	return 0
}

// Tensor is a constant of the file. Its data stay in the file until Bytes is called.
type Tensor struct {
	Name string
	Type ElemType
	// Shape holds the sides, in row-major order.
	Shape []int

	// raw holds little-endian elements, if the file gives them so.
	raw []byte
	// typed holds the wire bytes of the fields for numbers of one type; their
	// field number is in typedField, or 0 if there are none.
	typed      []byte
	typedField int
	external   *external
}

// Bytes returns the elements, little-endian and in row-major order. The caller must
// not change them: they may be part of the file in memory. External data are read
// anew on each call.
func (t *Tensor) Bytes() ([]byte, error) {
	b, err := t.bytes()
	if err != nil {
		return nil, fmt.Errorf("tensor %q (%v %v): %w", shorten(t.Name), t.Type, t.Shape, err)
	}
	return b, nil
}

func (t *Tensor) bytes() ([]byte, error) {
	size := t.Type.Size()
	if size == 0 {
		return nil, fmt.Errorf("elements of this type cannot be read")
	}
	n, err := weights.Elements(t.Shape)
	if err != nil {
		return nil, err
	}
	if n > maxBytes/size {
		return nil, fmt.Errorf("%d elements are more than a file can hold", n)
	}
	want := n * size
	switch {
	case t.external != nil:
		return t.external.read(want)
	case t.typedField == 0 || n == 0:
		if len(t.raw) != want {
			return nil, fmt.Errorf("the file holds %d bytes of data, not %d", len(t.raw), want)
		}
		return t.raw, nil
	}
	return t.decode(n)
}

// typedFields says for each field of numbers how it is encoded, and which element
// types it holds (onnx.proto, TensorProto).
var typedFields = map[int]struct {
	wire  int
	types []ElemType
}{
	tensorFloats:  {wireFixed4, []ElemType{Float32}},
	tensorDoubles: {wireFixed8, []ElemType{Float64}},
	tensorInt32s:  {wireVarint, []ElemType{Int32, Int16, Int8, Uint16, Uint8, Bool, Float16, BFloat16}},
	tensorInt64s:  {wireVarint, []ElemType{Int64}},
	tensorUint64s: {wireVarint, []ElemType{Uint32, Uint64}},
}

// decode returns n elements from the field of numbers.
func (t *Tensor) decode(n int) ([]byte, error) {
	form, size := typedFields[t.typedField], t.Type.Size()
	if !slices.Contains(form.types, t.Type) {
		return nil, fmt.Errorf("the data lie in field %d, which does not hold %v", t.typedField, t.Type)
	}
	if form.wire != wireVarint {
		if len(t.typed) != n*size {
			return nil, fmt.Errorf("the file holds %d bytes of data, not %d", len(t.typed), n*size)
		}
		return t.typed, nil
	}
	if got := varints(t.typed); got != n {
		return nil, fmt.Errorf("the file holds %d elements, not %d", got, n)
	}
	out := make([]byte, 0, n*size)
	var word [8]byte
	for b := t.typed; len(b) > 0; {
		v, k := binary.Uvarint(b)
		if k <= 0 {
			return nil, errCut
		}
		binary.LittleEndian.PutUint64(word[:], v)
		out, b = append(out, word[:size]...), b[k:]
	}
	return out, nil
}

// varints counts the numbers of a packed field: each ends with a byte below 128.
func varints(b []byte) int {
	n := 0
	for _, c := range b {
		if c < 0x80 {
			n++
		}
	}
	return n
}
