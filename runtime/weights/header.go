package weights

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
)

// maxHeader is the limit of the reference implementation (safetensors, tensor.rs:
// MAX_HEADER_SIZE).
const maxHeader = 100_000_000

// entry is a tensor of a header. begin and end count from the start of the data.
type entry struct {
	Info
	begin, end int64
}

// parseHeader parses the header of a file with size bytes of data.
func parseHeader(text []byte, size int64) ([]entry, map[string]string, error) {
	p := parser{json.NewDecoder(bytes.NewReader(text))}
	p.UseNumber()
	var entries []entry
	var metadata map[string]string
	names := map[string]bool{}
	err := p.object(func(key string) error {
		if names[key] {
			return fmt.Errorf("the name %q appears twice", key)
		}
		names[key] = true
		if key == metadataKey {
			var err error
			metadata, err = p.metadata()
			return err
		}
		e, err := p.entry(key)
		if err == nil {
			entries = append(entries, e)
		} else {
			err = fmt.Errorf("tensor %q: %w", key, err)
		}
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	if _, err := p.Token(); err != io.EOF {
		return nil, nil, errors.New("more data follows the JSON of the header")
	}
	return entries, metadata, tile(entries, size)
}

// tile returns an error unless the tensors cover the data exactly once.
func tile(entries []entry, size int64) error {
	byPlace := slices.Clone(entries)
	slices.SortStableFunc(byPlace, func(a, b entry) int {
		if a.begin != b.begin {
			return sign(a.begin - b.begin)
		}
		return sign(a.end - b.end)
	})
	at := int64(0)
	for _, e := range byPlace {
		if e.begin != at {
			return fmt.Errorf("tensor %q: its data begins at %d, not at %d where the one before ends", e.Name, e.begin, at)
		}
		at = e.end
	}
	if at != size {
		return fmt.Errorf("the tensors take %d bytes, the file has %d: it is damaged or incomplete", at, size)
	}
	return nil
}

func sign(n int64) int {
	if n < 0 {
		return -1
	}
	return int(min(n, 1))
}

// parser reads the few forms of JSON in a header.
type parser struct{ *json.Decoder }

func (p parser) expect(d json.Delim) error {
	tok, err := p.Token()
	if err != nil {
		return err
	}
	if tok != d {
		return fmt.Errorf("got %v, want %v", tok, d)
	}
	return nil
}

// object reads an object, and calls value at each key.
func (p parser) object(value func(key string) error) error {
	if err := p.expect('{'); err != nil {
		return err
	}
	for p.More() {
		key, err := p.text()
		if err != nil {
			return err
		}
		if err := value(key); err != nil {
			return err
		}
	}
	return p.expect('}')
}

func (p parser) text() (string, error) {
	tok, err := p.Token()
	if err != nil {
		return "", err
	}
	s, ok := tok.(string)
	if !ok {
		return "", fmt.Errorf("got %v, want a string", tok)
	}
	return s, nil
}

// ints reads an array of nonnegative integers.
func (p parser) ints() ([]int64, error) {
	if err := p.expect('['); err != nil {
		return nil, err
	}
	ints := []int64{}
	for p.More() {
		tok, err := p.Token()
		if err != nil {
			return nil, err
		}
		num, ok := tok.(json.Number)
		if !ok {
			return nil, fmt.Errorf("got %v, want a number", tok)
		}
		n, err := strconv.ParseInt(num.String(), 10, 64)
		if err != nil || n < 0 {
			return nil, fmt.Errorf("%v is not a size", num)
		}
		ints = append(ints, n)
	}
	return ints, p.expect(']')
}

func (p parser) metadata() (map[string]string, error) {
	m := map[string]string{}
	err := p.object(func(key string) error {
		if _, ok := m[key]; ok {
			return fmt.Errorf("metadata: the key %q appears twice", key)
		}
		v, err := p.text()
		m[key] = v
		return err
	})
	return m, err
}

func (p parser) entry(name string) (entry, error) {
	e := entry{Info: Info{Name: name}}
	var seen [3]bool
	var offsets []int64
	err := p.object(func(key string) error {
		var err error
		var field int
		switch key {
		case "dtype":
			var s string
			if s, err = p.text(); err == nil {
				e.DType, err = parseDType(s)
			}
		case "shape":
			field = 1
			var shape []int64
			shape, err = p.ints()
			e.Shape = make([]int, len(shape))
			for i, d := range shape {
				if d > math.MaxInt {
					return fmt.Errorf("%d is not a size", d)
				}
				e.Shape[i] = int(d)
			}
		case "data_offsets":
			field = 2
			offsets, err = p.ints()
		default:
			return fmt.Errorf("unknown field %q", key)
		}
		if err == nil && seen[field] {
			err = fmt.Errorf("the field %q appears twice", key)
		}
		seen[field] = true
		return err
	})
	if err != nil {
		return e, err
	}
	if seen != [3]bool{true, true, true} || len(offsets) != 2 {
		return e, errors.New("dtype, shape and two data_offsets are required")
	}
	e.begin, e.end = offsets[0], offsets[1]
	return e, e.check()
}

// check returns an error unless begin and end match the shape and the type.
func (e entry) check() error {
	n, err := Elements(e.Shape)
	if err != nil {
		return err
	}
	size := int64(e.DType.Size())
	if length := e.end - e.begin; length < 0 || length%size != 0 || length/size != int64(n) {
		return fmt.Errorf("bytes %d to %d do not hold a shape of %v in %v", e.begin, e.end, e.Shape, e.DType)
	}
	return nil
}
