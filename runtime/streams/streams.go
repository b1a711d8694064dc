// Package streams holds small readers and writers that the runtime and the commands share.
//
//	var size streams.Counter
//	_, err := io.Copy(io.MultiWriter(file, &size), streams.Reader(ctx, source))
package streams

import (
	"context"
	"io"
)

// maxRead is the number of bytes of one Read, so that a Read is short.
const maxRead = 8 << 20

// Reader returns r with reads that return the error of ctx once ctx has ended. Each asks
// r for at most 8 MiB.
func Reader(ctx context.Context, r io.Reader) io.Reader { return &reader{ctx, r} }

// Writer returns w with writes that return the error of ctx once ctx has ended.
func Writer(ctx context.Context, w io.Writer) io.Writer { return &writer{ctx, w} }

type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p[:min(len(p), maxRead)])
}

type writer struct {
	ctx context.Context
	w   io.Writer
}

func (w *writer) Write(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.w.Write(p)
}

// Counter is a writer that only counts the bytes written to it.
type Counter int64

// Write adds the length of p to c.
func (c *Counter) Write(p []byte) (int, error) {
	*c += Counter(len(p))
	return len(p), nil
}
