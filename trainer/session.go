package trainer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/runtime/atomicfile"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
	"github.com/deploy-kernel/deploy-kernel/trainer/chart"
	"github.com/deploy-kernel/deploy-kernel/trainer/graph"
	"github.com/deploy-kernel/deploy-kernel/trainer/initial"
	"github.com/deploy-kernel/deploy-kernel/trainer/loop"
	"github.com/deploy-kernel/deploy-kernel/trainer/optim"
	"github.com/deploy-kernel/deploy-kernel/trainer/runfolder"
	"github.com/deploy-kernel/deploy-kernel/trainer/swa"
)

// Outcome is the result of a training.
type Outcome struct {
	Best loop.Result // of the best epoch
	Path string      // of its weights
	// Complete reports that the run folder held a complete training already.
	Complete bool
	// Average is the mean of train.swa, or nil.
	Average *Average
}

// Average is the mean of the weights of several epochs.
type Average struct {
	Epochs int
	Result loop.Result // on the rows held out
	Path   string
}

// Stage is a part of a training.
type Stage int

// The stages, in order.
const (
	Beginning Stage = iota // before the first step
	Training               // the epochs
	Averaging              // the statistics of averaged weights
)

// StoppedError is returned when a training ends early, also when its context ends.
type StoppedError struct {
	Stage        Stage
	Epoch, Batch int    // where the training stopped, in stage Training
	Checkpoint   string // path of the checkpoint, in stage Training
	Best         string // path of the best weights so far, or ""
	Err          error
}

func (e *StoppedError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *StoppedError) Unwrap() error { return e.Err }

// Train trains the network and keeps everything in the run folder. If the folder holds a
// complete training and the mode is [runfolder.Resume], it only returns the outcome.
//
// When ctx ends, Train finishes the step, saves a checkpoint and returns a
// [*StoppedError]. It returns [runfolder.ErrExists] if the mode refuses a training that
// is there.
func (s *Session) Train(ctx context.Context) (end *Outcome, err error) {
	folder, from, err := runfolder.Open(s.Dir, s.Mode, s.Info)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	if s.isComplete(folder, from) {
		best, _ := from.State.Best()
		return &Outcome{Best: best, Path: folder.BestPath(), Complete: true}, nil
	}
	if from == nil {
		if err := s.drawMosaic(ctx, folder.Path("augmented.png")); err != nil {
			return nil, &StoppedError{Stage: Beginning, Err: err}
		}
	}
	if s.Hooks.Begin != nil {
		s.Hooks.Begin(from, folder.Changed)
	}
	t, err := s.training(folder)
	if err != nil {
		return nil, err
	}
	t.From, t.Every = from, s.CheckpointEvery
	var failed error // to write results
	t.Hooks = s.record(folder, &failed)
	trained, err := t.Run(ctx)
	if err = errors.Join(err, failed); err != nil {
		epoch, batch := t.At()
		return nil, &StoppedError{Training, epoch, batch, folder.Path(runfolder.CheckpointFile), folder.BestPath(), err}
	}
	end = &Outcome{Path: folder.BestPath()}
	end.Best, _ = trained.State.Best()
	if s.Hooks.Trained != nil {
		s.Hooks.Trained(end.Best, end.Path)
	}
	if trained.SWA != nil {
		if end.Average, err = s.finishAverage(ctx, folder, trained); err != nil {
			return end, err
		}
	}
	return end, nil
}

// record returns the hooks of the job, which also write the results of the training. The
// first error of writing goes to failed.
func (s *Session) record(folder *runfolder.Folder, failed *error) loop.Hooks {
	keep := func(err error) {
		if *failed == nil {
			*failed = err
		}
	}
	hooks := s.Hooks.Hooks
	hooks.Batch = func(p loop.Progress) {
		keep(folder.Step(p))
		if s.Hooks.Batch != nil {
			s.Hooks.Batch(p)
		}
	}
	hooks.Epoch = func(r loop.Result, state *loop.State) {
		keep(folder.WriteResults(state.History))
		if s.Hooks.Epoch != nil {
			s.Hooks.Epoch(r, state)
		}
	}
	return hooks
}

// isComplete reports whether the checkpoint is of a finished training.
func (s *Session) isComplete(folder *runfolder.Folder, from *loop.Checkpoint) bool {
	return from != nil && from.State.Epoch >= s.Config.Train.NumEpochs && folder.BestPath() != "" && (!s.Config.Train.SWA.Enable || folder.HasSWA())
}

// finishAverage computes the statistics of the averaged weights, scores and saves them.
func (s *Session) finishAverage(ctx context.Context, folder *runfolder.Folder, end *loop.End) (*Average, error) {
	dict, r, err := s.Statistics(ctx, end.SWA)
	if err != nil {
		return nil, &StoppedError{Stage: Averaging, Best: folder.BestPath(), Err: err}
	}
	r.Epoch, r.Step = end.State.Epoch-1, end.State.Step
	path, err := folder.SaveSWA(dict, r)
	if err != nil {
		return nil, err
	}
	return &Average{Epochs: end.State.SWA, Result: r, Path: path}, nil
}

// FindRate searches for a learning rate as train.lr_finder says, and returns the loss at
// each rate. It calls the hook Batch after every step. It reads and writes no run folder.
func (s *Session) FindRate(ctx context.Context) ([]loop.Point, error) {
	t, err := s.training(nil)
	if err != nil {
		return nil, err
	}
	t.Hooks = s.Hooks.Hooks
	return t.FindRate(ctx)
}

// Statistics returns averaged weights with the batch-norm statistics of the images to
// train on, and their scores on the rows held out. It calls the hook Averaging.
func (s *Session) Statistics(ctx context.Context, mean *weights.StateDict) (*weights.StateDict, loop.Result, error) {
	m, err := s.model(mean, 1)
	if err != nil {
		return nil, loop.Result{}, err
	}
	dict, err := swa.Statistics(ctx, m, s.train, s.Hooks.Averaging)
	if err != nil {
		return nil, loop.Result{}, err
	}
	if err := m.Load(dict); err != nil {
		return nil, loop.Result{}, err
	}
	t := &loop.Training{Model: m, Loss: s.loss, Valid: s.valid, Truth: s.Set.Truth(s.Held)}
	predictions, validLoss, err := t.Predict(ctx)
	if err != nil {
		return nil, loop.Result{}, err
	}
	threshold, score := loop.Score(s.Config.Score(), t.Truth, predictions)
	return dict, loop.Result{ValidLoss: validLoss, Score: score, Threshold: threshold}, nil
}

// model lowers the network for training, with a copy of the weights.
func (s *Session) model(dict *weights.StateDict, momentum float64) (*graph.Model, error) {
	return graph.New(s.Network, dict, graph.Options{
		Batch: s.Config.Train.BatchSize, Loss: graph.Loss(s.loss), Threads: s.Threads, Seed: s.seed, BNMomentum: momentum,
	})
}

// training returns the loop of the training, ready to run.
func (s *Session) training(store loop.Store) (*loop.Training, error) {
	m, err := s.model(s.initial, 0)
	if err != nil {
		return nil, err
	}
	p := s.Config.Optimizer.Params
	o := optim.Config{
		Name: s.Config.Optimizer.Name, WeightDecay: p.WeightDecay, Momentum: p.Momentum, Nesterov: p.Nesterov,
		AMSGrad: p.AMSGrad, Epsilon: p.Eps, Threads: s.Threads,
	}
	if len(p.Betas) == 2 {
		o.Beta1, o.Beta2 = p.Betas[0], p.Betas[1]
	}
	opt, err := optim.New(o)
	if err != nil {
		return nil, err
	}
	return &loop.Training{
		Config: s.Config, Model: m, Optimizer: opt, Loss: s.loss, Train: s.train, Valid: s.valid,
		Truth: s.Set.Truth(s.Held), Head: initial.Head(s.Network), Store: store,
	}, nil
}

// mosaicImages limits the images in augmented.png.
const mosaicImages = 32

// drawMosaic draws the first images as the network will see them.
func (s *Session) drawMosaic(ctx context.Context, path string) error {
	stream := s.train.Start(ctx, 0, 0)
	defer stream.Close()
	var tiles []chart.Tile
	for len(tiles) < mosaicImages {
		b, err := stream.Next()
		if err != nil {
			return err
		}
		if b == nil {
			break
		}
		pixels, logits := len(b.Images)/b.N, len(b.Labels)/b.N
		for i := range min(b.N, mosaicImages-len(tiles)) {
			tiles = append(tiles, chart.Tile{
				Image: slices.Clone(b.Images[i*pixels:][:pixels]), ID: s.Set.IDs[b.Rows[i]],
				Labels: s.Set.Describe(b.Labels[i*logits:][:logits]),
			})
		}
	}
	var b bytes.Buffer
	if err := chart.Mosaic(&b, tiles, s.pre.Size, chart.Normal{Mean: s.pre.Mean, Std: s.pre.Std}); err != nil {
		return fmt.Errorf("drawing %s: %w", path, err)
	}
	return atomicfile.WriteFile(path, b.Bytes())
}
