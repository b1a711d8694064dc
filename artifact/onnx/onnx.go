// Package onnx reads and writes ONNX files.
//
// [Write] writes a network with its weights, which other runtimes can run:
//
//	err := onnx.Write(w, g, params, onnx.Options{Metadata: file.Metadata()})
//
// The file has IR version 8 and operator set 17. Its input "input" is a batch of
// normalized images, (N, 3, H, W). Its output "logits" is (N, classes). Parameters
// keep their state-dict names, and batch norms stay separate. Write refuses files over
// protobuf's limit of 2 GB. It also refuses average pools in ceil mode that count
// their padding, which ONNX divides differently from PyTorch.
//
// [Open] reads any network of IR version 3 to 13 and operator set 1 to 27:
//
//	m, err := onnx.Open("model.onnx")
//	for _, n := range m.Graph.Nodes { … }
//
// It expands function calls and sorts nodes. Data stay in the file's bytes until
// [Tensor.Bytes] asks for them. External data must lie in the model's folder or below.
//
// Open trusts nothing. It bounds the number of nodes, of names and of nested graphs,
// and allocates little more than the size of the file. It refuses cycles, values that
// are made twice or never, sparse initializers, and data that do not match type and
// shape. It does not know operators: package importer/reference does.
package onnx

import (
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

// Params returns weights by name.
type Params interface {
	Float32(name string) (data []float32, shape []int, err error)
}

// Options hold what a file may contain besides the network.
type Options struct {
	// Metadata is copied into the file.
	Metadata map[string]string
}

const (
	irVersion    = 8
	opsetWritten = 17
)

// Write writes the network to w. Equal networks give equal bytes.
func Write(w io.Writer, g *nn.Graph, p Params, o Options) error {
	if err := write(w, g, p, o); err != nil {
		return fmt.Errorf("writing %s as ONNX: %w", g.Arch, err)
	}
	return nil
}

func write(w io.Writer, g *nn.Graph, p Params, o Options) error {
	graph, err := lower(g)
	if err != nil {
		return err
	}
	// The length of a message comes before it, so compute the graph's first.
	params := g.Params()
	var heads []message // the bytes before each parameter's data
	length := len(graph)
	for _, q := range params {
		n, err := weights.Elements(q.Shape)
		if err != nil {
			return err
		}
		tensor := tensorHead(q.Name, tensorTypeFloat, q.Shape, 4*n)
		var head message
		head.open(graphInitializer, len(tensor)+4*n)
		head = append(head, tensor...)
		heads = append(heads, head)
		length += len(head) + 4*n
	}
	if length > math.MaxInt32-1<<20 {
		return fmt.Errorf("%d bytes are more than a file can hold", length)
	}
	var model message
	model.int(modelIRVersion, irVersion)
	model.text(modelProducer, "deploy-kernel")
	var opset message
	opset.int(opsetVersion, opsetWritten)
	model.message(modelOpset, opset)
	for _, k := range slices.Sorted(maps.Keys(o.Metadata)) {
		var entry message
		entry.text(entryKey, k)
		entry.text(entryValue, o.Metadata[k])
		model.message(modelMetadata, entry)
	}
	model.open(modelGraph, length)
	model = append(model, graph...)
	if _, err := w.Write(model); err != nil {
		return err
	}
	for i, q := range params {
		if _, err := w.Write(heads[i]); err != nil {
			return err
		}
		if err := writeParam(w, p, q); err != nil {
			return err
		}
	}
	return nil
}

func writeParam(w io.Writer, p Params, q nn.Param) error {
	data, shape, err := p.Float32(q.Name)
	if err != nil {
		return err
	}
	if !slices.Equal(shape, q.Shape) {
		return fmt.Errorf("%s has shape %v, the network's is %v", q.Name, shape, q.Shape)
	}
	b := make([]byte, 0, 4*len(data))
	for _, v := range data {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	_, err = w.Write(b)
	return err
}
