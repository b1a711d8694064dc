package onnx

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// field is one field of a protobuf message. Its bytes alias the file.
type field struct {
	number, wire int
	// number64 holds the value of a varint or of a fixed-width number.
	number64 uint64
	// bytes holds a length-delimited value, or the bytes of the number.
	bytes []byte
}

// errCut is returned for messages that end within a field.
var errCut = errors.New("the message ends within a field: the file is cut or damaged")

// next splits the first field off a message.
func next(b []byte) (f field, rest []byte, err error) {
	tag, n := binary.Uvarint(b)
	if n <= 0 || tag>>3 == 0 || tag>>3 > math.MaxInt32 {
		return f, nil, errCut
	}
	b = b[n:]
	f.number, f.wire = int(tag>>3), int(tag&7)
	size := 0
	switch f.wire {
	case wireVarint:
		if f.number64, size = binary.Uvarint(b); size <= 0 {
			return f, nil, errCut
		}
	case wireFixed8:
		if size = 8; len(b) >= size {
			f.number64 = binary.LittleEndian.Uint64(b)
		}
	case wireFixed4:
		if size = 4; len(b) >= size {
			f.number64 = uint64(binary.LittleEndian.Uint32(b))
		}
	case wireBytes:
		length, n := binary.Uvarint(b)
		if n <= 0 || length > uint64(len(b)-n) {
			return f, nil, errCut
		}
		b, size = b[n:], int(length)
	default:
		return f, nil, fmt.Errorf("field %d has wire type %d: this is no ONNX file", f.number, f.wire)
	}
	if len(b) < size {
		return f, nil, errCut
	}
	f.bytes = b[:size:size]
	return f, b[size:], nil
}

// each calls visit for every field of a message, in order.
func each(b []byte, visit func(field) error) error {
	for len(b) > 0 {
		f, rest, err := next(b)
		if err != nil {
			return err
		}
		if err := visit(f); err != nil {
			return err
		}
		b = rest
	}
	return nil
}

// int returns the value of an integer field.
func (f field) int() (int64, error) {
	if f.wire != wireVarint {
		return 0, f.mismatch("an integer")
	}
	return int64(f.number64), nil
}

// float returns the value of a float32 field.
func (f field) float() (float64, error) {
	if f.wire != wireFixed4 {
		return 0, f.mismatch("a float")
	}
	return float64(math.Float32frombits(uint32(f.number64))), nil
}

// message returns the bytes of a message or string.
func (f field) message() ([]byte, error) {
	if f.wire != wireBytes {
		return nil, f.mismatch("a message")
	}
	return f.bytes, nil
}

// text returns a copy of a string.
func (f field) text() (string, error) {
	b, err := f.message()
	return string(b), err
}

// numbers returns the wire bytes of a repeated number. They have the same form
// whether the numbers are packed or this field holds one of them.
func (f field) numbers(wire int) ([]byte, error) {
	if f.wire != wire && f.wire != wireBytes {
		return nil, f.mismatch("a list of numbers")
	}
	return f.bytes, nil
}

// appendInts appends the integers of a repeated field.
func (f field) appendInts(to []int64) ([]int64, error) {
	b, err := f.numbers(wireVarint)
	if err != nil {
		return nil, err
	}
	for len(b) > 0 {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			return nil, errCut
		}
		to, b = append(to, int64(v)), b[n:]
	}
	return to, nil
}

// appendFloats appends the float32 numbers of a repeated field.
func (f field) appendFloats(to []float64) ([]float64, error) {
	b, err := f.numbers(wireFixed4)
	if err != nil {
		return nil, err
	}
	if len(b)%4 != 0 {
		return nil, errCut
	}
	for ; len(b) > 0; b = b[4:] {
		to = append(to, float64(math.Float32frombits(binary.LittleEndian.Uint32(b))))
	}
	return to, nil
}

func (f field) mismatch(want string) error {
	return fmt.Errorf("field %d has wire type %d, not that of %s: this is no ONNX file", f.number, f.wire, want)
}
