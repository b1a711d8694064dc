package ensemble

import (
	"context"
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
	if j := r.sched.next(); j != nil && r.ahead == nil {
		r.ahead = r.fetch(ctx, j)
	}
}

// take returns the fetch of a fold: the one ahead if it is that fold's.
func (r *run) take(ctx context.Context, j *job) *fetch {
	f := r.ahead
	r.ahead = nil
	if f != nil && f.j == j {
		return f
	}
	if f != nil {
		f.cancel()
	}
	return r.fetch(ctx, j)
}
