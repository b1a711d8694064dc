package streams_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/runtime/streams"
)

func Example() {
	var size streams.Counter
	_, err := io.Copy(&size, streams.Reader(context.Background(), strings.NewReader("weights")))
	fmt.Println(size, err)
	// Output: 7 <nil>
}

func TestReadersAndWritersEndWithTheirContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	var b bytes.Buffer
	r, w := streams.Reader(ctx, strings.NewReader("abc")), streams.Writer(ctx, &b)
	if _, err := io.CopyN(w, r, 2); err != nil || b.String() != "ab" {
		t.Fatalf("copied %q, %v", b.String(), err)
	}
	cancel()
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("Read: %v", err)
	}
	if _, err := io.WriteString(w, "c"); !errors.Is(err, context.Canceled) || b.String() != "ab" {
		t.Errorf("Write: %v, %q", err, b.String())
	}
}

func TestReadsAreShort(t *testing.T) {
	p := make([]byte, 20<<20)
	r := streams.Reader(t.Context(), bytes.NewReader(make([]byte, len(p))))
	if n, err := r.Read(p); n > 8<<20 || err != nil {
		t.Errorf("%d bytes at once, %v", n, err)
	}
	if n, err := io.ReadFull(r, p[8<<20:]); n != 12<<20 || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
}
