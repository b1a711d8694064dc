package crypt

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"

	"github.com/deploy-kernel/deploy-kernel/crypt/internal/stream"
)

// Writer encrypts what is written to it. It is not safe for concurrent use.
type Writer struct {
	w       io.Writer
	cipher  *stream.Cipher
	buf     []byte // the segment being filled, with room for its tag
	room    int    // plaintext bytes that fit into this segment
	segment int64
	err     error // sticky; errClosed after Close
}

var errClosed = errors.New("crypt: write to a closed writer")

// NewWriter writes the header of an encrypted file to w and returns a writer for the
// plaintext. Name is the name of the plain file without folders; NewReader needs the
// same one. Only Close completes the file, and it does not close w. To abandon the
// file, omit Close: every reader refuses an incomplete file.
func NewWriter(w io.Writer, key Key, name string) (*Writer, error) {
	if err := checkArgs(key, name); err != nil {
		return nil, err
	}
	var h stream.Header
	if _, err := rand.Read(h.Salt[:]); err != nil {
		return nil, fmt.Errorf("encrypting %s: %w", name, err)
	}
	if _, err := rand.Read(h.Prefix[:]); err != nil {
		return nil, fmt.Errorf("encrypting %s: %w", name, err)
	}
	c, err := stream.NewCipher(key.bytes(), &h, name)
	if err != nil {
		return nil, fmt.Errorf("encrypting %s: %w", name, err)
	}
	if _, err := w.Write(h.Append(nil)); err != nil {
		return nil, err
	}
	return &Writer{
		w: w, cipher: c,
		buf:  make([]byte, 0, stream.SegmentSize),
		room: stream.PlainSize - stream.HeaderSize,
	}, nil
}

// Write encrypts p. It passes a segment on when it knows the next byte, because only
// the last segment is marked as last.
func (w *Writer) Write(p []byte) (n int, err error) {
	for len(p) > 0 && w.err == nil {
		if len(w.buf) == w.room {
			w.flush(false)
			continue
		}
		k := min(len(p), w.room-len(w.buf))
		w.buf = append(w.buf, p[:k]...)
		n += k
		p = p[k:]
	}
	return n, w.err
}

// Close encrypts the last segment. It does not close the underlying writer. A second
// Close does nothing and returns nil.
func (w *Writer) Close() error {
	if w.err == errClosed {
		return nil
	}
	if w.err == nil {
		w.flush(true)
	}
	if w.err != nil {
		return w.err
	}
	w.err = errClosed
	return nil
}

// flush seals the buffered segment and writes it.
func (w *Writer) flush(last bool) {
	if w.segment == stream.MaxSegments {
		w.err = errors.New("crypt: the file is too large")
		return
	}
	sealed := w.cipher.Seal(w.buf[:0], w.buf, w.segment, last)
	w.segment++
	w.buf = w.buf[:0]
	w.room = stream.PlainSize
	_, w.err = w.w.Write(sealed)
}

// checkArgs refuses the zero key and an empty name.
func checkArgs(key Key, name string) error {
	if key.IsZero() {
		return errors.New("crypt: no key")
	}
	if name == "" {
		return errors.New("crypt: no file name")
	}
	return nil
}
