package predict

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
)

// batch is a number of consecutive images on their way into the network.
type batch struct {
	first, count int // images first to first+count-1
	views        int // of each image
	inputs       []float32
	logits       []float32
	bad          []bool // by image: it can't be decoded
}

// decoder turns the file of an item into inputs of a network. Only one goroutine at a
// time uses it.
type decoder interface {
	// decode writes the views of an item to inputs, one after the other. ok is false if
	// the file yields none. For a damaged file, ok is true and err says what is wrong.
	decode(path string, views int, inputs []float32) (ok bool, err error)
}

// batcher decodes the images into batches, in order.
type batcher struct {
	images   []image
	decoders []decoder // one for each decoding goroutine
	input    int       // number of values of a network input
	size     int       // of a batch, in network inputs
	// views is the number of views of the images that are not decoded yet. It may change
	// at any time.
	views    atomic.Int32
	observer observer
}

// observer learns about the images while they are decoded, from several goroutines.
type observer interface {
	unreadable(image int, err error)
	damaged(image int, err error) // the image is used all the same
}

// run fills the batches from free and sends them to ready, until there are no more
// images or ctx ends.
func (d *batcher) run(ctx context.Context, free <-chan *batch, ready chan<- *batch) {
	for first := 0; first < len(d.images); {
		var b *batch
		select {
		case b = <-free:
		case <-ctx.Done():
			return
		}
		views := int(d.views.Load())
		count := min(max(d.size/views, 1), len(d.images)-first)
		b.first, b.count, b.views = first, count, views
		b.inputs = grow(b.inputs, count*views*d.input)
		b.bad = grow(b.bad, count)
		d.fill(ctx, b)
		first += count
		select {
		case ready <- b:
		case <-ctx.Done():
			return
		}
	}
}

// fill decodes the images of a batch in parallel.
func (d *batcher) fill(ctx context.Context, b *batch) {
	var next atomic.Int64
	var workers sync.WaitGroup
	for w := range min(len(d.decoders), b.count) {
		workers.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= b.count {
					return
				}
				d.decode(b, i, d.decoders[w])
			}
		})
	}
	workers.Wait()
}

// errNoFile is reported for an image without a file.
var errNoFile = errors.New("there is no such image")

// decode decodes image i of a batch by dec.
func (d *batcher) decode(b *batch, i int, dec decoder) {
	n := b.views * d.input
	inputs := b.inputs[i*n : (i+1)*n]
	ok, err := false, errNoFile
	if path := d.images[b.first+i].path; path != "" {
		ok, err = dec.decode(path, b.views, inputs)
	}
	b.bad[i] = !ok
	switch {
	case !ok:
		d.observer.unreadable(b.first+i, err)
		clear(inputs)
	case err != nil:
		d.observer.damaged(b.first+i, err)
	}
}

// grow returns a slice of length n with arbitrary contents, s itself if it is large
// enough.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
