package folder

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/runtime/atomicfile"
)

// Draft is a folder on its way to become a deployed folder. Its files lie in a
// temporary folder beside the output, so the output is never half made.
//
//	draft, err := folder.Create("deploy")
//	defer draft.Discard()
//	_, err = draft.Write(folder.KernelGo, source)
//	err = draft.Commit(manifest)
type Draft struct {
	// Scratch is a folder outside of the draft for temporary files.
	Scratch string

	output string
	dir    string // becomes output
}

// Create makes an empty draft of the folder output. It refuses an output that
// exists and is not a deployed folder. The caller must call Discard.
func Create(output string) (*Draft, error) {
	if err := CheckOutput(output); err != nil {
		return nil, err
	}
	parent, base := filepath.Split(filepath.Clean(output))
	if parent == "" {
		parent = "."
	}
	d := &Draft{output: output}
	var err error
	if d.dir, err = os.MkdirTemp(parent, "."+base+".*.tmp"); err == nil {
		err = os.Chmod(d.dir, 0o755)
	}
	if err == nil {
		d.Scratch, err = os.MkdirTemp("", "deploy-kernel-*")
	}
	if err != nil {
		d.Discard()
		return nil, fmt.Errorf("creating %s: %w", output, atomicfile.Cause(err))
	}
	return d, nil
}

// CheckOutput returns an error if output exists and is neither empty nor a deployed
// folder.
func CheckOutput(output string) error {
	if _, err := os.Lstat(output); err != nil {
		return nil
	}
	if _, err := Read(output); err != nil && !empty(output) {
		return hint.New(fmt.Errorf("%s exists, and was not made by deploy-kernel", output), "name another folder by --output")
	}
	return nil
}

func empty(dir string) bool {
	entries, err := os.ReadDir(dir)
	return err == nil && len(entries) == 0
}

// Discard removes the draft unless it was committed, and the scratch folder.
func (d *Draft) Discard() {
	for _, dir := range []string{d.dir, d.Scratch} {
		if dir != "" {
			os.RemoveAll(dir)
		}
	}
}

// Path returns the path of a file in the draft. It makes the file's folder.
func (d *Draft) Path(name ...string) (string, error) {
	path := filepath.Join(append([]string{d.dir}, name...)...)
	return path, os.MkdirAll(filepath.Dir(path), 0o755)
}

// Write writes a file of the draft and describes it.
func (d *Draft) Write(name string, data []byte) (File, error) {
	return d.write(name, data, 0o644)
}

// WriteSecret is Write of a file that only its owner can read.
func (d *Draft) WriteSecret(name string, data []byte) (File, error) {
	return d.write(name, data, 0o600)
}

func (d *Draft) write(name string, data []byte, mode os.FileMode) (File, error) {
	path, err := d.Path(name)
	if err != nil {
		return File{}, err
	}
	return Describe(name, data), os.WriteFile(path, data, mode)
}

// Commit writes the manifest and makes the draft the folder output. It keeps the
// records of uploads and submissions of the old folder: push uploads only what
// changed.
func (d *Draft) Commit(m *Manifest) error {
	m.Version = manifestVersion
	if _, err := d.Write(ManifestName, m.json()); err != nil {
		return err
	}
	for _, name := range []string{PushRecord, SubmitRecord} {
		_, err := Copy(filepath.Join(d.output, name), filepath.Join(d.dir, name))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("replacing %s: %w", d.output, err)
		}
	}
	old := d.dir + ".old"
	err := os.Rename(d.output, old)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("replacing %s: %w", d.output, atomicfile.Cause(err))
	}
	if err := os.Rename(d.dir, d.output); err != nil {
		_ = os.Rename(old, d.output)
		return fmt.Errorf("creating %s: %w", d.output, atomicfile.Cause(err))
	}
	if err := os.RemoveAll(old); err != nil {
		return fmt.Errorf("removing what was in %s before: %w", d.output, err)
	}
	return nil
}

// Explain returns err with the output's name in place of the temporary folder's.
func (d *Draft) Explain(err error) error {
	if err == nil || !strings.Contains(err.Error(), d.dir) {
		return err
	}
	return &renamedError{err, strings.ReplaceAll(err.Error(), d.dir, filepath.Clean(d.output))}
}

type renamedError struct {
	err  error
	text string
}

func (e *renamedError) Error() string { return e.text }
func (e *renamedError) Unwrap() error { return e.err }

// Describe describes a file by its content.
func Describe(name string, data []byte) File {
	sum := sha256.Sum256(data)
	return File{Name: filepath.Base(name), Size: int64(len(data)), SHA256: hex.EncodeToString(sum[:])}
}

// Copy copies a file and describes it.
func Copy(from, to string) (File, error) {
	in, err := os.Open(from)
	if err != nil {
		return File{}, err
	}
	defer in.Close()
	return WriteFile(to, func(w io.Writer) error {
		_, err := io.Copy(w, in)
		return err
	})
}

// WriteFile creates the file at path, lets write fill it, and describes it.
func WriteFile(path string, write func(io.Writer) error) (File, error) {
	out, err := os.Create(path)
	if err != nil {
		return File{}, err
	}
	h := sha256.New()
	err = write(io.MultiWriter(out, h))
	size, sizeErr := out.Seek(0, io.SeekCurrent)
	if err := errors.Join(err, sizeErr, out.Close()); err != nil {
		return File{}, err
	}
	return File{Name: filepath.Base(path), Size: size, SHA256: hex.EncodeToString(h.Sum(nil))}, nil
}
