package predict

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
)

// FoldOptions say how [Fold] goes about its work. Formats is needed.
type FoldOptions struct {
	Formats []vision.Format // the formats of images that can be decoded
	Threads int             // 0 is one for each core
	Batch   int             // network inputs at a time; 0 is 32
	// Tell, where not nil, is told after every batch how many images are done.
	Tell func(done int)
}

// Fold predicts images with one fold, exactly as Run does for each fold
// of a plan: a row of m.Classes predictions for every path, each the mean over
// the views of the sigmoid, less the fold's threshold. data are the bytes of the
// fold's safetensors file. An image that can't be decoded is an error; a damaged one
// is used as far as it can be decoded.
func Fold(ctx context.Context, a arch.Arch, m *ensemble.Model, f *ensemble.Fold, data []byte, paths []string, o FoldOptions) ([]float32, error) {
	if o.Threads <= 0 {
		o.Threads = runtime.GOMAXPROCS(0)
	}
	if o.Batch <= 0 {
		o.Batch = 32
	}
	net, err := loadNetwork(a, m, data, o.Threads)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var once sync.Once
	var broken error
	p := &pass{
		net: net, decoder: m.Decoder(o.Formats), pre: m.Preprocess(a),
		classes: m.Classes, threshold: f.Threshold, batch: o.Batch, threads: o.Threads,
		images: make([]image, len(paths)), out: make([]float32, len(paths)*m.Classes),
		unreadable: func(_ int, err error) {
			once.Do(func() { broken = err })
			cancel()
		},
	}
	for i, path := range paths {
		p.images[i].path = path
	}
	p.views.Store(int32(m.Views))
	err = p.run(ctx, func(s step) {
		if o.Tell != nil {
			o.Tell(s.done)
		}
	})
	if broken != nil {
		return nil, broken
	}
	if err != nil {
		return nil, err
	}
	return p.out, nil
}
