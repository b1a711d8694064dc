package predict

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble/pace"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble/submission"
)

// results keeps the predictions of finished folds: in the submission, in the scratch
// folder, and in level1_test_<fold>.npy files.
type results struct {
	journal     *journal
	clock       *pace.Clock
	schedule    *pace.Schedule
	output      *output
	scratch     *scratch // nil keeps nothing
	predictions string   // folder of the .npy files; "" writes none
	failure     error    // of writing .npy files
	warned      bool     // the user knows that the submission can't be written
}

// keep keeps the predictions of a job that has just finished. They are in the sum
// already.
func (r *results) keep(j *pace.Job, predictions []float32) {
	if r.scratch != nil {
		if err := r.scratch.save(j, predictions); err != nil {
			r.journal.warn("a restart will begin anew: %v", err)
			r.scratch = nil
		}
	}
	r.writePredictions(j, predictions)
	r.writeEarly()
}

// writePredictions writes the .npy file of a fold.
func (r *results) writePredictions(j *pace.Job, predictions []float32) {
	if r.predictions == "" {
		return
	}
	path := filepath.Join(r.predictions, "level1_test_"+j.Fold.Name+".npy")
	if err := submission.WritePredictions(path, predictions, r.output.test.answered(), j.Model.Values(), j.Fold.Threshold); err != nil {
		r.journal.warn("%v", err)
		r.failure = errors.Join(r.failure, err)
	}
}

// writeEarly writes the submission of the folds so far. It does nothing if the last
// write was a short time ago.
func (r *results) writeEarly() {
	if !r.output.due() {
		return
	}
	if err := r.output.write(r.schedule.Count(pace.Finished)); err != nil {
		if !r.warned {
			r.journal.warn("%v", err)
		}
		r.warned = true
		return
	}
	r.clock.Wrote(r.output.took)
}

// resume takes the predictions of an earlier run from the scratch folder, and returns of
// how many folds. buffer has room for the predictions of a fold. Without a budget it
// leaves out folds that got fewer views than planned: now there is time for them.
func (r *results) resume(buffer []float32) (folds int) {
	if r.scratch == nil {
		return 0
	}
	for _, j := range r.schedule.Jobs {
		if j.State != pace.Waiting {
			continue
		}
		views, err := r.scratch.load(j, buffer)
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				r.journal.warn("not resumed: %v", err)
			}
			continue
		}
		if views < j.Model.Views && !r.clock.Limited() {
			continue
		}
		r.schedule.Restore(j, views)
		r.output.add(j, buffer)
		r.writePredictions(j, buffer)
		folds++
	}
	if folds > 0 {
		r.journal.line("resuming an earlier run: %d of %d folds are finished", folds, len(r.schedule.Jobs))
		r.writeEarly()
	}
	return folds
}

// writeLast writes the submission for the last time, unless the file is complete. If that
// fails, the file of fewer folds stays. It will do if partial is set.
func (r *results) writeLast(partial bool) error {
	if r.output.written() && !r.output.stale {
		return nil
	}
	folds := r.schedule.Count(pace.Finished)
	err := r.output.write(folds)
	if err != nil && r.scratch != nil {
		r.clean() // the scratch files may be what fills the disk
		r.scratch = nil
		err = r.output.write(folds)
	}
	if err == nil || !r.output.written() {
		return err
	}
	err = fmt.Errorf("%w; it holds %d of %d folds", err, r.output.folds, len(r.schedule.Jobs))
	if !partial {
		return err
	}
	r.journal.warn("%v", err)
	return nil
}

// clean empties the scratch folder.
func (r *results) clean() {
	if r.scratch != nil {
		r.scratch.remove(r.schedule.Jobs)
	}
}
