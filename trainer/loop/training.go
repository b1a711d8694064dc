// Package loop trains a network: it takes steps, validates after each epoch,
// keeps the best and the last weights, and goes on where it was stopped.
//
//	t := loop.Training{Config: c, Model: m, Optimizer: opt, Train: train, Valid: valid, …}
//	end, err := t.Run(ctx)
//
// The loop knows neither files nor terminals: a [Store] keeps what it gives
// out, and [Hooks] are told how far it is.
//
// When the context ends, the loop finishes the step of the optimiser that it
// is at, gives the store a checkpoint, and returns the context's error. A
// training that goes on from a checkpoint ends with the weights, bit for bit,
// of one that was never stopped.
//
// Where a number of the network is not finite, it gives the store a checkpoint
// of the weights before that step and returns the model's error, which names
// the layer.
package loop

import (
	"context"
	"time"

	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
	"github.com/deploy-kernel/deploy-kernel/trainer/config"
	"github.com/deploy-kernel/deploy-kernel/trainer/data"
	"github.com/deploy-kernel/deploy-kernel/trainer/loss"
	"github.com/deploy-kernel/deploy-kernel/trainer/optim"
	"github.com/deploy-kernel/deploy-kernel/trainer/schedule"
)

// Stepper learns; graph.Model is one.
type Stepper interface {
	// Step adds the gradient of a batch's loss to those of the steps before.
	Step(ctx context.Context, images, labels []float32) (loss float64, logits []float32, err error)
	// Update changes the weights by the gradients times scale, and zeroes them.
	Update(opt optim.Optimizer, lr, scale float64) error
	// SetFrozen tells which parameters are not trained; nil is none.
	SetFrozen(freeze func(param string) bool) error
}

// Predictor gives logits.
type Predictor interface {
	Predict(ctx context.Context, images []float32, n int) (logits []float32, err error)
}

// Memory is all that a network's training depends on, beside its inputs.
type Memory interface {
	StateDict() *weights.StateDict
	Load(*weights.StateDict) error
	RNG() uint64
	SetRNG(uint64)
}

// Model is a network being trained.
type Model interface {
	Stepper
	Predictor
	Memory
}

// Store keeps what a training makes.
type Store interface {
	// SaveBest keeps the weights of the best epoch so far, SaveLast those of
	// the last one.
	SaveBest(*weights.StateDict, Result) error
	SaveLast(*weights.StateDict, Result) error
	// Best returns the weights that SaveBest kept last.
	Best() (*weights.StateDict, error)
	SaveCheckpoint(*Checkpoint) error
}

// Hooks are told what happens; each may be nil.
type Hooks struct {
	// Batch is called after every batch of training.
	Batch func(Progress)
	// Validating is called after every batch of a validation.
	Validating func(done, all int)
	// Epoch is called when an epoch's results are kept.
	Epoch func(Result, *State)
	// Note is told what is worth a line.
	Note func(text string)
}

// Progress is how far an epoch is.
type Progress struct {
	Epoch, Batch, Batches int // the batch that was done, from 0
	Step                  int // of the optimiser, in all epochs
	Images                int // of the batch
	Rate, Loss            float64
}

// Training is one run over one fold. All but the hooks is needed, unless it
// says otherwise.
type Training struct {
	Config    *config.Config
	Model     Model
	Optimizer optim.Optimizer
	Loss      loss.Func // of validation
	Train     *data.Loader
	Valid     *data.Loader
	Truth     [][]int // the labels of Valid's rows
	// Head is how the names of the last layer's parameters begin.
	Head  string
	Store Store
	Hooks Hooks
	// From is where to go on; nil begins anew.
	From *Checkpoint
	// Every is the time between checkpoints within an epoch; 0 makes none.
	Every time.Duration

	schedule *schedule.Schedule
	state    State
	swa      *weights.StateDict // the mean so far
	saved    time.Time
	frozen   bool
}

// Result is what an epoch came to.
type Result struct {
	Epoch     int // from 0
	Step      int // steps of the optimiser so far
	Rate      float64
	TrainLoss float64
	ValidLoss float64
	Score     float64 // mean F2 of the held-out rows, at the threshold
	Threshold float64
	Images    int           // trained on
	Took      time.Duration // training, without validation
	Waited    time.Duration // for images, of that
	Best      bool          // the best score so far
}

// ImagesPerSecond is the speed of training, 0 where it isn't known.
func (r Result) ImagesPerSecond() float64 {
	if r.Took <= 0 {
		return 0
	}
	return float64(r.Images) / r.Took.Seconds()
}

// WaitShare is the share of the training's time that was spent waiting for
// images.
func (r Result) WaitShare() float64 {
	if r.Took <= 0 {
		return 0
	}
	return r.Waited.Seconds() / r.Took.Seconds()
}

// State is where a training stands. Results of time are not part of what makes
// two trainings equal.
type State struct {
	Epoch, Batch, Step int // done
	// Trained is that the epoch is trained on to its end, but not validated.
	Trained  bool
	LossSum  float64 // of the epoch's batches
	Rate     float64 // of the last step
	Took     time.Duration
	Waited   time.Duration
	RNG      uint64
	Schedule schedule.State
	SWA      int // epochs in the mean
	History  []Result
}

// Best returns the best epoch so far; ok is false where there is none.
func (s *State) Best() (best Result, ok bool) {
	for _, r := range s.History {
		if r.Best {
			best, ok = r, true
		}
	}
	return best, ok
}

// Checkpoint is all that a training needs to go on.
type Checkpoint struct {
	State     State
	Model     *weights.StateDict
	Optimizer *weights.StateDict
	SWA       *weights.StateDict // nil before the first epoch of the mean
}

// End is what a training came to.
type End struct {
	State *State
	// SWA is the mean of the weights, whose batch norms' statistics are still
	// to be computed; nil where the config has no train.swa.
	SWA *weights.StateDict
}
