package predict

import (
	"context"
	"errors"
	"slices"
	"time"
)

// fetch is the reading of one fold's weights in the background.
type fetch struct {
	j      *job
	cancel context.CancelFunc
	result chan fetched // receives once
}

type fetched struct {
	data []byte
	took time.Duration
	err  error
}

// fetch starts reading a fold's weights. Nobody waits for a fetch that was
// given up: a read from a dead disk can't be interrupted.
func (r *run) fetch(ctx context.Context, j *job) *fetch {
	ctx, cancel := context.WithCancel(ctx)
	f := &fetch{j: j, cancel: cancel, result: make(chan fetched, 1)}
	go func() {
		start := time.Now()
		data, err := r.vault.read(ctx, j.f)
		f.result <- fetched{data, time.Since(start), err}
	}()
	return f
}

// fetchAhead starts reading the weights of the fold that comes next, so that
// they are in memory when the running one is done.
func (r *run) fetchAhead(ctx context.Context) {
	if j := r.sched.next(); j != nil && !j.stalled && r.ahead == nil {
		r.ahead = r.fetch(ctx, j)
	}
}

// take returns the fetch of a fold: one under way if it is that fold's.
func (r *run) take(ctx context.Context, j *job) *fetch {
	for i, f := range r.stalled {
		if f.j == j {
			r.stalled = slices.Delete(r.stalled, i, i+1)
			return f
		}
	}
	f := r.ahead
	r.ahead = nil
	if f != nil && f.j == j {
		return f
	}
	if f != nil {
		r.drop(f)
	}
	return r.fetch(ctx, j)
}

// drop gives up a fetch, and back what it has read.
func (r *run) drop(f *fetch) {
	f.cancel()
	select {
	case got := <-f.result:
		if got.err == nil {
			r.vault.give(got.data)
		}
	default: // it is still reading; its error gives it back
	}
}

// errStalled is that a fold's weights don't come, and others are predicted
// meanwhile.
var errStalled = errors.New("reading the weights takes long")

// weights waits for a fold's weights.
func (r *run) weights(ctx context.Context, j *job) ([]byte, error) {
	f := r.take(ctx, j)
	select {
	case got := <-f.result:
		j.stalled = false
		if got.err == nil {
			r.sched.pace.read.add(got.took.Seconds() / float64(j.f.Size))
		}
		return got.data, got.err
	case <-r.patience(j):
		if !j.stalled {
			r.journal.warn("%s: %v; others are predicted meanwhile", j.f.Name, errStalled)
		}
		j.stalled = true
		r.stalled = append(r.stalled, f)
		return nil, errStalled
	case <-r.late():
		return nil, errLate
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// patience returns a channel that tells when a fold's weights are no longer
// waited for: where the time counts and others could be predicted.
func (r *run) patience(j *job) <-chan time.Time {
	if r.o.Budget <= 0 || !r.sched.others(j) {
		return nil
	}
	wait := r.o.Budget / 50
	if read := r.sched.pace.read; read.weight > 0 {
		wait = time.Duration(4 * read.value * float64(j.f.Size) * float64(time.Second))
	}
	return time.After(max(wait, 5*time.Second))
}

// wake looks which of the stalled reads have ended.
func (r *run) wake() {
	for _, f := range r.stalled {
		if len(f.result) > 0 {
			f.j.stalled = false
		}
	}
}

// abandon gives up all reads.
func (r *run) abandon() {
	for _, f := range append(r.stalled, r.ahead) {
		if f != nil {
			f.cancel()
		}
	}
}
