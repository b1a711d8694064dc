// Package weightfile opens a file of weights whatever its form, told by its
// content: safetensors, or what PyTorch's torch.save writes (.pth, .pt, .th).
//
//	f, err := weightfile.Open("2b_se_resnext50_f0_e14_0.5975.pth")
//	defer f.Close()
//	err = arch.Check(g, f.Infos())
//	err = f.Convert(w) // as safetensors
//
// A PyTorch file is read whole, a safetensors file tensor by tensor. Encrypted
// files are refused: package crypt opens them.
package weightfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/internal/pth"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

// Format is the form of a file.
type Format uint8

// The forms.
const (
	Safetensors Format = iota
	PyTorch
)

// String returns the form's name.
func (f Format) String() string { return [...]string{"safetensors", "PyTorch"}[f] }

// Extensions are the endings of the files that Open reads.
var Extensions = [...]string{".safetensors", ".pth", ".pt", ".th"}

// ModelName returns the name of the model that a path of weights is of: its
// last element, without extension (and without ".enc").
func ModelName(path string) string {
	name := strings.TrimSuffix(filepath.Base(path), ".enc")
	for _, ext := range Extensions {
		if short, ok := strings.CutSuffix(name, ext); ok {
			return short
		}
	}
	return name
}

// File is an open file of weights. It is safe for concurrent reading.
type File struct {
	path   string
	format Format
	file   *os.File
	size   int64
	lazy   *weights.File      // of Safetensors
	dict   *weights.StateDict // of PyTorch
}

// Open opens a file; the caller closes it.
func Open(path string) (*File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err // it names the file
	}
	f := &File{path: path, file: file}
	if err := f.read(); err != nil {
		file.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

func (f *File) read() error {
	info, err := f.file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errors.New("not a file of weights")
	}
	f.size = info.Size()
	start := make([]byte, min(f.size, 16))
	if _, err := f.file.ReadAt(start, 0); err != nil {
		return err
	}
	if pth.Recognize(start) {
		f.format = PyTorch
		f.dict, err = pth.Read(f.file, f.size)
		return err
	}
	// The JSON of a header begins with a brace, and comes after its length.
	if len(start) < 9 || start[8] != '{' {
		if strings.HasSuffix(f.path, ".enc") {
			return errors.New("it is encrypted: `crypt decrypt` makes a plain file of it")
		}
		return errors.New("neither a safetensors file nor one of PyTorch's")
	}
	f.lazy, err = weights.Open(f.file, f.size)
	return err
}

// Close closes the file. What was read stays valid.
func (f *File) Close() error { return f.file.Close() }

// Path returns the path that the file was opened by.
func (f *File) Path() string { return f.path }

// Format returns the file's form.
func (f *File) Format() Format { return f.format }

// Metadata returns what the file says of itself: of a PyTorch checkpoint, its
// texts and numbers. The caller may change it.
func (f *File) Metadata() map[string]string {
	if f.lazy != nil {
		return f.lazy.Metadata()
	}
	m := map[string]string{}
	for k, v := range f.dict.Metadata {
		m[k] = v
	}
	return m
}

// Infos describes the tensors, in the file's order.
func (f *File) Infos() []weights.Info {
	if f.lazy != nil {
		return f.lazy.Infos()
	}
	return f.dict.Infos()
}

// Has reports whether there is a tensor of that name; it serves as
// arch.Config.Keys.
func (f *File) Has(name string) bool {
	if f.lazy != nil {
		return f.lazy.Has(name)
	}
	_, ok := f.dict.Find(name)
	return ok
}

// Float32 reads a tensor; it serves as engine.Params.
func (f *File) Float32(name string) (data []float32, shape []int, err error) {
	if f.lazy != nil {
		data, shape, err = f.lazy.Float32(name)
	} else {
		data, shape, err = f.dict.Float32(name)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", f.path, err)
	}
	return data, shape, err
}

// StateDict reads everything. The result must not be changed.
func (f *File) StateDict() (*weights.StateDict, error) {
	if f.dict != nil {
		return f.dict, nil
	}
	dict, err := f.lazy.StateDict()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.path, err)
	}
	return dict, nil
}

// Convert writes the file as safetensors: byte for byte where it is one
// already, else in the one way that its content allows.
func (f *File) Convert(w io.Writer) error {
	if f.dict != nil {
		if err := weights.Write(w, f.dict); err != nil {
			return fmt.Errorf("converting %s: %w", f.path, err)
		}
		return nil
	}
	if _, err := io.Copy(w, io.NewSectionReader(f.file, 0, f.size)); err != nil {
		return fmt.Errorf("copying %s: %w", f.path, err)
	}
	return nil
}
