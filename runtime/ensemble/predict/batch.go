package predict

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
)

// batch is a number of consecutive images on their way into the network.
type batch struct {
	first, count int // images first to first+count-1
	views        int // of each image
	inputs       []float32
	logits       []float32
	bad          []bool // by image: it can't be decoded
}

// batcher decodes the images into batches, in order.
type batcher struct {
	images  []image
	decoder vision.Decoder
	pre     vision.Preprocess
	size    int // of a batch, in network inputs
	// views is the number of views of the images that are not decoded yet. It may change
	// at any time.
	views    atomic.Int32
	observer observer
	scratch  []vision.Scratch // one for each decoding goroutine
}

// observer learns about the images while they are decoded, from several goroutines.
type observer interface {
	unreadable(image int, err error)
	damaged(image int, err error) // the image is used all the same
	size(width, height int)       // in pixels
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
		b.inputs = grow(b.inputs, count*views*d.inputLen())
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

// inputLen returns the number of values of one network input.
func (d *batcher) inputLen() int { return 3 * d.pre.Size * d.pre.Size }

// fill decodes the images of a batch in parallel.
func (d *batcher) fill(ctx context.Context, b *batch) {
	var next atomic.Int64
	var workers sync.WaitGroup
	for w := range min(len(d.scratch), b.count) {
		workers.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= b.count {
					return
				}
				d.decode(b, i, &d.scratch[w])
			}
		})
	}
	workers.Wait()
}

// decode decodes image i of a batch. s belongs to the calling goroutine.
func (d *batcher) decode(b *batch, i int, s *vision.Scratch) {
	n := b.views * d.inputLen()
	inputs := b.inputs[i*n : (i+1)*n]
	img, err := d.read(d.images[b.first+i].path)
	b.bad[i] = img == nil
	if img == nil {
		d.observer.unreadable(b.first+i, err)
		clear(inputs)
		return
	}
	if err != nil {
		d.observer.damaged(b.first+i, err)
	}
	d.observer.size(img.W, img.H)
	d.pre.Views(img, b.views, inputs, s)
}

// read reads an image. For a damaged file it returns both an image and an error.
func (d *batcher) read(path string) (*vision.Image, error) {
	if path == "" {
		return nil, errors.New("there is no such image")
	}
	return d.decoder.DecodeFile(path)
}

// grow returns a slice of length n with arbitrary contents, s itself if it is large
// enough.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
