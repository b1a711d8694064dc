// Package npy reads and writes NumPy's .npy files, format versions 1.0 to 3.0.
//
//	err := npy.WriteFloat32(w, []int{2, 3}, []float32{1, 2, 3, 4, 5, 6})
//	data, shape, err := npy.ReadFloat32(r)
//
// A file is
//
//	bytes 0-5   "\x93NUMPY"
//	byte  6-7   version, major and minor
//	bytes 8-9   N, little-endian (version 2 and 3: bytes 8-11)
//	N bytes     {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), },
//	            padded with spaces and ended by a newline, so that the data
//	            begins at a multiple of 64
//	the rest    the elements in row-major order
//
// A file too large for memory is read by [Open] and [File.ReadAt], and written by
// [WriteHeader] and [AppendFloat32s].
//
// [ReadFloat32] and [File.ReadAt] read little-endian f2, f4 and f8. [ReadInts] reads
// booleans, integers of every size, and whole numbers among f2, f4 and f8, in either
// byte order. Both read arrays in C and in Fortran order.
//
// The package refuses objects, texts, dates, complex numbers, structured arrays and
// archives (.npz), and names them in the error. It also refuses headers over 64 KiB,
// and files that are too short or too long. Memory grows with the data in the file,
// whatever the header says.
package npy

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/deploy-kernel/deploy-kernel/runtime/half"
)

// DType is the type of an array's elements.
type DType uint8

// The element types.
const (
	Float32 DType = iota
	Float16
	Float64
	Uint8
	Int8
	Uint16
	Int16
	Uint32
	Int32
	Uint64
	Int64
	Bool
)

var dtypes = [...]struct {
	code string // kind and bytes, as .npy headers spell them
	size int
}{
	{"f4", 4},
	{"f2", 2},
	{"f8", 8},
	{"u1", 1},
	{"i1", 1},
	{"u2", 2},
	{"i2", 2},
	{"u4", 4},
	{"i4", 4},
	{"u8", 8},
	{"i8", 8},
	{"b1", 1},
}

// descr returns the type as .npy headers spell it, e.g. "<f4".
func (d DType) descr(bigEndian bool) string {
	t := dtypes[d]
	switch {
	case t.size == 1:
		return "|" + t.code
	case bigEndian:
		return ">" + t.code
	}
	return "<" + t.code
}

// Float reports whether the elements are floating-point numbers.
func (d DType) Float() bool { return d <= Float64 }

// Size returns the bytes of one element.
func (d DType) Size() int { return dtypes[d].size }

// Header describes the array of a file.
type Header struct {
	DType DType
	Shape []int
	// BigEndian is true if the most significant byte of an element comes first.
	BigEndian bool
	// Fortran is true if the first index changes fastest, not the last one.
	Fortran bool
}

// CheckFloat returns an error unless [ReadFloat32] reads this element type.
func (h Header) CheckFloat() error {
	switch {
	case !h.DType.Float():
		return fmt.Errorf("the elements are %s, not floating-point numbers; save the predictions as float32", h.DType.descr(h.BigEndian))
	case h.BigEndian:
		return fmt.Errorf("the elements are %s, which is big-endian; save a.astype(\"<f4\")", h.DType.descr(true))
	}
	return nil
}

// Len returns the number of elements.
func (h Header) Len() int {
	n := 1
	for _, d := range h.Shape {
		n *= d
	}
	return n
}

// block is the number of elements that are converted at a time.
const block = 1 << 14

// ReadFloat32s reads the next len(dst) elements of r into dst, in the order of the
// file. It widens f2 and rounds f8 to float32. It refuses the types that
// [Header.CheckFloat] refuses.
func (h Header) ReadFloat32s(r io.Reader, dst []float32) error {
	if err := h.CheckFloat(); err != nil {
		return fmt.Errorf("reading npy: %w", err)
	}
	return readBlocks(r, dst, h.DType.Size(), h.floats)
}

// readBlocks reads the next len(dst) elements of size bytes from r. decode converts a
// block of them.
func readBlocks[T any](r io.Reader, dst []T, size int, decode func(dst []T, src []byte) error) error {
	buf := make([]byte, min(block, len(dst))*size)
	for len(dst) > 0 {
		n := min(block, len(dst))
		if err := readFull(r, buf[:n*size]); err != nil {
			return err
		}
		if err := decode(dst[:n], buf); err != nil {
			return fmt.Errorf("reading npy: %w", err)
		}
		dst = dst[n:]
	}
	return nil
}

// floats decodes little-endian floating-point elements.
func (h Header) floats(dst []float32, src []byte) error {
	switch h.DType {
	case Float16:
		for i := range dst {
			dst[i] = half.FromF16(binary.LittleEndian.Uint16(src[2*i:]))
		}
	case Float32:
		for i := range dst {
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
		}
	case Float64:
		for i := range dst {
			dst[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(src[8*i:])))
		}
	}
	return nil
}

// ReadFloat32 reads a whole file of floating-point numbers, and returns them in
// row-major order with their shape.
func ReadFloat32(r io.Reader) (data []float32, shape []int, err error) {
	h, err := ReadHeader(r)
	if err != nil {
		return nil, nil, err
	}
	return readAll(r, h, h.ReadFloat32s)
}

// readAll reads the elements that follow h, and checks that no data follows them. It
// returns them in row-major order. The result grows as data arrives, so a header
// can't make it allocate more than twice the size of the file.
func readAll[T any](r io.Reader, h Header, read func(io.Reader, []T) error) (data []T, shape []int, err error) {
	n := h.Len()
	data = make([]T, 0, min(n, 64*block))
	for len(data) < n {
		if len(data) == cap(data) {
			grown := make([]T, len(data), min(n, 2*cap(data)))
			copy(grown, data)
			data = grown
		}
		free := data[len(data):cap(data)]
		if err := read(r, free); err != nil {
			return nil, nil, err
		}
		data = data[:cap(data)]
	}
	var extra [1]byte
	if k, _ := io.ReadFull(r, extra[:]); k > 0 {
		return nil, nil, fmt.Errorf("reading npy: more data follows the %d elements", n)
	}
	return rowMajor(h, data), h.Shape, nil
}

// readFull fills b; an early end is an error.
func readFull(r io.Reader, b []byte) error {
	_, err := io.ReadFull(r, b)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return fmt.Errorf("reading npy: %w", err)
	}
	return nil
}

// WriteFloat32 writes an array of type f4.
func WriteFloat32(w io.Writer, shape []int, data []float32) error {
	h := Header{DType: Float32, Shape: shape}
	if err := h.fits(len(data)); err != nil {
		return err
	}
	if err := WriteHeader(w, h); err != nil {
		return err
	}
	return AppendFloat32s(w, data)
}

// WriteUint8 writes an array of type u1.
func WriteUint8(w io.Writer, shape []int, data []uint8) error {
	h := Header{DType: Uint8, Shape: shape}
	if err := h.fits(len(data)); err != nil {
		return err
	}
	if err := WriteHeader(w, h); err != nil {
		return err
	}
	if _, err := w.Write(data); err != nil {
		return fmt.Errorf("writing npy: %w", err)
	}
	return nil
}

func (h Header) fits(n int) error {
	if err := h.check(); err != nil {
		return fmt.Errorf("writing npy: %w", err)
	}
	if h.Len() != n {
		return fmt.Errorf("writing npy: %d elements for a shape of %v", n, h.Shape)
	}
	return nil
}

// AppendFloat32s writes elements of type f4. After [WriteHeader], several calls write
// a file in pieces.
func AppendFloat32s(w io.Writer, data []float32) error {
	buf := make([]byte, 0, 4*min(block, len(data)))
	for len(data) > 0 {
		n := min(block, len(data))
		buf = buf[:0]
		for _, v := range data[:n] {
			buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(v))
		}
		if _, err := w.Write(buf); err != nil {
			return fmt.Errorf("writing npy: %w", err)
		}
		data = data[n:]
	}
	return nil
}
