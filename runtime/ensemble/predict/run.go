package predict

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
)

// Run predicts the plan and writes the submission. When ctx ends it returns
// ctx's error; the submission then holds the folds that were finished, if any.
func Run(ctx context.Context, p *ensemble.Plan, o Options) (Summary, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r, err := prepare(ctx, p, o)
	if err != nil {
		return Summary{}, err
	}
	defer r.journal.end()
	if !r.idle {
		if err := r.resume(); err != nil {
			return Summary{}, err
		}
		if err := r.folds(ctx); err != nil {
			return Summary{}, err
		}
	}
	return r.finish()
}

// errLate is that the time is over.
var errLate = errors.New("the budget is used up")

// folds predicts fold after fold until there are none or the time is over.
func (r *run) folds(ctx context.Context) error {
	defer r.abandon()
	for {
		r.wake()
		r.fit(nil)
		j := r.sched.next()
		if j == nil {
			return nil
		}
		err := errLate
		if !r.over && (r.o.Budget <= 0 || r.left() > 0) {
			err = r.predict(ctx, j)
		}
		switch {
		case err == nil:
			r.finished(j)
		case errors.Is(err, errStalled):
		case errors.Is(err, errLate):
			r.journal.line("the budget of %s is used up: ending with what there is", short(r.o.Budget))
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case r.o.Partial:
			r.fail(j, err)
		default:
			return fmt.Errorf("%s: %w", j.f.Name, err)
		}
	}
}

// predict runs one fold and puts its predictions into the sum, also where the
// time is over before its last image.
func (r *run) predict(ctx context.Context, j *job) error {
	got, err := r.weights(ctx, j)
	if err != nil {
		return err
	}
	net, err := r.network(ctx, j, got)
	if err != nil {
		return err
	}
	j.state = started
	r.fetchAhead(ctx)

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p := &pass{
		net: net, decoder: j.m.Decoder(r.o.Formats), pre: j.m.Preprocess(r.archs[j.model]),
		images: r.images, classes: r.plan.Classes, threshold: j.f.Threshold,
		batch: r.o.Batch, threads: r.o.Threads, out: r.out, unreadable: r.sawUnreadable, damaged: r.sawDamaged, sized: r.sawSize,
	}
	p.views.Store(int32(r.sched.now(j)))
	err = r.watch(ctx, j, p)
	r.warnOfCrops()
	if err == nil || errors.Is(err, errLate) {
		r.sum.add(j.m.Weight, r.out[:j.done*r.plan.Classes])
		r.dirty = r.dirty || j.done > 0
	}
	return err
}

// network makes the network of a fold, beside the clock, and gives the data back.
func (r *run) network(ctx context.Context, j *job, data []byte) (network, error) {
	type made struct {
		net network
		err error
	}
	result := make(chan made, 1)
	start := time.Now()
	go func() {
		net, err := r.o.load(r.archs[j.model], j.m, data, r.o.Threads)
		r.vault.give(data)
		result <- made{net, err}
	}()
	select {
	case m := <-result:
		r.sched.pace.setup.add(time.Since(start).Seconds() / float64(j.f.Size))
		return m.net, m.err
	case <-r.late():
		return nil, errLate
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// watch runs a pass, keeps its pace and ends it when the time is over. A pass
// that doesn't end then is not waited for.
func (r *run) watch(ctx context.Context, j *job, p *pass) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	steps, result := make(chan step), make(chan error, 1)
	go func() {
		result <- p.run(ctx, func(s step) {
			select {
			case steps <- s:
			case <-ctx.Done():
			}
		})
	}()
	last := time.Now()
	for {
		select {
		case s := <-steps:
			now := time.Now()
			r.sched.pace.saw(j.model, s.images*s.views, now.Sub(last))
			last = now
			j.done, j.least = s.done, min(j.least, s.views)
			r.fit(j)
			p.views.Store(int32(r.sched.now(j)))
			r.tell(j)
		case err := <-result:
			return err
		case <-r.late():
			return errLate
		}
	}
}

// finished takes down a fold that was predicted whole.
func (r *run) finished(j *job) {
	j.state = finished
	r.sched.pace.settle(j.model)
	r.summary.Folds++
	if r.scratch != nil {
		if err := r.scratch.save(j, r.out); err != nil {
			r.journal.warn("a restart will begin anew: %v", err)
			r.scratch = nil
		}
	}
	r.keepPredictions(j)
	r.early()
	r.tellFold(j)
}

// keepPredictions writes level1_test_<fold>.npy where that is wanted.
func (r *run) keepPredictions(j *job) {
	if r.o.Predictions == "" {
		return
	}
	path := filepath.Join(r.o.Predictions, "level1_test_"+j.f.Name+".npy")
	if err := writePredictions(path, r.out, r.places, r.plan.Classes, j.f.Threshold); err != nil {
		r.journal.warn("%v", err)
		r.failure = errors.Join(r.failure, err)
	}
}

// resume takes finished folds from an earlier run's scratch folder.
func (r *run) resume() error {
	if r.scratch == nil {
		return nil
	}
	for _, j := range r.sched.jobs {
		if j.state != waiting {
			continue
		}
		views, err := r.scratch.load(j, r.out)
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				r.journal.warn("not taken up: %v", err)
			}
			continue
		}
		if views < j.m.Views && r.o.Budget == 0 {
			continue // there is time now for what was cut then
		}
		j.state, j.done, j.least = finished, len(r.images), views
		r.sum.add(j.m.Weight, r.out)
		r.dirty = true
		r.summary.Folds++
		r.summary.Resumed++
		r.keepPredictions(j)
	}
	if r.summary.Resumed > 0 {
		r.journal.line("taking up an earlier run: %d of %d folds are there", r.summary.Resumed, len(r.sched.jobs))
		r.early()
	}
	return nil
}

// write writes the submission of what is predicted so far.
func (r *run) write() error {
	return writeSubmission(r.o.Output, r.sample, r.places, r.sum, r.sum.fallback(r.plan.Fallback))
}

// last writes the submission for the last time. Where it can't be written, the
// one of the folds before stays, and serves where the rest may be left out.
func (r *run) last() error {
	err := r.write()
	if err != nil && r.scratch != nil {
		// The disk may be full of what a restart would need.
		r.scratch.remove(r.sched.jobs)
		r.scratch = nil
		err = r.write()
	}
	if err == nil || r.wrote.IsZero() {
		return err
	}
	err = fmt.Errorf("%w; it holds %d of %d folds", err, r.wroteFolds, len(r.sched.jobs))
	if !r.o.Partial {
		return err
	}
	r.journal.warn("%v", err)
	return nil
}

// finish writes the submission and sums up the run.
func (r *run) finish() (Summary, error) {
	if r.sched.count(finished)+r.sched.count(started) == 0 && r.sched.count(failed) == len(r.sched.jobs) {
		return Summary{}, errors.New("none of the folds could be predicted")
	}
	if r.dirty || r.wrote.IsZero() {
		if err := r.last(); err != nil {
			return Summary{}, err
		}
	}
	s := &r.summary
	s.Images = len(r.images)
	for _, i := range r.places {
		if !r.sum.has[i] {
			s.Defaults++
		}
	}
	r.mu.Lock() // a pass that was not waited for may still decode
	for i, m := range r.images {
		if !r.over && !r.idle && (r.unreadable[i] || m.path == "") {
			s.Unreadable = append(s.Unreadable, m.id)
		}
		if r.damaged[i] {
			s.Damaged = append(s.Damaged, m.id)
		}
	}
	r.mu.Unlock()
	for _, j := range r.sched.jobs {
		switch {
		case j.state == finished && j.least < j.m.Views:
			s.Reduced = append(s.Reduced, fmt.Sprintf("%s: %d of %d views", j.f.Name, j.least, j.m.Views))
		case j.state == started:
			s.Dropped = append(s.Dropped, fmt.Sprintf("%s: %d of %d images", j.f.Name, j.done, len(r.images)))
		case j.state == waiting && r.idle:
		case j.state == waiting:
			s.Dropped = append(s.Dropped, j.f.Name+": no time")
		case j.state == failed:
			s.Dropped = append(s.Dropped, j.f.Name+": "+j.reason)
		}
	}
	s.Took = time.Since(r.start)
	if r.scratch != nil && len(s.Dropped) == 0 && r.failure == nil {
		r.scratch.remove(r.sched.jobs)
	}
	r.tellEnd()
	return *s, r.failure
}
