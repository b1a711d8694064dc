package predict

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
)

// pass is one fold's way over the images. While the network computes a batch,
// the next one is decoded; two batches are in memory, never more.
type pass struct {
	net       network
	decoder   vision.Decoder
	pre       vision.Preprocess
	images    []image
	classes   int
	threshold float64
	batch     int // network inputs at a time
	threads   int
	scratch   []*vision.Scratch // of the goroutines that decode
	// views of the images that are yet to be decoded; may be changed at any
	// time.
	views atomic.Int32
	// out receives the predictions: a row of classes for every image.
	out []float32
	// unreadable is told of images that can't be decoded, from several
	// goroutines.
	unreadable func(i int, err error)
	// damaged is told of images that are used although their file is damaged,
	// from several goroutines; nil is told of none.
	damaged func(i int, err error)
	// sized is told the size of each image, from several goroutines; it may be
	// nil.
	sized func(w, h int)
}

// image is an image of the sample.
type image struct {
	id   string
	path string // "" where there is none
	size int64
	time int64 // of the last change, in nanoseconds
}

// batch is some images on their way into the network.
type batch struct {
	first, count int // of the images
	views        int // of each
	inputs       []float32
	logits       []float32
	bad          []bool
}

// step tells that the images before done are predicted, the last of them with
// so many views.
type step struct{ done, images, views int }

// errNaN is that a network's output makes no sense.
var errNaN = errors.New("the network gives no numbers (NaN): its weights are damaged or made for another network")

// run predicts all images and reports each batch. It returns early, with the
// context's error, when ctx ends; the rows that were reported are good then.
func (p *pass) run(ctx context.Context, report func(step)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	free, ready := make(chan *batch, 2), make(chan *batch)
	for range cap(free) {
		free <- &batch{}
	}
	var decoder sync.WaitGroup
	decoder.Add(1)
	go func() {
		defer decoder.Done()
		defer close(ready)
		p.decode(ctx, free, ready)
	}()
	defer decoder.Wait()
	defer cancel()
	for b := range ready {
		if err := p.net.Predict(ctx, b.inputs, b.logits); err != nil {
			return err
		}
		if err := p.store(b); err != nil {
			return err
		}
		done := step{b.first + b.count, b.count, b.views}
		free <- b
		report(done)
	}
	return ctx.Err()
}

// decode fills batches with the images, in order.
func (p *pass) decode(ctx context.Context, free <-chan *batch, ready chan<- *batch) {
	for first := 0; first < len(p.images); {
		var b *batch
		select {
		case b = <-free:
		case <-ctx.Done():
			return
		}
		views := int(p.views.Load())
		count := min(max(p.batch/views, 1), len(p.images)-first)
		b.reset(first, count, views, 3*p.pre.Size*p.pre.Size, p.classes)
		p.fill(ctx, b)
		first += count
		select {
		case ready <- b:
		case <-ctx.Done():
			return
		}
	}
}

func (b *batch) reset(first, count, views, inputLen, classes int) {
	b.first, b.count, b.views = first, count, views
	b.inputs = grow(b.inputs, count*views*inputLen)
	b.logits = grow(b.logits, count*views*classes)
	b.bad = grow(b.bad, count)
}

func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// fill decodes the images of a batch in as many goroutines as there are
// threads.
func (p *pass) fill(ctx context.Context, b *batch) {
	var next atomic.Int64
	var workers sync.WaitGroup
	n := min(p.threads, b.count)
	for len(p.scratch) < n {
		p.scratch = append(p.scratch, &vision.Scratch{})
	}
	for _, s := range p.scratch[:n] {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= b.count {
					return
				}
				p.one(b, i, s)
			}
		}()
	}
	workers.Wait()
}

// one decodes image i of a batch. s is the goroutine's.
func (p *pass) one(b *batch, i int, s *vision.Scratch) {
	n := 3 * p.pre.Size * p.pre.Size
	inputs := b.inputs[i*b.views*n : (i+1)*b.views*n]
	img, err := p.image(p.images[b.first+i].path)
	b.bad[i] = img == nil
	switch {
	case img == nil:
		p.unreadable(b.first+i, err)
		clear(inputs)
		return
	case err != nil && p.damaged != nil:
		p.damaged(b.first+i, err)
	}
	if p.sized != nil {
		p.sized(img.W, img.H)
	}
	p.pre.Views(img, b.views, inputs, s)
}

// image reads an image. A damaged one comes with an error.
func (p *pass) image(path string) (*vision.Image, error) {
	if path == "" {
		return nil, errors.New("there is no such image")
	}
	return p.decoder.DecodeFile(path)
}

// store turns the logits of a batch into predictions.
func (p *pass) store(b *batch) error {
	for i := range b.count {
		row := p.out[(b.first+i)*p.classes : (b.first+i+1)*p.classes]
		if b.bad[i] {
			miss(row)
			continue
		}
		logits := b.logits[i*b.views*p.classes : (i+1)*b.views*p.classes]
		for c := range row {
			total := 0.0
			for v := range b.views {
				total += sigmoid(logits[v*p.classes+c])
			}
			row[c] = float32(total/float64(b.views) - p.threshold)
			if row[c] != row[c] {
				return errNaN
			}
		}
	}
	return nil
}
