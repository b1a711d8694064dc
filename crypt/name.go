package crypt

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/crypt/internal/stream"
)

// Ext is the extension that encryption adds to the name of a file.
const Ext = ".enc"

// Name returns the name under which the file at path was encrypted if nobody renamed
// it since: the base name without [Ext].
func Name(path string) string { return strings.TrimSuffix(filepath.Base(path), Ext) }

// Info describes an encrypted file without its key. Nothing in it is authenticated.
type Info struct {
	Size     int64 // of the encrypted file
	Plain    int64 // of the plaintext
	Segments int64
}

// ErrFormat is returned by [Inspect] if a file is not encrypted.
var ErrFormat = errors.New("not an encrypted file")

// Inspect reads the header of an encrypted file of size bytes. It returns
// [ErrFormat], or an error of src.
func Inspect(src io.ReaderAt, size int64) (Info, error) {
	l, ok := stream.NewLayout(size)
	if !ok {
		return Info{}, fmt.Errorf("%w: no encrypted file has %d bytes", ErrFormat, size)
	}
	var b [stream.HeaderSize]byte
	if err := readFull(src, b[:], 0); err != nil {
		return Info{}, err
	}
	if _, ok := stream.ParseHeader(b[:]); !ok {
		return Info{}, fmt.Errorf("%w: it begins with byte %d instead of %d", ErrFormat, b[0], stream.HeaderSize)
	}
	return Info{Size: l.Size, Plain: l.Plain, Segments: l.Segments}, nil
}
