// Package npz reads the archives of arrays that numpy.savez writes.
//
//	arrays, err := npz.ReadFile("reference.npz")
//	x := arrays[0] // in the order of the file
//
// The elements are floating-point numbers, which the package returns as float32. It
// refuses archives of more than 64 arrays or of more than 2 GB, and members of other
// kinds.
package npz

import (
	"archive/zip"
	"fmt"
	"io"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/runtime/npy"
)

// The limits on an archive.
const (
	maxArrays = 64
	maxBytes  = 2 << 30
)

// Array is an array of an archive.
type Array struct {
	Name  string // without .npy
	Shape []int
	Data  []float32 // in row-major order
}

// ReadFile reads the archive at path.
func ReadFile(path string) ([]Array, error) {
	z, err := zip.OpenReader(path)
	if err != nil {
		return nil, fmt.Errorf("reading %s as an .npz archive: %w", path, err)
	}
	defer z.Close()
	arrays, err := read(z.File)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return arrays, nil
}

func read(files []*zip.File) ([]Array, error) {
	if len(files) > maxArrays {
		return nil, fmt.Errorf("it holds %d arrays, more than %d", len(files), maxArrays)
	}
	var arrays []Array
	left := int64(maxBytes)
	for _, f := range files {
		name, ok := strings.CutSuffix(f.Name, ".npy")
		if !ok {
			return nil, fmt.Errorf("it holds %q, which is no array", f.Name)
		}
		r, err := f.Open()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		limited := &io.LimitedReader{R: r, N: left}
		a := Array{Name: name}
		a.Data, a.Shape, err = npy.ReadFloat32(limited)
		left = limited.N
		r.Close()
		switch {
		case left == 0:
			return nil, fmt.Errorf("%s: the arrays have more than %d bytes", f.Name, int64(maxBytes))
		case err != nil:
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		arrays = append(arrays, a)
	}
	return arrays, nil
}
