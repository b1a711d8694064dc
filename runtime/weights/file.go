package weights

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
)

// File is an open safetensors file whose tensors are read on demand. It is safe for
// concurrent use if its reader is, as os.File is.
type File struct {
	r        io.ReaderAt
	start    int64 // offset of the data
	size     int64 // size of the data
	entries  []entry
	index    map[string]int
	metadata map[string]string
}

// Open reads and checks the header of a safetensors file of size bytes. The caller
// keeps r open while it uses the File.
func Open(r io.ReaderAt, size int64) (*File, error) {
	var length [8]byte
	if size < int64(len(length)) {
		return nil, errors.New("reading safetensors: the file is shorter than a header")
	}
	if err := readAt(r, length[:], 0); err != nil {
		return nil, fmt.Errorf("reading safetensors: %w", err)
	}
	n := binary.LittleEndian.Uint64(length[:])
	if n > maxHeader || int64(n) > size-8 {
		return nil, fmt.Errorf("reading safetensors: a header of %d bytes in a file of %d: not a safetensors file, or an incomplete one", n, size)
	}
	text := make([]byte, n)
	if err := readAt(r, text, 8); err != nil {
		return nil, fmt.Errorf("reading safetensors: %w", err)
	}
	f := &File{r: r, start: 8 + int64(n), size: size - 8 - int64(n)}
	var err error
	if f.entries, f.metadata, err = parseHeader(text, f.size); err != nil {
		return nil, fmt.Errorf("reading safetensors header: %w", err)
	}
	f.index = make(map[string]int, len(f.entries))
	for i, e := range f.entries {
		f.index[e.Name] = i
	}
	return f, nil
}

// Metadata returns a copy of the metadata of the file.
func (f *File) Metadata() map[string]string { return maps.Clone(f.metadata) }

// Infos describes the tensors in the order of the header.
func (f *File) Infos() []Info {
	infos := make([]Info, len(f.entries))
	for i, e := range f.entries {
		infos[i] = e.Info
	}
	return infos
}

// Has reports whether the file has a tensor of that name.
func (f *File) Has(name string) bool {
	_, ok := f.index[name]
	return ok
}

// chunk is the number of bytes that Float32 reads at a time.
const chunk = 1 << 18

// Float32 reads a tensor and converts its elements to float32, as [Tensor.Float32s]
// does. It returns a new slice and the shape.
func (f *File) Float32(name string) (data []float32, shape []int, err error) {
	i, ok := f.index[name]
	if !ok {
		return nil, nil, missing(name)
	}
	e := f.entries[i]
	if !e.DType.Float() {
		return nil, nil, fmt.Errorf("reading tensor %s: its elements are %v, not floating-point numbers", name, e.DType)
	}
	size := int64(e.DType.Size())
	data = make([]float32, (e.end-e.begin)/size)
	buf := make([]byte, min(chunk, e.end-e.begin))
	for at := e.begin; at < e.end; at += int64(len(buf)) {
		buf = buf[:min(int64(len(buf)), e.end-at)]
		if err := readAt(f.r, buf, f.start+at); err != nil {
			return nil, nil, fmt.Errorf("reading tensor %s: %w", name, err)
		}
		first := (at - e.begin) / size
		decode(data[first:first+int64(len(buf))/size], e.DType, buf)
	}
	return data, e.Shape, nil
}

// Tensor reads a tensor.
func (f *File) Tensor(name string) (Tensor, error) {
	i, ok := f.index[name]
	if !ok {
		return Tensor{}, missing(name)
	}
	e := f.entries[i]
	data := make([]byte, e.end-e.begin)
	if err := readAt(f.r, data, f.start+e.begin); err != nil {
		return Tensor{}, fmt.Errorf("reading tensor %s: %w", name, err)
	}
	return Tensor{e.Name, e.DType, e.Shape, data}, nil
}

// StateDict reads all tensors into one allocation that they share.
func (f *File) StateDict() (*StateDict, error) {
	data := make([]byte, f.size)
	if err := readAt(f.r, data, f.start); err != nil {
		return nil, fmt.Errorf("reading safetensors: %w", err)
	}
	s := &StateDict{Tensors: make([]Tensor, len(f.entries)), Metadata: f.Metadata()}
	for i, e := range f.entries {
		s.Tensors[i] = Tensor{e.Name, e.DType, e.Shape, data[e.begin:e.end:e.end]}
	}
	return s, nil
}

// readAt fills b from at. A short read is an error, even at the end.
func readAt(r io.ReaderAt, b []byte, at int64) error {
	n, err := r.ReadAt(b, at)
	if n == len(b) {
		return nil
	}
	if err == nil || err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}
