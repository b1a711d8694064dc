package plan

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/crypt"
	"github.com/deploy-kernel/deploy-kernel/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/internal/shrink"
	"github.com/deploy-kernel/deploy-kernel/internal/weightfile"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

// Weight is the local file of a fold's weights.
type Weight struct {
	Name   string // of the model
	Path   string
	SHA256 string // hex, of the plain safetensors form
	Size   int64  // of the plain safetensors form, in bytes

	key  crypt.Key
	half shrink.Half
}

// Encrypted reports whether the file is encrypted.
func (w Weight) Encrypted() bool { return strings.HasSuffix(w.Path, crypt.Ext) }

// Plain returns the plain safetensors form, as it was when the plan was built:
// a file that changed since is an error.
func (w Weight) Plain(ctx context.Context) ([]byte, error) {
	f, err := open(w.Path, w.key)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var b bytes.Buffer
	b.Grow(int(w.Size))
	to := interruptible(ctx, &b)
	if w.half.Given() {
		err = w.halve(to, f)
	} else {
		err = f.convert(to)
	}
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(b.Bytes()); hex.EncodeToString(sum[:]) != w.SHA256 {
		return nil, fmt.Errorf("%s: it changed while it was in use", w.Path)
	}
	return b.Bytes(), nil
}

// halve writes f in half the space.
func (w Weight) halve(to io.Writer, f file) error {
	dict, err := f.StateDict()
	if err != nil {
		return err
	}
	small, err := dict.Half(w.half.DType)
	if err != nil {
		return err
	}
	return weights.Write(to, small)
}

// file is an open file of weights, in whichever form.
type file interface {
	Metadata() map[string]string
	Infos() []weights.Info
	Has(name string) bool
	StateDict() (*weights.StateDict, error)
	convert(w io.Writer) error
	Close() error
}

func open(path string, key crypt.Key) (file, error) {
	if !strings.HasSuffix(path, crypt.Ext) {
		f, err := weightfile.Open(path)
		if err != nil {
			return nil, fmt.Errorf("reading weights: %w", err)
		}
		return plainFile{f}, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading weights: %w", err)
	}
	e, err := openEncrypted(f, key)
	if err != nil {
		f.Close()
		err = fmt.Errorf("reading weights: %s: %w", path, err)
		if errors.Is(err, crypt.ErrAuth) {
			err = cli.Hint(err, "it was encrypted under another key or name, or changed since")
		}
		return nil, err
	}
	return e, nil
}

type plainFile struct{ *weightfile.File }

func (f plainFile) convert(w io.Writer) error { return f.Convert(w) }

type encryptedFile struct {
	*weights.File
	os    *os.File
	plain *crypt.ReaderAt
}

func openEncrypted(f *os.File, key crypt.Key) (*encryptedFile, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	plain, err := crypt.NewReaderAt(f, info.Size(), key, crypt.Name(f.Name()))
	if err != nil {
		return nil, err
	}
	w, err := weights.Open(plain, plain.Size())
	if err != nil {
		return nil, err
	}
	return &encryptedFile{w, f, plain}, nil
}

func (f *encryptedFile) Close() error { return f.os.Close() }

func (f *encryptedFile) convert(w io.Writer) error {
	if _, err := io.Copy(w, io.NewSectionReader(f.plain, 0, f.plain.Size())); err != nil {
		return fmt.Errorf("reading %s: %w", f.os.Name(), err)
	}
	return nil
}

// interruptible returns w with writes that fail once ctx has ended.
func interruptible(ctx context.Context, w io.Writer) io.Writer { return &ctxWriter{ctx, w} }

type ctxWriter struct {
	ctx context.Context
	w   io.Writer
}

func (c *ctxWriter) Write(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.w.Write(p)
}
