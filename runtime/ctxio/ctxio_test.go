package ctxio_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/runtime/ctxio"
)

func TestReadersAndWritersStopWhenTheContextEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var b bytes.Buffer
	r, w := ctxio.NewReader(ctx, strings.NewReader("abcdef")), ctxio.NewWriter(ctx, &b)
	if n, err := io.CopyN(w, r, 3); n != 3 || err != nil {
		t.Errorf("before: %d bytes, %v", n, err)
	}
	cancel()
	if n, err := r.Read(make([]byte, 3)); n != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("a read after the end: %d bytes, %v", n, err)
	}
	if n, err := w.Write([]byte("x")); n != 0 || !errors.Is(err, context.Canceled) || b.String() != "abc" {
		t.Errorf("a write after the end: %d bytes, %v, %q", n, err, b.String())
	}
}

func TestReadsAreShort(t *testing.T) {
	p := make([]byte, 20<<20)
	r := ctxio.NewReader(t.Context(), bytes.NewReader(make([]byte, len(p))))
	if n, err := r.Read(p); n > 8<<20 || err != nil {
		t.Errorf("%d bytes at once, %v", n, err)
	}
	if n, err := io.ReadFull(r, p[8<<20:]); n != 12<<20 || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
}
