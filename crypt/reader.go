package crypt

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/deploy-kernel/deploy-kernel/crypt/internal/stream"
)

// ErrAuth is returned for a file that was not encrypted under this key and this name,
// or was changed since. It does not reveal which.
var ErrAuth = stream.ErrAuth

// ReaderAt reads an encrypted file at any offset. It is safe for concurrent use.
// Between reads it holds one segment of plaintext, 1 MiB.
type ReaderAt struct {
	src     io.ReaderAt
	layout  stream.Layout
	cipher  *stream.Cipher
	scratch sync.Pool // of *[]byte, for ciphertext

	mu     sync.Mutex
	cached []byte // plaintext of the segment index
	index  int64  // -1 if cached holds no segment
}

// NewReaderAt opens an encrypted file of size bytes. The name is the one given to
// [NewWriter]: that of the plain file, without folders. NewReaderAt reads the last
// segment, which reveals a wrong key, a wrong name and a cut file at once and
// authenticates the size. The caller closes src after use.
//
// It returns [ErrAuth], or an error of src.
func NewReaderAt(src io.ReaderAt, size int64, key Key, name string) (*ReaderAt, error) {
	if err := checkArgs(key, name); err != nil {
		return nil, err
	}
	layout, ok := stream.NewLayout(size)
	if !ok {
		return nil, ErrAuth
	}
	var b [stream.HeaderSize]byte
	if err := readFull(src, b[:], 0); err != nil {
		return nil, err
	}
	h, ok := stream.ParseHeader(b[:])
	if !ok {
		return nil, ErrAuth
	}
	c, err := stream.NewCipher(key.bytes(), &h, name)
	if err != nil {
		return nil, fmt.Errorf("decrypting %s: %w", name, err)
	}
	r := &ReaderAt{src: src, layout: layout, cipher: c, index: -1}
	if err := r.load(layout.Segments - 1); err != nil {
		return nil, err
	}
	return r, nil
}

// Size returns the size of the plaintext, which is authenticated.
func (r *ReaderAt) Size() int64 { return r.layout.Plain }

// ReadAt implements [io.ReaderAt] for the plaintext. It decrypts whole segments
// straight into p, without a lock. Of a segment that it reads in part, it keeps the
// plaintext for the next read.
func (r *ReaderAt) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, errors.New("crypt: negative offset")
	}
	for n < len(p) {
		if off >= r.layout.Plain {
			return n, io.EOF
		}
		k, err := r.readSegment(p[n:], off)
		if err != nil {
			return n, err
		}
		n += k
		off += int64(k)
	}
	return n, nil
}

// readSegment copies to p the part of one segment that begins at off.
func (r *ReaderAt) readSegment(p []byte, off int64) (int, error) {
	i := r.layout.Index(off)
	start, size := r.layout.PlainSegment(i)
	if off == start && len(p) >= size {
		if err := r.open(p[:size], i); err != nil {
			return 0, err
		}
		return size, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.load(i); err != nil {
		return 0, err
	}
	return copy(p, r.cached[off-start:]), nil
}

// load makes segment i the cached one. The caller holds the lock.
func (r *ReaderAt) load(i int64) error {
	if i == r.index {
		return nil
	}
	_, size := r.layout.PlainSegment(i)
	if cap(r.cached) < size {
		r.cached = make([]byte, size)
	}
	r.index = -1
	r.cached = r.cached[:size]
	if err := r.open(r.cached, i); err != nil {
		return err
	}
	r.index = i
	return nil
}

// open decrypts segment i into dst, which has the size of its plaintext.
func (r *ReaderAt) open(dst []byte, i int64) error {
	off, size := r.layout.Segment(i)
	scratch, ok := r.scratch.Get().(*[]byte)
	if !ok || cap(*scratch) < size {
		b := make([]byte, size)
		scratch = &b
	}
	defer r.scratch.Put(scratch)
	sealed := (*scratch)[:size]
	if err := readFull(r.src, sealed, off); err != nil {
		return err
	}
	_, err := r.cipher.Open(dst[:0:len(dst)], sealed, i, i == r.layout.Segments-1)
	return err
}

// readFull fills p from off. A short read is an error.
func readFull(src io.ReaderAt, p []byte, off int64) error {
	n, err := src.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if err == nil || err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}
