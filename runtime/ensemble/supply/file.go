package supply

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/crypt"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/runtime/streams"
)

// weightFile is an open file of weights.
type weightFile struct {
	file  *os.File
	size  int64           // of the plaintext
	crypt *crypt.ReaderAt // nil if the file is plain
}

// open opens a file if its plaintext has the size of f.
func (v *Vault) open(file input.File, f *ensemble.Fold) (*weightFile, error) {
	src, err := os.Open(file.Path)
	if err != nil {
		return nil, err
	}
	w := &weightFile{file: src, size: file.Size}
	if encrypted(file.Path) {
		w.crypt, err = v.decrypt(src, file, f)
		if err == nil {
			w.size = w.crypt.Size()
		}
	}
	if err == nil && w.size != f.Size {
		err = fmt.Errorf("%s: %d bytes of weights, but this plan was made with %d", file.Path, w.size, f.Size)
	}
	if err != nil {
		src.Close()
		return nil, err
	}
	return w, nil
}

// decrypt returns the plaintext of src, under the first key that opens it.
func (v *Vault) decrypt(src io.ReaderAt, file input.File, f *ensemble.Fold) (*crypt.ReaderAt, error) {
	if len(v.keys) == 0 {
		return nil, hint.New(fmt.Errorf("%s: encrypted, and there is no key", file.Path),
			"give --key FILE, set DEPLOY_KERNEL_KEY to the key's text, or add the key as a .key file to the input")
	}
	var err error
	for _, key := range v.keys {
		var r *crypt.ReaderAt
		if r, err = crypt.NewReaderAt(src, file.Size, key, plainName(f)); err == nil {
			return r, nil
		}
	}
	return nil, fmt.Errorf("%s: %w", file.Path, err)
}

// Close closes the file.
func (w *weightFile) Close() error { return w.file.Close() }

// read fills data, of w.size bytes, with the plaintext and compares its hash with f's.
func (w *weightFile) read(ctx context.Context, data []byte, threads int, f *ensemble.Fold) error {
	var err error
	if w.crypt != nil {
		err = w.crypt.ReadInto(ctx, data, threads)
	} else {
		_, err = io.ReadFull(streams.Reader(ctx, w.file), data)
	}
	if err != nil {
		return err
	}
	sum := sha256.Sum256(data)
	return compare(f, sum[:])
}

// verify compares the hash of the plaintext with f's. It holds only a small part of the
// file in memory.
func (w *weightFile) verify(ctx context.Context, f *ensemble.Fold) error {
	var src io.ReaderAt = w.file
	if w.crypt != nil {
		src = w.crypt
	}
	h := sha256.New()
	if _, err := io.Copy(h, streams.Reader(ctx, io.NewSectionReader(src, 0, w.size))); err != nil {
		return err
	}
	return compare(f, h.Sum(nil))
}

// compare returns an error unless sum is the SHA-256 of f's weights.
func compare(f *ensemble.Fold, sum []byte) error {
	if strings.EqualFold(hex.EncodeToString(sum), f.SHA256) {
		return nil
	}
	return fmt.Errorf("not the weights that this plan was made with: their SHA-256 is %x, not %s", sum, f.SHA256)
}

func encrypted(path string) bool { return strings.HasSuffix(path, crypt.Ext) }

// plainSize returns the size of a file's plaintext in bytes; -1 if the file does not
// tell. Nothing authenticates the number.
func plainSize(file input.File) int64 {
	if !encrypted(file.Path) {
		return file.Size
	}
	f, err := os.Open(file.Path)
	if err != nil {
		return -1
	}
	defer f.Close()
	info, err := crypt.Inspect(f, file.Size)
	if err != nil {
		return -1
	}
	return info.Plain
}
