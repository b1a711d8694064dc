package crypt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/deploy-kernel/deploy-kernel/internal/hugepage"
)

// ReadAll returns the whole plaintext in new memory. It reads like
// [ReaderAt.ReadInto].
func (r *ReaderAt) ReadAll(ctx context.Context, threads int) ([]byte, error) {
	if r.layout.Plain > math.MaxInt {
		return nil, errors.New("crypt: the file is too large for this machine's memory")
	}
	p := make([]byte, r.layout.Plain)
	if err := r.ReadInto(ctx, p, threads); err != nil {
		return nil, err
	}
	return p, nil
}

// ReadInto fills p, which must have the size of the plaintext. It decrypts segments
// in threads goroutines; 0 means one per core. Each goroutine takes 1 MiB besides p,
// so a segment stays in the cache between reading and decryption. Memory that was
// used before is faster than new memory, whose pages the operating system must clear.
// After an error, p holds parts of the plaintext.
func (r *ReaderAt) ReadInto(ctx context.Context, p []byte, threads int) error {
	if int64(len(p)) != r.layout.Plain {
		return fmt.Errorf("crypt: a buffer of %d bytes for a plaintext of %d", len(p), r.layout.Plain)
	}
	if len(p) >= 4*hugepage.Size {
		// A first write to new memory then faults once per huge page, not once
		// per 4 KiB.
		hugepage.Advise(p)
	}
	var (
		next  atomic.Int64
		group sync.WaitGroup
		errs  = make([]error, r.workers(threads))
	)
	for w := range errs {
		group.Go(func() {
			for {
				i := next.Add(1) - 1
				if i >= r.layout.Segments {
					return
				}
				off, size := r.layout.PlainSegment(i)
				err := ctx.Err()
				if err == nil {
					err = r.open(p[off:off+int64(size)], i)
				}
				if err != nil {
					errs[w] = err
					next.Store(r.layout.Segments) // stops the other goroutines
					return
				}
			}
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// workers returns the number of goroutines to use for the given number of threads.
func (r *ReaderAt) workers(threads int) int {
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	return int(min(int64(threads), r.layout.Segments))
}

// opened is the plaintext of a segment on its way to the writer.
type opened struct {
	plain []byte
	err   error
}

// WriteTo writes the whole plaintext to w in order, while one goroutine per core
// decrypts ahead. All bytes written are authenticated, but WriteTo may still refuse a
// later segment. After an error the caller must discard what was written.
func (r *ReaderAt) WriteTo(w io.Writer) (n int64, err error) {
	workers := r.workers(0)
	ready := make([]chan opened, workers) // ready[i%workers] delivers segment i
	stop := make(chan struct{})
	var group sync.WaitGroup
	defer group.Wait()
	defer close(stop)
	// Each worker has two buffers: w reads one while the worker fills the other.
	free := make([]chan []byte, workers)
	for k := range workers {
		ready[k], free[k] = make(chan opened, 2), make(chan []byte, 2)
		free[k] <- nil
		free[k] <- nil
		group.Go(func() { r.openEvery(k, workers, free[k], ready[k], stop) })
	}
	for i := range r.layout.Segments {
		k := i % int64(workers)
		o := <-ready[k]
		if o.err != nil {
			return n, o.err
		}
		m, err := w.Write(o.plain)
		n += int64(m)
		if err == nil && m < len(o.plain) {
			err = io.ErrShortWrite
		}
		if err != nil {
			return n, err
		}
		free[k] <- o.plain
	}
	return n, nil
}

// openEvery decrypts the segments first, first+step, … into buffers from free, until
// stop is closed.
func (r *ReaderAt) openEvery(first, step int, free <-chan []byte, ready chan<- opened, stop <-chan struct{}) {
	for i := int64(first); i < r.layout.Segments; i += int64(step) {
		var buf []byte
		select {
		case buf = <-free:
		case <-stop:
			return
		}
		_, size := r.layout.PlainSegment(i)
		if cap(buf) < size {
			buf = make([]byte, size)
		}
		buf = buf[:size]
		err := r.open(buf, i)
		ready <- opened{buf, err} // never blocks, as only two buffers exist
		if err != nil {
			return
		}
	}
}
