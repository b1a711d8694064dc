package graph

import (
	"encoding/binary"
	"fmt"
	"hash"
	"hash/fnv"
	"math"

	"github.com/chewxy/hm"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// op is an operation of a tape, as gorgonia sees it: a function from the data of its
// inputs to the data of its output, whose memory is planned (arena.go).
type op struct {
	tape *tape
	// name describes the operation and its layer in errors.
	name     string
	node     *nn.Node
	backward bool
	// id makes the hashes of operations differ. Gorgonia merges operations of one hash.
	id  uint32
	in  []*value
	out *value
	// run computes the output. A panic becomes an error of the step.
	run func(out []float32, in [][]float32)
}

var _ gorgonia.Op = (*op)(nil)

// Do runs the operation, unless the context has ended.
func (o *op) Do(in ...gorgonia.Value) (v gorgonia.Value, err error) {
	// Gorgonia wraps errors so that errors.Is and errors.As no longer find them.
	defer func() { o.tape.failure = err }()
	if err := o.tape.ctx.Err(); err != nil {
		return nil, err
	}
	// A panic on gorgonia's goroutine would end the process.
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%s: internal error: %v", o.name, r)
		}
	}()
	data := make([][]float32, len(in))
	for i, v := range in {
		data[i] = o.in[i].data(v)
	}
	out := o.out.data(o.out.dense)
	o.run(out, data)
	if o.tape.watch && !finite(out) {
		return nil, &NaNError{Layer: layerName(o.node), Backward: o.backward}
	}
	return o.out.dense, nil
}

// finite reports whether no value is NaN or infinite.
func finite(x []float32) bool {
	for _, v := range x {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return false
		}
	}
	return true
}

// Arity returns the number of inputs.
func (o *op) Arity() int { return len(o.in) }

// Type is a function of float32 tensors.
func (o *op) Type() hm.Type {
	a := hm.TypeVariable('a')
	var types []hm.Type
	for _, v := range append(o.in[:len(o.in):len(o.in)], o.out) {
		types = append(types, gorgonia.TensorType{Dims: len(v.dims), Of: a})
	}
	return hm.NewFnType(types...)
}

// InferShape returns the output's shape.
func (o *op) InferShape(...gorgonia.DimSizer) (tensor.Shape, error) { return o.out.dims.Clone(), nil }

// ReturnsPtr reports that outputs are passed by reference.
func (o *op) ReturnsPtr() bool { return true }

// CallsExtern reports false: the operation calls no external library.
func (o *op) CallsExtern() bool { return false }

// OverwritesInput returns -1: gorgonia must not reuse the memory of an input, as arena.go
// plans that.
func (o *op) OverwritesInput() int { return -1 }

// WriteHash writes the id, which is unique in the graph.
func (o *op) WriteHash(h hash.Hash) { binary.Write(h, binary.LittleEndian, o.id) }

// Hashcode returns the hash of what WriteHash writes.
func (o *op) Hashcode() uint32 {
	h := fnv.New32a()
	o.WriteHash(h)
	return h.Sum32()
}

// String returns the name.
func (o *op) String() string { return o.name }
