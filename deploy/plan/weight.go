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

	"github.com/deploy-kernel/deploy-kernel/artifact/weightfile"
	"github.com/deploy-kernel/deploy-kernel/crypt"
	"github.com/deploy-kernel/deploy-kernel/deploy/shrink"
	"github.com/deploy-kernel/deploy-kernel/importer"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/runtime/streams"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

// Weight is the local file of one fold's weights.
type Weight struct {
	Name   string // of the fold, such as "se50_f0_e14_0.5975"
	Path   string
	SHA256 string // hex, of the plain safetensors form
	Size   int64  // of the plain safetensors form, in bytes

	key    crypt.Key
	choice string // the key of the weights in the file
	// inputSize is the input size to import an ONNX model for.
	inputSize int
	half      shrink.Half
}

// Encrypted reports whether the file is encrypted.
func (w Weight) Encrypted() bool { return strings.HasSuffix(w.Path, crypt.Ext) }

// Plain returns the plain safetensors form. It returns an error if the file changed
// since the plan was built.
func (w Weight) Plain(ctx context.Context) ([]byte, error) {
	f, err := open(ctx, w.Path, w.key, w.inputSize)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := f.Choose(w.choice); err != nil {
		return nil, fmt.Errorf("reading weights: %w", err)
	}
	var b bytes.Buffer
	b.Grow(int(w.Size))
	to := streams.Writer(ctx, &b)
	if w.half.Given() {
		err = w.halve(to, f)
	} else {
		err = f.Convert(to)
	}
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(b.Bytes()); hex.EncodeToString(sum[:]) != w.SHA256 {
		return nil, fmt.Errorf("%s: the file changed since it was checked", w.Path)
	}
	return b.Bytes(), nil
}

// halve writes the weights of f in 16 bits.
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

// file is an open file of weights, encrypted or not. Choose selects one of its sets.
type file struct {
	*weightfile.File
	os *os.File // the encrypted file, or nil
}

// Close closes the file.
func (f file) Close() error {
	err := f.File.Close()
	if f.os != nil {
		err = errors.Join(err, f.os.Close())
	}
	return err
}

// open opens weights. It imports an ONNX model for an input size, or returns
// weightfile.ErrONNX if that is 0.
func open(ctx context.Context, path string, key crypt.Key, inputSize int) (file, error) {
	if !strings.HasSuffix(path, crypt.Ext) {
		f, err := weightfile.OpenAny(path)
		if errors.Is(err, weightfile.ErrONNX) && inputSize != 0 {
			f, err = importer.OpenAny(ctx, path, importer.Options{InputSize: inputSize})
		}
		if err != nil {
			return file{}, fmt.Errorf("reading weights: %w", err)
		}
		return file{File: f}, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return file{}, fmt.Errorf("reading weights: %w", err)
	}
	w, err := openEncrypted(f, key)
	if err != nil {
		f.Close()
		err = fmt.Errorf("reading weights: %w", err)
		if errors.Is(err, crypt.ErrAuth) {
			err = hint.New(err, "it was encrypted under another key or name, or changed since")
		}
		return file{}, err
	}
	return file{w, f}, nil
}

func openEncrypted(f *os.File, key crypt.Key) (*weightfile.File, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	plain, err := crypt.NewReaderAt(f, info.Size(), key, crypt.Name(f.Name()))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	return weightfile.New(f.Name(), plain, plain.Size())
}
