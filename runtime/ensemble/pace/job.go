package pace

import (
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
)

// Job is a fold to be predicted. Only the methods change it.
type Job struct {
	Fold       *ensemble.Fold
	Model      *ensemble.Model
	ModelIndex int // in Plan.Models

	State  State
	Done   int    // images predicted
	Views  int    // the fewest views that a predicted image got; Model.Views before the first
	Reason string // why the state is Failed

	rank int // index of the cut that drops the fold; the number of cuts if none does
}

// State is how far a job is.
type State uint8

// The states of a job.
const (
	Waiting  State = iota
	Started        // some images are predicted, or the job is running
	Finished       // all images are predicted
	Failed
)

// Start records that the prediction of the first image begins.
func (j *Job) Start() { j.State = Started }

// Advance records that the first done images are predicted, the last of them with a
// number of views.
func (j *Job) Advance(done, views int) { j.Done, j.Views = done, min(j.Views, views) }

// Fail records that the fold can't be predicted, and why.
func (j *Job) Fail(err error) { j.State, j.Reason = Failed, err.Error() }

// Reduced reports whether images got fewer views than planned.
func (j *Job) Reduced() bool { return j.Views < j.Model.Views }
