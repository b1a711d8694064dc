package predict

import (
	"context"
	"errors"
	"sync"

	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble/submission"
)

// pass predicts all images with one network. While the network computes a batch, the
// next one is decoded. No more than two batches are in memory.
type pass struct {
	batches   *batcher
	net       network
	model     *ensemble.Model
	threshold float64   // subtracted from the mean over the views
	out       []float32 // predictions: images × values
	mean      []float64 // of the views of one image
}

// newPass returns a pass that writes the predictions of a fold of m to out.
func newPass(b *batcher, net network, m *ensemble.Model, f *ensemble.Fold, out []float32) *pass {
	return &pass{batches: b, net: net, model: m, threshold: f.Threshold, out: out, mean: make([]float64, m.Values())}
}

// step reports that the first done images are predicted, the last few of them with a
// number of views.
type step struct{ done, images, views int }

// errNotFinite is returned if a prediction is NaN or infinite.
var errNotFinite = errors.New("the output of the network is not a finite number: its weights are damaged or belong to another network")

// run predicts all images and calls report after each batch. When ctx ends, run returns
// its error; the predictions reported so far are valid.
func (p *pass) run(ctx context.Context, report func(step)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	free, ready := make(chan *batch, 2), make(chan *batch)
	for range cap(free) {
		free <- &batch{}
	}
	var decoding sync.WaitGroup
	decoding.Go(func() {
		defer close(ready)
		p.batches.run(ctx, free, ready)
	})
	defer decoding.Wait()
	defer cancel()
	for b := range ready {
		b.logits = grow(b.logits, b.count*b.views*p.logits())
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

// store turns the logits of a batch into predictions.
func (p *pass) store(b *batch) error {
	values, logits := len(p.mean), p.logits()
	for i := range b.count {
		row := p.out[(b.first+i)*values : (b.first+i+1)*values]
		if b.bad[i] {
			submission.MarkMissing(row)
			continue
		}
		clear(p.mean)
		for v := i * b.views; v < (i+1)*b.views; v++ {
			p.model.Task.Add(p.mean, b.logits[v*logits:(v+1)*logits])
		}
		for c, total := range p.mean {
			row[c] = float32(total/float64(b.views) - p.threshold)
			if row[c]-row[c] != 0 {
				return errNotFinite
			}
		}
	}
	return nil
}

// logits returns the number of logits of one view.
func (p *pass) logits() int { return p.model.Task.Logits(p.model.Classes) }
