// Package ctxio makes readers and writers that stop when a context ends.
//
//	_, err := io.Copy(dst, ctxio.NewReader(ctx, file))
//
// A call that has begun is not interrupted. To keep each call short, a reader asks for
// at most 8 MiB at a time.
package ctxio

import (
	"context"
	"io"
)

const maxRead = 8 << 20

// NewReader returns a reader of r. Its Read returns the error of ctx once ctx has ended.
func NewReader(ctx context.Context, r io.Reader) io.Reader { return &reader{ctx, r} }

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

// NewWriter returns a writer to w. Its Write returns the error of ctx once ctx has ended.
func NewWriter(ctx context.Context, w io.Writer) io.Writer { return &writer{ctx, w} }

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
