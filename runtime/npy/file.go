package npy

import (
	"fmt"
	"io"
	"os"
)

// File is an open file whose elements are read where they are needed. It may be
// used by several goroutines at once.
type File struct {
	Header
	// Size is that of the file in bytes.
	Size int64

	file  *os.File
	start int64 // of the elements
}

// Open opens a file that has as many elements as its header says. Errors name
// its path. Close it after use.
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
		return fmt.Errorf("reading npy: something follows the %d elements", f.Len())
	}
	return nil
}

// offset is where an element is in the file.
func (f *File) offset(element int) int64 { return f.start + int64(element)*int64(f.DType.Size()) }

// ReadAt reads the elements from first on into dst, as [Header.ReadFloat32s] does.
func (f *File) ReadAt(dst []float32, first int) error {
	from, to := f.offset(first), f.offset(first+len(dst))
	if err := f.ReadFloat32s(io.NewSectionReader(f.file, from, to-from), dst); err != nil {
		return fmt.Errorf("%s: %w", f.file.Name(), err)
	}
	return nil
}

// Close closes the file.
func (f *File) Close() error { return f.file.Close() }
