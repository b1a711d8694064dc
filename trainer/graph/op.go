package graph

import (
	"encoding/binary"
	"fmt"
	"hash"
	"hash/fnv"
	"math"

	"github.com/chewxy/hm"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

// op is an operation of ours as gorgonia knows it: a function from the data of
// its inputs to that of its output, whose memory is planned (see plan.go).
type op struct {
	tape *tape
	// name says what is computed, of which layer and whether on the way back.
	name     string
	node     *nn.Node
	backward bool
	// id makes operations differ, which gorgonia would take for one otherwise.
	id  uint32
	in  []*value
	out *value
	// run computes the output. It may panic: an error of the step comes of it.
	run func(out []float32, in [][]float32)
}

var _ gorgonia.Op = (*op)(nil)

// Do runs the operation, unless the step has ended.
func (o *op) Do(in ...gorgonia.Value) (v gorgonia.Value, err error) {
	// Gorgonia wraps an error in such a way that it can't be told any more.
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

// ReturnsPtr tells that outputs are passed by reference.
func (o *op) ReturnsPtr() bool { return true }

// CallsExtern tells that gorgonia need not provide the output's memory.
func (o *op) CallsExtern() bool { return false }

// OverwritesInput tells that gorgonia must not reuse an input's memory: the
// plan does.
func (o *op) OverwritesInput() int { return -1 }

// WriteHash writes what tells this operation from all others of the graph.
func (o *op) WriteHash(h hash.Hash) { binary.Write(h, binary.LittleEndian, o.id) }

// Hashcode is the hash of WriteHash.
func (o *op) Hashcode() uint32 {
	h := fnv.New32a()
	o.WriteHash(h)
	return h.Sum32()
}

// String returns what the operation computes.
func (o *op) String() string { return o.name }
