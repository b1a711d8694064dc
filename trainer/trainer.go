// Package trainer trains networks on images with labels, fold by fold.
//
//	c, _, err := config.ReadFile("small.yml")
//	set, err := trainer.Open(ctx, c, "data/train.csv", "data/train")
//	folds, err := fold.Stratify(set.Labels, fold.Options{Folds: c.Model.NumFolds})
//	end, err := trainer.Fold(ctx, trainer.Job{Name: "small", Config: c, Set: set, Folds: folds, Dir: "runs/small/f0"})
//
// [Fold] trains one network on all rows but those of one fold, validates it on these
// after every epoch, and keeps weights, results and pictures in a folder (package
// runfolder). The command train is a shell around it.
//
// The packages below do the parts: config and data read the inputs, augment and loss
// define the task, graph computes gradients, optim and schedule make steps, loop runs
// the epochs.
//
// A training is deterministic: config, table, folds and seed decide every bit of the
// weights. A training that was interrupted and resumed ends with the same weights.
package trainer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/deploy-kernel/deploy-kernel/artifact/network"
	"github.com/deploy-kernel/deploy-kernel/artifact/weightfile"
	"github.com/deploy-kernel/deploy-kernel/metric"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
	"github.com/deploy-kernel/deploy-kernel/trainer/augment"
	"github.com/deploy-kernel/deploy-kernel/trainer/config"
	"github.com/deploy-kernel/deploy-kernel/trainer/data"
	"github.com/deploy-kernel/deploy-kernel/trainer/fold"
	"github.com/deploy-kernel/deploy-kernel/trainer/initial"
	"github.com/deploy-kernel/deploy-kernel/trainer/internal/routines"
	"github.com/deploy-kernel/deploy-kernel/trainer/loop"
	"github.com/deploy-kernel/deploy-kernel/trainer/loss"
	"github.com/deploy-kernel/deploy-kernel/trainer/runfolder"
)

// Trouble returns why training runs on plain loops where it need not: the system denies
// executable memory, or a SIMD routine fails its test at the start. It returns nil if
// all is well.
func Trouble() error { return cmp.Or(simd.Trouble(), routines.Trouble()) }

// Job describes the training of one fold.
type Job struct {
	Name   string // of the config, without .yml; the names of weights begin with it
	Config *config.Config
	Set    *data.Set
	Folds  []uint8 // the fold of each row of Set
	Fold   int     // the fold to hold out

	// Dir is the run folder. Mode says what becomes of a training that is in it; the
	// zero mode refuses it.
	Dir  string
	Mode runfolder.Mode

	// Weights is a file of weights of the same network and task to begin with, and
	// Pretrained one of another task, whose last layer is made anew. At most one is
	// set. Without, the first weights are random.
	Weights, Pretrained string
	// MaxHeldOut limits the rows to validate on; 0 means all rows of the fold.
	MaxHeldOut int
	// CheckpointEvery is the time between checkpoints within an epoch; 0 makes none.
	CheckpointEvery time.Duration
	Threads         int // 0 means one for each core
	Hooks           Hooks
}

// Hooks report the progress of a training. Each may be nil.
type Hooks struct {
	loop.Hooks
	// Warn receives remarks about the weights to begin with.
	Warn func(text string)
	// Begin is called before the first step. from is the checkpoint that the training
	// resumes, or nil; changed lists the lines of the config that changed since.
	Begin func(from *loop.Checkpoint, changed []string)
	// Trained is called after the last epoch, with the best one and the path of its
	// weights.
	Trained func(best loop.Result, path string)
	// Averaging is called after every batch of the statistics of averaged weights,
	// with the number of its images.
	Averaging func(images int)
}

// Open opens the training table of a config. The config says how labels are read and
// images decoded; of source.Labels, only ClassNames counts, which holds the names if
// labels.classes is a file. Open reports all mistakes in the table at once.
func Open(ctx context.Context, c *config.Config, source data.Source) (*data.Set, error) {
	source.Labels = c.Labels.Options(c.Model.Task(), c.Model.NumClasses, source.Labels.ClassNames)
	set, err := data.Open(ctx, source)
	if err != nil {
		return nil, err
	}
	model := c.Ensemble("")
	set.Decoder = model.Decoder(set.Decoder.Formats)
	return set, nil
}

// Fold trains one fold. See [Session.Train] for its results and errors.
func Fold(ctx context.Context, job Job) (*Outcome, error) {
	s, err := Prepare(job)
	if err != nil {
		return nil, err
	}
	return s.Train(ctx)
}

// Session is the training of one fold, ready to begin.
type Session struct {
	Job
	Info       runfolder.Info
	Arch       arch.Arch
	Network    *nn.Graph
	Rows, Held []int // of Job.Set: to train on, and held out

	initial *weights.StateDict
	loss    loss.Func
	train   *data.Loader
	valid   *data.Loader
	pre     vision.Preprocess // what the network sees of an image
	seed    uint64
}

// WeightsError is returned when the weights to begin with do not fit the network.
type WeightsError struct {
	Path string
	Err  error
}

func (e *WeightsError) Error() string { return e.Path + ": " + e.Err.Error() }

// Unwrap returns the mismatch.
func (e *WeightsError) Unwrap() error { return e.Err }

// ErrImported is returned for configs with model.onnx.
var ErrImported = errors.New("networks that are imported from ONNX (model.onnx) only predict; they cannot be trained")

// Prepare checks a job and does all that can fail before the first step. It writes
// nothing.
func Prepare(job Job) (*Session, error) {
	c := job.Config
	s := &Session{Job: job, seed: foldSeed(c.Train.Seed, job.Fold)}
	var err error
	if c.Model.ONNX != "" {
		return nil, ErrImported
	}
	if s.Arch, err = network.Find(arch.All(), c.Model.Arch); err != nil {
		return nil, err
	}
	if s.Rows, s.Held, err = fold.Split(job.Folds, job.Fold); err != nil {
		return nil, err
	}
	_, toBeat := c.Score().Constant(job.Set.Truth(s.Held))
	s.Info = runfolder.Info{Name: job.Name, Fold: job.Fold, Config: c, Arch: s.Arch.Name, ToBeat: toBeat, ClassNames: job.Set.Names}
	if job.MaxHeldOut > 0 {
		s.Held = s.Held[:min(len(s.Held), job.MaxHeldOut)]
	}
	weights := c.Loss.Params.Weights()
	if slices.Equal(c.Loss.Params.ClassWeights, []string{config.Balanced}) {
		weights = loss.Balanced(job.Set.Counts(s.Rows))
	}
	if s.loss, err = loss.New(c.Loss.Name, loss.Options{Task: job.Set.Task, Params: c.Loss.Params, Weights: weights}); err != nil {
		return nil, err
	}
	if err := s.begin(); err != nil {
		return nil, err
	}
	model := c.Ensemble(job.Name)
	s.pre = model.Preprocess(s.Arch)
	o := data.Options{
		Batch: c.Train.BatchSize, MaxBatches: c.Train.MaxStepsPerEpoch, Pre: s.pre,
		Augment: augment.New(c), Seed: s.seed, Workers: job.Threads,
	}
	if c.Train.Mixup.Enable {
		o.MixupBeta = c.Train.Mixup.BetaA
	}
	s.train = data.NewLoader(job.Set, s.Rows, o)
	s.valid = data.NewLoader(job.Set, s.Held, data.Options{Batch: c.Test.BatchSize, Pre: s.pre, Workers: job.Threads})
	return s, nil
}

// foldSeed returns the seed of a fold's training.
func foldSeed(seed uint64, fold int) uint64 { return seed*0x9e3779b97f4a7c15 + uint64(fold) + 1 }

// begin builds the network and the weights that it begins with.
func (s *Session) begin() (err error) {
	m := s.Config.Model
	choice := arch.Config{InputSize: m.InputSize, Classes: s.Set.Logits(), Dropout: m.Dropout}
	path := s.Weights + s.Pretrained
	if path == "" {
		if s.Network, err = s.Arch.Build(choice); err != nil {
			return err
		}
		s.initial = initial.Random(s.Network, s.seed)
		return s.centerOutput()
	}
	file, err := weightfile.OpenKey(path, m.WeightsKey)
	if err != nil {
		return err
	}
	defer file.Close()
	if file.Note() != "" && s.Hooks.Warn != nil {
		s.Hooks.Warn(fmt.Sprintf("%s: %s", path, file.Note()))
	}
	choice.Keys = file.Has
	if s.Network, err = s.Arch.Build(choice); err != nil {
		return err
	}
	if s.Pretrained != "" {
		s.initial, err = initial.Pretrained(s.Network, file, s.seed)
	} else {
		s.initial, err = initial.Same(s.Network, file)
	}
	if err != nil {
		return &WeightsError{Path: path, Err: err}
	}
	if s.Pretrained != "" {
		return s.centerOutput()
	}
	return nil
}

// centerOutput sets the last bias of a regression to the means of the targets, from which
// the targets are near. The bias of other tasks begins at 0.
func (s *Session) centerOutput() error {
	if s.Set.Task != task.Regression {
		return nil
	}
	answer, _ := metric.Metric{Name: metric.RMSE}.Constant(s.Set.Truth(s.Rows))
	return initial.SetBias(s.Network, s.initial, answer.Values)
}

// StepsPerEpoch returns the number of steps of the optimizer in an epoch.
func (s *Session) StepsPerEpoch() int {
	accum := s.Config.Train.AccumBatchesNum
	return (s.train.Batches() + accum - 1) / accum
}

// StatisticsImages returns the number of images that [Session.Statistics] reads.
func (s *Session) StatisticsImages() int { return s.train.Batches() * s.Config.Train.BatchSize }
