// Package weights holds state dicts, the named tensors of a trained network. It reads
// and writes them as safetensors files.
//
//	f, err := weights.Open(r, size)               // the header only
//	data, shape, err := f.Float32("conv1.weight") // one tensor
//
// A safetensors file is
//
//	bytes 0-7     N, the length of the header, little-endian
//	bytes 8-8+N   the header, JSON: {"__metadata__": {"key": "text", …},
//	              "name": {"dtype": "F32", "shape": [16,3,3,3],
//	                       "data_offsets": [begin, end]}, …}
//	the rest      the tensors' bytes, little-endian and row-major;
//	              offsets count from here
//
// [Write] is deterministic. The header lists the tensors in the order of the dict and
// is padded with spaces to a multiple of 8. The data begins with the widest types, so
// every tensor is aligned to its elements.
//
// The reader refuses headers over 100 MB, and offsets that leave the file, overlap,
// leave gaps or do not match shape and type. It refuses duplicate names and any other
// form of JSON. It allocates at most the size of the file.
package weights

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/deploy-kernel/deploy-kernel/runtime/half"
)

// Tensor is a named array. Its holder may change Data, unless a function says
// otherwise.
type Tensor struct {
	Name  string
	DType DType
	// Shape is in PyTorch's order; it is empty for a scalar.
	Shape []int
	// Data holds the elements, little-endian and row-major.
	Data []byte
}

// Info describes a tensor without its data.
type Info struct {
	Name  string
	DType DType
	Shape []int
}

// Info returns the tensor's description.
func (t Tensor) Info() Info { return Info{t.Name, t.DType, t.Shape} }

// Elements returns the number of elements of a shape. It returns an error if a side
// is negative or the number overflows an int.
func Elements(shape []int) (int, error) {
	n := 1
	for _, d := range shape {
		if d < 0 {
			return 0, fmt.Errorf("shape %v has a negative side", shape)
		}
		if d > 0 && n > math.MaxInt/d {
			return 0, fmt.Errorf("shape %v has too many elements", shape)
		}
		n *= d
	}
	return n, nil
}

// check returns an error unless the size of the data matches type and shape.
func (t Tensor) check() error {
	n, err := Elements(t.Shape)
	if err != nil {
		return err
	}
	if int(t.DType) >= len(dtypes) {
		return fmt.Errorf("%v is not an element type", t.DType)
	}
	if size := t.DType.Size(); len(t.Data)%size != 0 || len(t.Data)/size != n {
		return fmt.Errorf("%d bytes for a shape of %v in %v", len(t.Data), t.Shape, t.DType)
	}
	return nil
}

// NewFloat32 returns a tensor with the given values. It panics if their number does
// not match the shape.
func NewFloat32(name string, shape []int, v []float32) Tensor {
	t := Tensor{Name: name, DType: F32, Shape: shape, Data: make([]byte, 4*len(v))}
	encode(t.Data, F32, v)
	if err := t.check(); err != nil {
		panic(fmt.Sprintf("weights: internal error: %s: %v", name, err))
	}
	return t
}

// Float32s returns the elements of a floating-point tensor as float32 in a new slice.
// F16 and BF16 convert exactly, and F64 is rounded. It refuses integers.
func (t Tensor) Float32s() ([]float32, error) {
	if err := t.check(); err != nil {
		return nil, fmt.Errorf("reading tensor %s: %w", t.Name, err)
	}
	if !t.DType.Float() {
		return nil, fmt.Errorf("reading tensor %s: its elements are %v, not floating-point numbers", t.Name, t.DType)
	}
	v := make([]float32, len(t.Data)/t.DType.Size())
	decode(v, t.DType, t.Data)
	return v, nil
}

// To returns the tensor with its elements rounded to another floating-point type, in
// new memory: F32, F16 or BF16. It returns integer tensors, and those that have the
// type already, as they are.
func (t Tensor) To(d DType) (Tensor, error) {
	if d != F32 && d != F16 && d != BF16 {
		return Tensor{}, fmt.Errorf("converting tensor %s: %v is not a type to store weights in", t.Name, d)
	}
	if !t.DType.Float() || t.DType == d {
		return t, nil
	}
	v, err := t.Float32s()
	if err != nil {
		return Tensor{}, err
	}
	t.DType, t.Data = d, make([]byte, len(v)*d.Size())
	encode(t.Data, d, v)
	return t, nil
}

// decode converts src, elements of the floating-point type d, to float32.
func decode(dst []float32, d DType, src []byte) {
	switch d {
	case F64:
		for i := range dst {
			dst[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(src[8*i:])))
		}
	case F32:
		for i := range dst {
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
		}
	case F16:
		for i := range dst {
			dst[i] = half.FromF16(binary.LittleEndian.Uint16(src[2*i:]))
		}
	case BF16:
		for i := range dst {
			dst[i] = half.FromBF16(binary.LittleEndian.Uint16(src[2*i:]))
		}
	}
}

// encode converts v to elements of type d: F32, F16 or BF16.
func encode(dst []byte, d DType, v []float32) {
	switch d {
	case F32:
		for i, x := range v {
			binary.LittleEndian.PutUint32(dst[4*i:], math.Float32bits(x))
		}
	case F16:
		for i, x := range v {
			binary.LittleEndian.PutUint16(dst[2*i:], half.ToF16(x))
		}
	case BF16:
		for i, x := range v {
			binary.LittleEndian.PutUint16(dst[2*i:], half.ToBF16(x))
		}
	}
}

// StateDict holds the tensors of a network in PyTorch's order, with the metadata of
// the file.
type StateDict struct {
	Tensors  []Tensor
	Metadata map[string]string
}

// Find returns the tensor of that name. ok is false if there is none.
func (s *StateDict) Find(name string) (t Tensor, ok bool) {
	for _, t := range s.Tensors {
		if t.Name == name {
			return t, true
		}
	}
	return Tensor{}, false
}

// Infos describes the tensors in order.
func (s *StateDict) Infos() []Info {
	infos := make([]Info, len(s.Tensors))
	for i, t := range s.Tensors {
		infos[i] = t.Info()
	}
	return infos
}

// Float32 returns the elements of a tensor as float32 in a new slice, and its shape.
func (s *StateDict) Float32(name string) (data []float32, shape []int, err error) {
	t, ok := s.Find(name)
	if !ok {
		return nil, nil, missing(name)
	}
	data, err = t.Float32s()
	return data, t.Shape, err
}

// Half returns a dict that stores the weights of convolutions and linear layers in
// type d, F16 or BF16, and so takes half the space. Tensors of fewer than two
// dimensions (biases, batch norms) are small and may have a wide range; the dict
// shares them with s. Half refuses weights that F16 can't hold.
func (s *StateDict) Half(d DType) (*StateDict, error) {
	if d != F16 && d != BF16 {
		return nil, fmt.Errorf("storing weights in half: %v is not one of F16 and BF16", d)
	}
	out := &StateDict{Tensors: make([]Tensor, len(s.Tensors)), Metadata: s.Metadata}
	for i, t := range s.Tensors {
		out.Tensors[i] = t
		if len(t.Shape) < 2 || !t.DType.Float() {
			continue
		}
		narrow, err := t.To(d)
		if err != nil {
			return nil, err
		}
		if d == F16 && !finite(narrow.Data) {
			return nil, fmt.Errorf("tensor %s has values that F16 can't hold; BF16 can", t.Name)
		}
		out.Tensors[i] = narrow
	}
	return out, nil
}

// finite reports whether all binary16 elements are finite: no exponent has all bits
// set.
func finite(f16 []byte) bool {
	for i := 1; i < len(f16); i += 2 {
		if f16[i]&0x7c == 0x7c {
			return false
		}
	}
	return true
}

func missing(name string) error { return fmt.Errorf("reading tensor %s: there is none", name) }
