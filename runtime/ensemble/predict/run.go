package predict

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble/pace"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble/supply"
)

// Run predicts the plan and writes the submission. When ctx ends, Run returns its error;
// the submission then holds the finished folds, if there are any.
func Run(ctx context.Context, p *ensemble.Plan, o Options) (Summary, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s, err := prepare(ctx, p, o)
	if err != nil {
		return Summary{}, err
	}
	defer s.journal.end()
	r := newRun(ctx, p, s)
	defer r.weights.Close()
	resumed := 0
	switch {
	case s.late():
		r.report.late()
	case !s.idle():
		resumed = r.results.resume(r.predictor.out)
		if err := r.folds(ctx); err != nil {
			return Summary{}, err
		}
	}
	return r.finish(s, resumed)
}

// run predicts the folds of a plan one after another.
type run struct {
	clock     *pace.Clock
	schedule  *pace.Schedule
	source    supply.Source
	weights   *supply.Queue
	predictor *predictor
	results   *results
	report    *report
	partial   bool // go on without folds that fail
}

func newRun(ctx context.Context, p *ensemble.Plan, s *setup) *run {
	images := newImageLog(s.journal, p, s.test.images)
	return &run{
		clock:     s.clock,
		schedule:  s.schedule,
		source:    s.source,
		weights:   supply.NewQueue(ctx, s.source),
		predictor: newPredictor(s, images, p.Values()),
		results: &results{
			journal: s.journal, clock: s.clock, schedule: s.schedule, output: newOutput(s.options.Output, p, s.test),
			scratch: s.scratch, predictions: s.options.Predictions,
		},
		report:  &report{journal: s.journal, clock: s.clock, schedule: s.schedule, images: len(s.test.images), score: p.Score},
		partial: s.options.Partial,
	}
}

// folds predicts fold after fold, until none is left or the budget is used up.
func (r *run) folds(ctx context.Context) error {
	for {
		r.fit(nil)
		j := r.schedule.Next(r.weights.Slow)
		if j == nil {
			return nil
		}
		err := pace.ErrLate
		if !r.clock.Over() {
			err = r.predict(ctx, j)
		}
		switch {
		case err == nil:
			r.finishJob(j)
		case errors.Is(err, supply.ErrSlow):
		case errors.Is(err, pace.ErrLate):
			r.report.late()
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case r.partial:
			leaveOut(j, err, r.report.journal)
		default:
			return fmt.Errorf("%s: %w", j.Fold.Name, err)
		}
	}
}

// fit adapts the number of cuts to the time that is left.
func (r *run) fit(running *pace.Job) {
	if r.clock.Limited() {
		r.schedule.Fit(r.clock.Left(), running)
		r.report.cuts(running)
	}
}

// predict predicts one fold and adds its predictions to the sum, even if the budget ends
// before the last image.
func (r *run) predict(ctx context.Context, j *pace.Job) error {
	data, err := r.wait(ctx, j)
	if err != nil {
		return err
	}
	net, took, err := r.predictor.network(ctx, r.clock, j, data, r.source.Release)
	if err != nil {
		return err
	}
	r.schedule.Speed.Loaded(j.Fold.Size, took)
	j.Start()
	r.prefetch()
	err = r.watch(ctx, j, r.predictor.pass(net, j, r.schedule.Views(j)))
	r.predictor.images.warnOfCrops()
	if err == nil || errors.Is(err, pace.ErrLate) {
		r.results.output.add(j, r.predictor.predictions(j))
	}
	return err
}

// wait returns the weights of a job. It returns supply.ErrSlow if another job should run
// first.
func (r *run) wait(ctx context.Context, j *pace.Job) ([]byte, error) {
	ctx, cancel := r.clock.Context(ctx)
	defer cancel()
	known := r.weights.Slow(j.Fold)
	w, err := r.weights.Wait(ctx, j.Fold, r.schedule.Patience(j, r.clock, r.weights.Slow))
	switch {
	case err == nil:
		r.schedule.Speed.Read(j.Fold.Size, w.Took)
	case errors.Is(err, supply.ErrSlow) && !known:
		r.report.journal.warn("%s: %v; other folds are predicted meanwhile", j.Fold.Name, err)
	}
	return w.Data, err
}

// prefetch starts to read the weights of the next fold.
func (r *run) prefetch() {
	if j := r.schedule.Next(r.weights.Slow); j != nil && !r.weights.Slow(j.Fold) {
		r.weights.Prefetch(j.Fold)
	}
}

// watch runs a pass and adapts its views to the time that is left. When the budget is used
// up, it returns pace.ErrLate and does not wait for the end of the pass.
func (r *run) watch(ctx context.Context, j *pace.Job, p *pass) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	limited, stop := r.clock.Context(ctx)
	defer stop()
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
			r.schedule.Speed.Predicted(j.ModelIndex, s.images*s.views, now.Sub(last))
			last = now
			j.Advance(s.done, s.views)
			r.fit(j)
			p.batches.views.Store(int32(r.schedule.Views(j)))
			r.report.status(j)
		case err := <-result:
			return err
		case <-limited.Done():
			if ctx.Err() != nil {
				return <-result
			}
			return pace.ErrLate
		}
	}
}

// finishJob keeps the predictions of a job whose images are all predicted.
func (r *run) finishJob(j *pace.Job) {
	r.schedule.Finish(j)
	r.results.keep(j, r.predictor.out)
	r.fit(nil)
	r.report.fold(j)
}

// finish writes the submission and returns the summary of the run.
func (r *run) finish(s *setup, resumed int) (Summary, error) {
	if !r.schedule.Predicted() && r.schedule.Count(pace.Failed) == len(r.schedule.Jobs) {
		return Summary{}, errors.New("none of the folds could be predicted")
	}
	if err := r.results.writeLast(r.partial); err != nil {
		return Summary{}, err
	}
	out := r.results.output
	sum := Summary{Resumed: resumed, Defaults: out.defaults(), Took: r.clock.Elapsed()}
	sum.countImages(s, r.predictor.images)
	sum.countFolds(s)
	if len(sum.Dropped) == 0 && r.results.failure == nil {
		r.results.clean()
	}
	r.report.end(&sum, out, s.idle())
	return sum, r.results.failure
}
