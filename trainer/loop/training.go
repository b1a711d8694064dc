// Package loop runs the epochs of a training: it takes steps, validates after each epoch,
// saves the best and the last weights, and resumes from a checkpoint.
//
//	t := loop.Training{Config: c, Model: m, Optimizer: opt, Train: train, Valid: valid, …}
//	end, err := t.Run(ctx)
//
// The loop knows neither files nor terminals: a [Store] saves its results, and [Hooks]
// report its progress.
//
// When the context ends, the loop finishes the current step of the optimizer, saves a
// checkpoint and returns the context's error. A resumed training ends with the same
// weights, bit for bit, as an uninterrupted one.
//
// If a value of the network is not finite, the loop saves a checkpoint of the weights
// before that step and returns the model's error, which names the layer.
package loop

import (
	"context"
	"time"

	"github.com/deploy-kernel/deploy-kernel/metric"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
	"github.com/deploy-kernel/deploy-kernel/trainer/config"
	"github.com/deploy-kernel/deploy-kernel/trainer/data"
	"github.com/deploy-kernel/deploy-kernel/trainer/loss"
	"github.com/deploy-kernel/deploy-kernel/trainer/optim"
	"github.com/deploy-kernel/deploy-kernel/trainer/schedule"
)

// Stepper computes gradients and updates weights.
type Stepper interface {
	// Step adds the gradient of a batch's loss to those since the last Update.
	Step(ctx context.Context, images, labels []float32) (loss float64, logits []float32, err error)
	// Update changes the weights by the gradients times scale, and zeroes them.
	Update(opt optim.Optimizer, lr, scale float64) error
	// SetFrozen selects the parameters that are not trained; nil selects none.
	SetFrozen(freeze func(param string) bool) error
}

// Predictor computes the logits, (n, classes), of n images.
type Predictor interface {
	Predict(ctx context.Context, images []float32, n int) (logits []float32, err error)
}

// Memory saves and restores the state of a model: weights, and the random numbers of
// dropout.
type Memory interface {
	StateDict() *weights.StateDict
	Load(*weights.StateDict) error
	RNG() uint64
	SetRNG(uint64)
}

// Model is a network in training, such as [graph.Model].
type Model interface {
	Stepper
	Predictor
	Memory
}

// Store saves the results of a training.
type Store interface {
	// SaveBest saves the weights of the best epoch so far, SaveLast the weights of the
	// last one.
	SaveBest(*weights.StateDict, Result) error
	SaveLast(*weights.StateDict, Result) error
	// Best returns the weights of the last call of SaveBest.
	Best() (*weights.StateDict, error)
	SaveCheckpoint(*Checkpoint) error
}

// Hooks report the progress of a training. Each may be nil.
type Hooks struct {
	// Batch is called after every batch of training.
	Batch func(Progress)
	// Validating is called after every batch of a validation.
	Validating func(done, all int)
	// Epoch is called after the results of an epoch were saved.
	Epoch func(Result, *State)
	// Note receives remarks of a line each.
	Note func(text string)
}

// Progress describes a batch of training that was completed.
type Progress struct {
	Epoch, Batch, Batches int // Epoch and Batch count from 0
	Step                  int // of the optimizer, in all epochs
	Images                int // of the batch
	Rate, Loss            float64
}

// Training is the training of one fold. Fields are required unless they say otherwise.
type Training struct {
	Config    *config.Config
	Model     Model
	Optimizer optim.Optimizer
	Loss      loss.Func // of validation
	Train     *data.Loader
	Valid     *data.Loader
	Truth     metric.Rows // of Valid's rows, without predictions
	// Head is the prefix of the names of the last layer's parameters.
	Head  string
	Store Store
	Hooks Hooks // optional
	// From is the checkpoint to resume; nil begins a new training.
	From *Checkpoint
	// Every is the time between checkpoints within an epoch; 0 makes none.
	Every time.Duration

	schedule *schedule.Schedule
	state    State
	swa      *weights.StateDict // the mean of the epochs so far
	saved    time.Time
	frozen   bool
}

// Result is the result of an epoch.
type Result struct {
	Epoch     int // from 0
	Step      int // steps of the optimizer so far
	Rate      float64
	TrainLoss float64
	ValidLoss float64
	Score     float64       // of the held-out rows, by the config's metric
	Threshold float64       // 0 unless the metric scores the labels above one
	Images    int           // trained on
	Took      time.Duration // by training, without validation
	Waited    time.Duration // for images, as a part of Took
	Best      bool          // the best score so far
}

// ImagesPerSecond returns the speed of training, or 0 if Took is 0.
func (r Result) ImagesPerSecond() float64 {
	if r.Took <= 0 {
		return 0
	}
	return float64(r.Images) / r.Took.Seconds()
}

// WaitShare returns the share of the time that training waited for images.
func (r Result) WaitShare() float64 {
	if r.Took <= 0 {
		return 0
	}
	return r.Waited.Seconds() / r.Took.Seconds()
}

// State is the position of a training. Trainings with equal weights may differ in the
// times.
type State struct {
	Epoch, Batch, Step int // completed; Batch of the current epoch
	// Trained reports that all batches of the epoch are done, but not the validation.
	Trained  bool
	LossSum  float64 // over the epoch's batches
	Rate     float64 // of the last step
	Took     time.Duration
	Waited   time.Duration
	RNG      uint64
	Schedule schedule.State
	SWA      int // epochs in the mean of train.swa
	History  []Result
}

// Best returns the best epoch so far. ok reports whether there is one.
func (s *State) Best() (best Result, ok bool) {
	for _, r := range s.History {
		if r.Best {
			best, ok = r, true
		}
	}
	return best, ok
}

// Checkpoint is everything that a training needs to resume.
type Checkpoint struct {
	State     State
	Model     *weights.StateDict
	Optimizer *weights.StateDict
	SWA       *weights.StateDict // nil before the first epoch of the mean
}

// End is the result of a complete training.
type End struct {
	State *State
	// SWA is the mean of the weights, or nil without train.swa. Package swa computes the
	// statistics of its batch norms.
	SWA *weights.StateDict
}
