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
	buf     []byte // the segment being filled; room for its tag
	room    int    // plaintext bytes that this segment takes
	segment int64
	err     error // sticky; errClosed after Close
}

var errClosed = errors.New("crypt: write to a closed writer")

// NewWriter writes the header of an encrypted file to w and returns a writer
// for the plaintext. The name is the plain file's name without folders, and
// must be given again to read. The file is complete only after Close, which
// does not close w. Where the plaintext is not to be finished, leave out Close:
// what was written until then is refused by every reader.
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

// Write encrypts p. A segment is passed on when the byte after it is known, for
// only the last one is marked as last.
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

// Close encrypts the last segment. It does not close the underlying writer.
// A second Close does nothing and returns nil.
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

// flush seals the buffered segment and passes it on.
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

// checkArgs refuses a zero key and an empty name.
func checkArgs(key Key, name string) error {
	if key.IsZero() {
		return errors.New("crypt: no key")
	}
	if name == "" {
		return errors.New("crypt: no file name")
	}
	return nil
}
