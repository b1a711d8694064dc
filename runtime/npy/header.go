package npy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

const (
	magic     = "\x93NUMPY"
	maxHeader = 1 << 16
	maxRank   = 32 // NumPy's NPY_MAXDIMS
	alignment = 64
)

// WriteHeader writes a header of version 1.0. The caller writes the elements after
// it.
func WriteHeader(w io.Writer, h Header) error {
	if err := h.check(); err != nil {
		return fmt.Errorf("writing npy: %w", err)
	}
	var sides strings.Builder
	for i, d := range h.Shape {
		if i > 0 {
			sides.WriteByte(' ')
		}
		sides.WriteString(strconv.Itoa(d) + ",")
	}
	shape := sides.String()
	if len(h.Shape) > 1 {
		shape = strings.TrimSuffix(shape, ",")
	}
	order := "False"
	if h.Fortran {
		order = "True"
	}
	dict := fmt.Sprintf("{'descr': '%s', 'fortran_order': %s, 'shape': (%s), }", h.DType.descr(h.BigEndian), order, shape)
	length := len(magic) + 4 + len(dict) + 1
	dict += strings.Repeat(" ", (alignment-length%alignment)%alignment) + "\n"
	b := append([]byte(magic), 1, 0)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(dict)))
	if _, err := w.Write(append(b, dict...)); err != nil {
		return fmt.Errorf("writing npy: %w", err)
	}
	return nil
}

// check returns an error if memory can't hold an array of this shape.
func (h Header) check() error {
	if int(h.DType) >= len(dtypes) {
		return errors.New("unknown element type")
	}
	if len(h.Shape) > maxRank {
		return fmt.Errorf("%d dimensions, %d at most", len(h.Shape), maxRank)
	}
	n := h.DType.Size()
	for _, d := range h.Shape {
		if d < 0 || d > 0 && n > math.MaxInt/d {
			return fmt.Errorf("a shape of %v", h.Shape)
		}
		n *= d
	}
	return nil
}

// ReadHeader reads a header, and leaves r at the first element.
func ReadHeader(r io.Reader) (Header, error) {
	h, err := readHeader(r)
	if err != nil {
		return Header{}, fmt.Errorf("reading npy header: %w", err)
	}
	return h, nil
}

func readHeader(r io.Reader) (Header, error) {
	var start [10]byte
	if n, err := io.ReadFull(r, start[:]); err != nil || string(start[:6]) != magic {
		switch {
		case n == 0:
			return Header{}, errors.New("the file is empty")
		case strings.HasPrefix(string(start[:n]), "PK\x03\x04"):
			return Header{}, errors.New("not a .npy file but an archive (.npz); save its one array with numpy.save")
		}
		return Header{}, errors.New("not a .npy file")
	}
	length := int(binary.LittleEndian.Uint16(start[8:]))
	switch major, minor := start[6], start[7]; {
	case minor != 0 || major < 1 || major > 3:
		return Header{}, fmt.Errorf("version %d.%d is unknown", major, minor)
	case major > 1:
		var more [2]byte
		if _, err := io.ReadFull(r, more[:]); err != nil {
			return Header{}, io.ErrUnexpectedEOF
		}
		length |= int(binary.LittleEndian.Uint16(more[:])) << 16
	}
	if length > maxHeader {
		return Header{}, fmt.Errorf("%d bytes, %d at most", length, maxHeader)
	}
	text := make([]byte, length)
	if _, err := io.ReadFull(r, text); err != nil {
		return Header{}, io.ErrUnexpectedEOF
	}
	h, err := parse(string(text))
	if err == nil {
		err = h.check()
	}
	return h, err
}

// scanner scans the Python literal of a header.
type scanner struct{ rest string }

func (s *scanner) space() { s.rest = strings.TrimLeft(s.rest, " \n") }

// take consumes text if it comes next. It reports whether it did.
func (s *scanner) take(text string) bool {
	s.space()
	rest, ok := strings.CutPrefix(s.rest, text)
	s.rest = rest
	return ok
}

func (s *scanner) fail(want string) error {
	near := s.rest
	if len(near) > 20 {
		near = near[:20]
	}
	return fmt.Errorf("%s expected at %q", want, near)
}

func (s *scanner) text() (string, error) {
	quote := "'"
	if !s.take(quote) {
		quote = `"`
		if !s.take(quote) {
			return "", s.fail("a string")
		}
	}
	text, rest, ok := strings.Cut(s.rest, quote)
	if !ok {
		return "", s.fail("the end of a string")
	}
	s.rest = rest
	return text, nil
}

// parse reads the dict of a header: three keys in any order, each once.
func parse(text string) (Header, error) {
	s := &scanner{text}
	var h Header
	var seen [3]bool
	if !s.take("{") {
		return h, s.fail("{")
	}
	for !s.take("}") {
		key, err := s.text()
		if err != nil {
			return h, err
		}
		if !s.take(":") {
			return h, s.fail(":")
		}
		var field int
		switch key {
		case "descr":
			h.DType, h.BigEndian, err = s.dtype()
		case "fortran_order":
			field = 1
			h.Fortran, err = s.fortran()
		case "shape":
			field = 2
			h.Shape, err = s.shape()
		default:
			err = fmt.Errorf("unknown key %q", key)
		}
		if err == nil && seen[field] {
			err = fmt.Errorf("the key %q appears twice", key)
		}
		if err != nil {
			return h, err
		}
		seen[field] = true
		if !s.take(",") && !strings.HasPrefix(strings.TrimLeft(s.rest, " \n"), "}") {
			return h, s.fail(", or }")
		}
	}
	if s.space(); s.rest != "" {
		return h, s.fail("the end")
	}
	if seen != [3]bool{true, true, true} {
		return h, errors.New("the keys descr, fortran_order and shape are required")
	}
	return h, nil
}

// kinds names the element types that are not read, by their letter.
var kinds = map[byte]string{
	'O': "Python objects, which NumPy pickles",
	'U': "texts", 'S': "texts", 'a': "texts", 'V': "raw bytes",
	'c': "complex numbers", 'M': "dates", 'm': "times",
}

// dtype reads the type of the elements, and whether they are big-endian.
func (s *scanner) dtype() (d DType, bigEndian bool, err error) {
	if s.take("[") {
		return 0, false, errors.New("elements of several fields (a structured array); save the one array of numbers that is meant")
	}
	descr, err := s.text()
	if err != nil {
		return 0, false, err
	}
	code := strings.TrimLeft(descr, "<>=|")
	for i, t := range dtypes {
		if t.code == code && len(descr) == len(code)+1 {
			return DType(i), descr[0] == '>', nil
		}
	}
	if code != "" && kinds[code[0]] != "" {
		return 0, false, fmt.Errorf("elements of type %q, %s; only numbers are read", descr, kinds[code[0]])
	}
	return 0, false, fmt.Errorf("elements of type %q; only integers, f2, f4 and f8 are read", descr)
}

func (s *scanner) fortran() (bool, error) {
	switch {
	case s.take("False"):
		return false, nil
	case s.take("True"):
		return true, nil
	}
	return false, s.fail("True or False")
}

func (s *scanner) shape() ([]int, error) {
	if !s.take("(") {
		return nil, s.fail("(")
	}
	shape := []int{}
	for !s.take(")") {
		s.space()
		end := 0
		for end < len(s.rest) && s.rest[end] >= '0' && s.rest[end] <= '9' {
			end++
		}
		d, err := strconv.Atoi(s.rest[:end])
		if err != nil {
			return nil, s.fail("a size")
		}
		s.rest = s.rest[end:]
		if shape = append(shape, d); len(shape) > maxRank {
			return nil, fmt.Errorf("more than %d dimensions", maxRank)
		}
		s.take("L") // the suffix of long integers in Python 2
		if comma := s.take(","); !comma && len(shape) == 1 || !comma && !strings.HasPrefix(s.rest, ")") {
			return nil, s.fail(",")
		}
	}
	return shape, nil
}
