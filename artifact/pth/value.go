package pth

import (
	"errors"
	"fmt"

	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

// The values that a pickle makes are nil, bool, int64, float64, string,
// []byte, and the types of this file.

// global is a name in a pickle. It does nothing.
type global struct{ module, name string }

func (g global) String() string { return g.module + "." + g.name }

// object is a placeholder for the result of calling an unknown name.
type object struct {
	class global
	args  tuple
}

type tuple []any

// list is a list or a set.
type list struct{ items []any }

// dict keeps its pairs in insertion order, even those of equal keys.
type dict struct{ pairs []pair }

type pair struct{ key, value any }

// get returns the value of a text key, or nil if there is none.
func (d *dict) get(key string) any {
	var v any
	for _, p := range d.pairs {
		if p.key == key {
			v = p.value
		}
	}
	return v
}

// integer is an integer beyond int64, little-endian.
type integer []byte

// storage is a run of elements in the file.
type storage struct {
	key   string
	dtype weights.DType
	// odd says why tensors of the storage are not supported, or is "".
	odd string
	// elements is the length according to the pickle.
	elements int
}

// part is a run of elements of a storage, as in very old files.
type part struct {
	storage *storage
	offset  int
}

// tensor is a view of a storage. offset and stride count elements.
type tensor struct {
	storage *storage
	offset  int
	shape   []int
	stride  []int
}

// oddTensor is a tensor, or an array in place of one, that is not supported.
type oddTensor struct {
	why string
}

// check returns the size in bytes of the tensor without gaps. It returns an error if
// the tensor leaves its storage.
func (t *tensor) check() (int, error) {
	n, err := weights.Elements(t.shape)
	if err != nil {
		return 0, err
	}
	if n == 0 {
		return 0, nil
	}
	last := t.offset
	for i, d := range t.shape {
		if t.stride[i] < 0 || d > 1 && t.stride[i] > (t.storage.elements-1-last)/(d-1) {
			return 0, fmt.Errorf("shape %v, strides %v and offset %d leave its storage of %d elements", t.shape, t.stride, t.offset, t.storage.elements)
		}
		last += (d - 1) * t.stride[i]
	}
	if last >= t.storage.elements {
		return 0, fmt.Errorf("shape %v and offset %d leave its storage of %d elements", t.shape, t.offset, t.storage.elements)
	}
	size := t.storage.dtype.Size()
	if bytes := n * size; bytes/size == n {
		return bytes, nil
	}
	return 0, errors.New("it has too many elements")
}

// contiguous reports whether the elements are in row-major order without gaps.
func (t *tensor) contiguous() bool {
	step := 1
	for i := len(t.shape) - 1; i >= 0; i-- {
		if t.shape[i] != 1 && t.stride[i] != step {
			return false
		}
		step *= t.shape[i]
	}
	return true
}

// gather returns the elements in row-major order. data is the content of the storage.
// The tensor must have passed check.
func (t *tensor) gather(data []byte) []byte {
	n, _ := weights.Elements(t.shape)
	if n == 0 {
		return []byte{}
	}
	size := t.storage.dtype.Size()
	if t.contiguous() {
		return data[t.offset*size:][: n*size : n*size]
	}
	out := make([]byte, 0, n*size)
	index := make([]int, len(t.shape))
	at := t.offset
	for range n {
		out = append(out, data[at*size:][:size]...)
		for i := len(index) - 1; i >= 0; i-- {
			index[i]++
			at += t.stride[i]
			if index[i] < t.shape[i] {
				break
			}
			at -= index[i] * t.stride[i]
			index[i] = 0
		}
	}
	return out
}

// describe says what a value is, for messages.
func describe(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool, int64, float64:
		return fmt.Sprintf("the value %v", v)
	case string:
		return "a text"
	case *object:
		return "an object of " + v.class.String()
	case global:
		return "the name " + v.String()
	case *oddTensor:
		return v.why
	case *dict:
		return "a dict"
	case *list, tuple:
		return "a list"
	}
	return "something else"
}
