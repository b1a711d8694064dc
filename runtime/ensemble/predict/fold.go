package predict

import (
	"context"
	"fmt"
	"sync"

	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/engine"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
)

// FoldOptions configure [Fold]. Operations and Formats are required.
type FoldOptions struct {
	Operations []engine.Operation // at least those of the network
	Formats    []vision.Format    // image formats to decode
	Threads    int                // computing goroutines; 0 means one for each core
	Batch      int                // network inputs at a time; 0 means 32
	// Tell, if not nil, receives the number of predicted images after every batch.
	Tell func(done int)
}

// Fold predicts images with one set of weights, exactly as Run does. a is the model's
// architecture, and data is the fold's safetensors file.
//
// The result has a row of m.Values() predictions for each path: the mean over the views,
// minus the fold's threshold. An image that can't be decoded is an error. A damaged
// image is used as far as it can be decoded.
func Fold(ctx context.Context, a arch.Arch, m *ensemble.Model, f *ensemble.Fold, data []byte, paths []string, o FoldOptions) ([]float32, error) {
	threads, size := defaults(o.Threads, o.Batch)
	net, err := loadNetwork(o.Operations, a, m, data, threads)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	first := &firstError{stop: cancel}
	images := make([]image, len(paths))
	for i, path := range paths {
		images[i].path = path
	}
	batches := &batcher{
		images: images, decoders: newImageDecoders(threads, m, a, o.Formats, nil), input: m.Input(), size: size, observer: first,
	}
	p := newPass(batches, net, m, f, make([]float32, len(paths)*m.Values()))
	p.batches.views.Store(int32(m.Views))
	err = p.run(ctx, func(s step) {
		if o.Tell != nil {
			o.Tell(s.done)
		}
	})
	if first.err != nil {
		return nil, first.err
	}
	if err != nil {
		return nil, err
	}
	return p.out, nil
}

// firstError is an observer that stops at the first image that can't be decoded.
type firstError struct {
	once sync.Once
	err  error
	stop func()
}

func (e *firstError) unreadable(_ int, err error) {
	e.once.Do(func() { e.err = err })
	e.stop()
}

func (e *firstError) damaged(int, error) {}
