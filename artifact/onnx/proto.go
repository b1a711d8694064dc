package onnx

import (
	"encoding/binary"
	"math"
)

// message is a protobuf message under construction (Protocol Buffers documentation,
// "Encoding").
type message []byte

// The wire types of protobuf. ONNX files do not use its groups, types 3 and 4.
const (
	wireVarint = 0
	wireFixed8 = 1
	wireBytes  = 2
	wireFixed4 = 5
)

func (m *message) tag(field, wire int) {
	*m = binary.AppendUvarint(*m, uint64(field)<<3|uint64(wire))
}

func (m *message) int(field int, v int64) {
	m.tag(field, wireVarint)
	*m = binary.AppendUvarint(*m, uint64(v))
}

func (m *message) float(field int, v float64) {
	m.tag(field, wireFixed4)
	*m = binary.LittleEndian.AppendUint32(*m, math.Float32bits(float32(v)))
}

func (m *message) text(field int, v string) {
	m.open(field, len(v))
	*m = append(*m, v...)
}

func (m *message) message(field int, v message) { m.text(field, string(v)) }

// open begins a field; length bytes must follow.
func (m *message) open(field, length int) {
	m.tag(field, wireBytes)
	*m = binary.AppendUvarint(*m, uint64(length))
}

// The fields of the messages, and values of their enumerations (onnx.proto of
// ONNX 1.22, IR version 13).
const (
	modelIRVersion     = 1
	modelProducer      = 2
	modelGraph         = 7
	modelOpset         = 8
	modelMetadata      = 14
	modelFunctions     = 25
	opsetDomain        = 1
	opsetVersion       = 2
	entryKey           = 1
	entryValue         = 2
	graphNode          = 1
	graphName          = 2
	graphInitializer   = 5
	graphInput         = 11
	graphOutput        = 12
	graphSparse        = 15
	nodeInput          = 1
	nodeOutput         = 2
	nodeName           = 3
	nodeOpType         = 4
	nodeAttribute      = 5
	nodeDomain         = 7
	nodeOverload       = 8
	functionName       = 1
	functionInput      = 4
	functionOutput     = 5
	functionNode       = 7
	functionOpset      = 9
	functionDomain     = 10
	functionDefault    = 11
	functionOverload   = 13
	attributeName      = 1
	attributeFloat     = 2
	attributeInt       = 3
	attributeString    = 4
	attributeTensor    = 5
	attributeGraph     = 6
	attributeFloats    = 7
	attributeInts      = 8
	attributeStrings   = 9
	attributeType      = 20
	attributeReference = 21
	attributeTypeFloat = 1
	attributeTypeInt   = 2
	attributeTypeInts  = 7
	tensorDims         = 1
	tensorType         = 2
	tensorSegment      = 3
	tensorFloats       = 4
	tensorInt32s       = 5
	tensorStrings      = 6
	tensorInt64s       = 7
	tensorName         = 8
	tensorRaw          = 9
	tensorDoubles      = 10
	tensorUint64s      = 11
	tensorExternal     = 13
	tensorLocation     = 14
	tensorTypeFloat    = 1
	tensorTypeInt64    = 7
	valueName          = 1
	valueType          = 2
	typeTensor         = 1
	tensorTypeElem     = 1
	tensorTypeShape    = 2
	shapeDim           = 1
	dimValue           = 1
	dimParam           = 2
)

// value returns a ValueInfoProto of float32. A negative side is the batch's.
func value(name string, shape ...int) message {
	var dims message
	for _, d := range shape {
		var dim message
		if d < 0 {
			dim.text(dimParam, "N")
		} else {
			dim.int(dimValue, int64(d))
		}
		dims.message(shapeDim, dim)
	}
	var tensor, typ, v message
	tensor.int(tensorTypeElem, tensorTypeFloat)
	tensor.message(tensorTypeShape, dims)
	typ.message(typeTensor, tensor)
	v.text(valueName, name)
	v.message(valueType, typ)
	return v
}

// tensorHead returns a TensorProto up to its raw data, whose bytes must follow.
func tensorHead(name string, elem int64, shape []int, bytes int) message {
	var t message
	for _, d := range shape {
		t.int(tensorDims, int64(d))
	}
	t.int(tensorType, elem)
	t.text(tensorName, name)
	t.open(tensorRaw, bytes)
	return t
}

// attribute adds an attribute to a node.
type attribute func(*message)

func ints(name string, vs ...int) attribute {
	return func(node *message) {
		var a message
		a.text(attributeName, name)
		for _, v := range vs {
			a.int(attributeInts, int64(v))
		}
		a.int(attributeType, attributeTypeInts)
		node.message(nodeAttribute, a)
	}
}

func integer(name string, v int) attribute {
	return func(node *message) {
		var a message
		a.text(attributeName, name)
		a.int(attributeInt, int64(v))
		a.int(attributeType, attributeTypeInt)
		node.message(nodeAttribute, a)
	}
}

func float(name string, v float64) attribute {
	return func(node *message) {
		var a message
		a.text(attributeName, name)
		a.float(attributeFloat, v)
		a.int(attributeType, attributeTypeFloat)
		node.message(nodeAttribute, a)
	}
}
