// Package atomicfile writes files that appear whole or not at all.
//
//	f, err := atomicfile.Create("submission.csv")
//	if err != nil { … }
//	defer f.Close()
//	… write to f …
//	return f.Commit()
//
// The bytes go to a temporary file in the same folder. Commit flushes it to the disk
// and renames it to the path. Until then, the path keeps its old content. Errors name
// the path of the caller, not the temporary file.
package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// File is a file being written. It is not safe for concurrent use.
type File struct {
	f    *os.File
	path string
	done bool
}

// Create starts to write the file at path. Its folder must exist.
func Create(path string) (*File, error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return nil, fmt.Errorf("creating %s: %w", path, Cause(err))
	}
	return &File{f: f, path: path}, nil
}

// Write appends p.
func (f *File) Write(p []byte) (int, error) {
	n, err := f.f.Write(p)
	return n, f.wrap(err)
}

// WriteAt writes p at offset off; offsets may come in any order.
func (f *File) WriteAt(p []byte, off int64) (int, error) {
	n, err := f.f.WriteAt(p, off)
	return n, f.wrap(err)
}

// Commit flushes the bytes to the disk and renames the file to its path, with
// permissions 0644. After an error, the path is as it was before Create.
func (f *File) Commit() error { return f.CommitMode(0o644) }

// CommitMode is [File.Commit] with other permissions, e.g. 0600 for a key.
func (f *File) CommitMode(mode fs.FileMode) error {
	if f.done {
		return fmt.Errorf("writing %s: already closed", f.path)
	}
	err := errors.Join(f.f.Chmod(mode), f.f.Sync())
	f.done = true
	if err = errors.Join(err, f.f.Close()); err == nil {
		err = os.Rename(f.f.Name(), f.path)
	}
	if err != nil {
		os.Remove(f.f.Name())
	}
	return f.wrap(err)
}

// Close discards the file unless it was committed. It may be called more than once.
func (f *File) Close() error {
	if f.done {
		return nil
	}
	f.done = true
	return errors.Join(f.f.Close(), os.Remove(f.f.Name()))
}

// Sweep removes the temporary files that killed writers of path left behind. No one
// may be writing the file.
func Sweep(path string) {
	dir, base := filepath.Split(path)
	entries, err := os.ReadDir(filepath.Clean(dir))
	if err != nil {
		return
	}
	for _, e := range entries {
		if n := e.Name(); strings.HasPrefix(n, "."+base+".") && strings.HasSuffix(n, ".tmp") && e.Type().IsRegular() {
			os.Remove(filepath.Join(dir, n))
		}
	}
}

// WriteFile writes data to path, whole or not at all.
func WriteFile(path string, data []byte) error {
	f, err := Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Commit()
}

func (f *File) wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("writing %s: %w", f.path, Cause(err))
}

// Cause returns err without the path that it names, for a message that names the file
// in its own way.
func Cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	var l *os.LinkError
	if errors.As(err, &l) {
		return l.Err
	}
	return err
}
