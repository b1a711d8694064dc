// Package onnxtest builds small ONNX files for tests, also broken ones. Each function
// returns the bytes of one protobuf field.
//
//	b := onnxtest.Model(17, onnxtest.Input("x", 1, 4), onnxtest.Output("y"),
//		onnxtest.Node("Relu", "x", "y"))
package onnxtest

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Int returns an integer field.
func Int(field int, v int64) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(nil, uint64(field)<<3), uint64(v))
}

// Float returns a float32 field.
func Float(field int, v float64) []byte {
	return binary.LittleEndian.AppendUint32(binary.AppendUvarint(nil, uint64(field)<<3|5), math.Float32bits(float32(v)))
}

// Message returns a field that holds the parts, one after the other.
func Message(field int, parts ...[]byte) []byte {
	body := slices.Concat(parts...)
	b := binary.AppendUvarint(nil, uint64(field)<<3|2)
	return append(binary.AppendUvarint(b, uint64(len(body))), body...)
}

// Text returns a field that holds a string.
func Text(field int, s string) []byte { return Message(field, []byte(s)) }

// Model returns a file with a graph of these parts and one operator set.
func Model(opset int, parts ...[]byte) []byte {
	return slices.Concat(Int(1, 8), Graph(7, parts...), Opset("", opset))
}

// Opset returns the import of an operator set.
func Opset(domain string, version int) []byte {
	return Message(8, Text(1, domain), Int(2, int64(version)))
}

// Graph returns a field that holds a graph.
func Graph(field int, parts ...[]byte) []byte { return Message(field, parts...) }

// Node returns a node of a graph. Inputs and outputs are names with spaces between
// them; "-" stands for an input that is left out. Attributes come from [Attribute].
func Node(op, inputs, outputs string, attributes ...[]byte) []byte {
	parts := append(names(1, inputs), names(2, outputs)...)
	parts = append(parts, Text(4, op))
	return Message(1, append(parts, attributes...)...)
}

func names(field int, list string) (fields [][]byte) {
	for name := range strings.FieldsSeq(list) {
		if name == "-" {
			name = ""
		}
		fields = append(fields, Text(field, name))
	}
	return fields
}

// Attribute returns an attribute of a node: an int, float64, string, []int or
// []float64, or a []byte from [Tensor] or [Graph] with field 5 or 6. It panics for
// other types.
func Attribute(name string, value any) []byte {
	parts := [][]byte{Text(1, name)}
	switch v := value.(type) {
	case int:
		parts = append(parts, Int(3, int64(v)), Int(20, 2))
	case float64:
		parts = append(parts, Float(2, v), Int(20, 1))
	case string:
		parts = append(parts, Text(4, v), Int(20, 3))
	case []int:
		for _, x := range v {
			parts = append(parts, Int(8, int64(x)))
		}
		parts = append(parts, Int(20, 7))
	case []float64:
		for _, x := range v {
			parts = append(parts, Float(7, x))
		}
		parts = append(parts, Int(20, 6))
	case []byte:
		kind := int64(4)
		if v[0]>>3 == 6 {
			kind = 5
		}
		parts = append(parts, v, Int(20, kind))
	default:
		panic(fmt.Sprintf("onnxtest: an attribute of type %T", value))
	}
	return Message(5, parts...)
}

// Input returns an input of a graph of float32. A side of -1 has no size.
func Input(name string, shape ...int) []byte { return value(11, name, shape) }

// Output returns an output of a graph of float32.
func Output(name string, shape ...int) []byte { return value(12, name, shape) }

func value(field int, name string, shape []int) []byte {
	var dims [][]byte
	for _, d := range shape {
		if d < 0 {
			dims = append(dims, Message(1))
			continue
		}
		dims = append(dims, Message(1, Int(1, int64(d))))
	}
	return Message(field, Text(1, name), Message(2, Message(1, Int(1, 1), Message(2, dims...))))
}

// Tensor returns a tensor with the given data fields: an initializer if field is 5 in
// a graph, or the value of an [Attribute].
func Tensor(field int, name string, elem int, shape []int, data ...[]byte) []byte {
	parts := [][]byte{Int(2, int64(elem)), Text(8, name)}
	for _, d := range shape {
		parts = append(parts, Int(1, int64(d)))
	}
	return Message(field, append(parts, data...)...)
}

// Floats returns an initializer of float32.
func Floats(name string, shape []int, v ...float32) []byte {
	var raw []byte
	for _, x := range v {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
	}
	return Tensor(5, name, 1, shape, Message(9, raw))
}

// Ints returns an initializer of int64 with one dimension.
func Ints(name string, v ...int64) []byte {
	var raw []byte
	for _, x := range v {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(x))
	}
	return Tensor(5, name, 7, []int{len(v)}, Message(9, raw))
}
