package predict

import (
	"context"
	"errors"
	"math"
	"sync"

	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble/submission"
)

// pass predicts all images with one network. While the network computes a batch, the
// next one is decoded. No more than two batches are in memory.
type pass struct {
	batches   *batcher
	net       network
	classes   int
	threshold float64   // subtracted from the mean of the sigmoids
	out       []float32 // predictions: images × classes
}

// step reports that the first done images are predicted, the last few of them with a
// number of views.
type step struct{ done, images, views int }

// errNaN is returned if the logits contain NaN.
var errNaN = errors.New("the output of the network is NaN: its weights are damaged or belong to another network")

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
		b.logits = grow(b.logits, b.count*b.views*p.classes)
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
	for i := range b.count {
		row := p.out[(b.first+i)*p.classes : (b.first+i+1)*p.classes]
		if b.bad[i] {
			submission.MarkMissing(row)
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

func sigmoid(x float32) float64 { return 1 / (1 + math.Exp(-float64(x))) }
