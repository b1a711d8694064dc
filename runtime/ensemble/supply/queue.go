package supply

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
)

// ErrSlow is returned by Queue.Wait if reading the weights takes longer than the caller
// waits for them.
var ErrSlow = errors.New("reading the weights takes long")

// Queue reads weights in the background, so that the weights of the next fold are in
// memory when the current fold is finished. It is not safe for concurrent use.
//
// Nothing can interrupt a read from a dead disk. Queue leaves such a read alone, and its
// memory with it.
type Queue struct {
	ctx    context.Context // ends all reads
	cancel context.CancelFunc
	source Source
	reads  []*read // not delivered yet
}

// read is the reading of one fold's weights.
type read struct {
	fold   *ensemble.Fold
	cancel context.CancelFunc
	result chan result // receives once
	slow   bool        // Wait has returned ErrSlow for it
}

type result struct {
	Weights
	err error
}

// Weights are the weights of a fold and the time that reading them took. Pass Data to
// Source.Release after use.
type Weights struct {
	Data []byte
	Took time.Duration
}

// NewQueue returns a queue of reads from source. They end when ctx does.
func NewQueue(ctx context.Context, source Source) *Queue {
	ctx, cancel := context.WithCancel(ctx)
	return &Queue{ctx: ctx, cancel: cancel, source: source}
}

// Prefetch starts to read the weights of f, unless another fold is being prefetched.
func (q *Queue) Prefetch(f *ensemble.Fold) {
	if q.find(f) == nil && !slices.ContainsFunc(q.reads, func(r *read) bool { return !r.slow }) {
		q.start(f)
	}
}

// Wait returns the weights of f. It returns ErrSlow once they have taken longer than
// patience, and goes on reading: call Wait again when Slow is false. A patience of 0
// waits without limit. When ctx ends, Wait returns its cause.
func (q *Queue) Wait(ctx context.Context, f *ensemble.Fold, patience time.Duration) (Weights, error) {
	r := q.find(f)
	if r == nil {
		q.dropPrefetched()
		r = q.start(f)
	}
	var impatient <-chan time.Time // never ready if nil
	if patience > 0 {
		impatient = time.After(patience)
	}
	select {
	case got := <-r.result:
		q.reads = slices.DeleteFunc(q.reads, func(other *read) bool { return other == r })
		return got.Weights, got.err
	case <-impatient:
		r.slow = true
		return Weights{}, ErrSlow
	case <-ctx.Done():
		return Weights{}, context.Cause(ctx)
	}
}

// Slow reports whether Wait returned ErrSlow for f and the weights have not arrived
// since.
func (q *Queue) Slow(f *ensemble.Fold) bool {
	r := q.find(f)
	return r != nil && r.slow && len(r.result) == 0
}

// Close cancels all reads and does not wait for them.
func (q *Queue) Close() { q.cancel() }

func (q *Queue) find(f *ensemble.Fold) *read {
	for _, r := range q.reads {
		if r.fold == f {
			return r
		}
	}
	return nil
}

func (q *Queue) start(f *ensemble.Fold) *read {
	ctx, cancel := context.WithCancel(q.ctx)
	r := &read{fold: f, cancel: cancel, result: make(chan result, 1)}
	q.reads = append(q.reads, r)
	go func() {
		start := time.Now()
		data, err := q.source.Read(ctx, f)
		r.result <- result{Weights{data, time.Since(start)}, err}
	}()
	return r
}

// dropPrefetched cancels the reads that nobody has waited for, and releases what they
// have read.
func (q *Queue) dropPrefetched() {
	q.reads = slices.DeleteFunc(q.reads, func(r *read) bool {
		if r.slow {
			return false
		}
		r.cancel()
		select {
		case got := <-r.result:
			if got.err == nil {
				q.source.Release(got.Data)
			}
		default: // it goes on until it notices the end of its context
		}
		return true
	})
}
