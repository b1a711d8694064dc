package npy

import (
	"fmt"
	"io"
	"os"
	"slices"
)

// File is an open file whose elements are read on demand. It is safe for concurrent
// use.
type File struct {
	Header
	// Size is the size of the file in bytes.
	Size int64

	file  *os.File
	start int64 // offset of the elements
}

// Open opens a file and checks that it has as many elements as its header says.
// Errors name its path. The caller closes it.
func Open(path string) (*File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	f := &File{file: file}
	if err := f.begin(); err != nil {
		file.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

// begin reads the header and checks the size of the file.
func (f *File) begin() (err error) {
	if f.Header, err = ReadHeader(f.file); err != nil {
		return err
	}
	if f.start, err = f.file.Seek(0, io.SeekCurrent); err != nil {
		return err
	}
	info, err := f.file.Stat()
	if err != nil {
		return err
	}
	f.Size = info.Size()
	switch end := f.offset(f.Len()); {
	case f.Size < end:
		return fmt.Errorf("reading npy: %w", io.ErrUnexpectedEOF)
	case f.Size > end:
		return fmt.Errorf("reading npy: more data follows the %d elements", f.Len())
	}
	return nil
}

// offset returns the offset of an element in the file.
func (f *File) offset(element int) int64 { return f.start + int64(element)*int64(f.DType.Size()) }

// ReadAt reads elements into dst, from number first on in row-major order. It
// converts them as [Header.ReadFloat32s] does. Of arrays in Fortran order it reads
// only matrices.
func (f *File) ReadAt(dst []float32, first int) error {
	var err error
	if f.Fortran && len(f.Shape) > 1 {
		err = f.readColumns(dst, first)
	} else {
		err = f.readRun(dst, first)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", f.file.Name(), err)
	}
	return nil
}

// readRun reads consecutive elements of the file.
func (f *File) readRun(dst []float32, first int) error {
	from, to := f.offset(first), f.offset(first+len(dst))
	return f.ReadFloat32s(io.NewSectionReader(f.file, from, to-from), dst)
}

// readColumns is ReadAt for a matrix in Fortran order.
func (f *File) readColumns(dst []float32, first int) error {
	if len(f.Shape) != 2 {
		return fmt.Errorf("reading npy: an array of %d dimensions in Fortran order; only matrices are read", len(f.Shape))
	}
	rows, columns := f.Shape[0], f.Shape[1]
	if first+len(dst) > rows*columns {
		return fmt.Errorf("reading npy: %w", io.ErrUnexpectedEOF)
	}
	var run []float32
	for start := range min(columns, len(dst)) {
		// Read element start of dst and those below it in its column.
		n := (len(dst) - start + columns - 1) / columns
		run = slices.Grow(run[:0], n)[:n]
		row, column := (first+start)/columns, (first+start)%columns
		if err := f.readRun(run, column*rows+row); err != nil {
			return err
		}
		for i, v := range run {
			dst[start+i*columns] = v
		}
	}
	return nil
}

// Close closes the file.
func (f *File) Close() error { return f.file.Close() }
