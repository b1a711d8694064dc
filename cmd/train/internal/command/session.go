package command

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/internal/hint"

	"github.com/deploy-kernel/deploy-kernel/artifact/weightfile"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/metric"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/atomicfile"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
	"github.com/deploy-kernel/deploy-kernel/trainer/augment"
	"github.com/deploy-kernel/deploy-kernel/trainer/chart"
	"github.com/deploy-kernel/deploy-kernel/trainer/data"
	"github.com/deploy-kernel/deploy-kernel/trainer/fold"
	"github.com/deploy-kernel/deploy-kernel/trainer/graph"
	"github.com/deploy-kernel/deploy-kernel/trainer/initial"
	"github.com/deploy-kernel/deploy-kernel/trainer/loop"
	"github.com/deploy-kernel/deploy-kernel/trainer/loss"
	"github.com/deploy-kernel/deploy-kernel/trainer/optim"
	"github.com/deploy-kernel/deploy-kernel/trainer/runfolder"
	"github.com/deploy-kernel/deploy-kernel/trainer/swa"
)

// session is the training of one fold, ready to begin.
type session struct {
	*project
	flags *trainFlags
	fold  int
	dir   string
	info  runfolder.Info

	set        *data.Set
	rows, held []int
	network    *nn.Graph
	dict       *weights.StateDict // to begin with
	loss       loss.Func
	loader     *data.Loader // of training
	valid      *data.Loader
	pre        vision.Preprocess // what the network sees of an image
	threads    int
	seed       uint64
}

// prepare does all that can go wrong before the first step.
func (f *trainFlags) prepare(p *project, set *data.Set, folds []uint8, number int) (*session, error) {
	s := &session{project: p, flags: f, fold: number, set: set, threads: f.threads, seed: foldSeed(p.config.Train.Seed, number)}
	s.dir = filepath.Join(f.runDir, fmt.Sprintf("f%d", number))
	if f.smoke > 0 {
		s.dir = filepath.Join(f.runDir, "smoke")
	}
	s.info = runfolder.Info{Name: p.name, Fold: number, Config: p.config, Arch: p.arch.Name}
	var err error
	if s.rows, s.held, err = fold.Split(folds, number); err != nil {
		return nil, err
	}
	_, s.info.ToBeat = metric.BestConstant(set.Truth(s.held), p.config.Model.NumClasses, 2)
	if f.smoke > 0 {
		s.held = s.held[:min(len(s.held), f.smoke*p.config.Test.BatchSize)]
	}
	if s.loss, err = loss.New(p.config.Loss.Name, p.config.Loss.Params); err != nil {
		return nil, err
	}
	if err := s.draw(); err != nil {
		return nil, err
	}
	model := p.config.Ensemble(p.name)
	s.pre = model.Preprocess(p.arch)
	o := data.Options{
		Batch: p.config.Train.BatchSize, MaxBatches: p.config.Train.MaxStepsPerEpoch, Pre: s.pre,
		Augment: augment.New(p.config), Seed: s.seed, Workers: f.threads,
	}
	if p.config.Train.Mixup.Enable {
		o.MixupBeta = p.config.Train.Mixup.BetaA
	}
	s.loader = data.NewLoader(set, s.rows, o)
	s.valid = data.NewLoader(set, s.held, data.Options{Batch: p.config.Test.BatchSize, Pre: s.pre, Workers: f.threads})
	return s, nil
}

// draw draws the network and finds the weights that it begins with.
func (s *session) draw() (err error) {
	m := s.config.Model
	choice := arch.Config{InputSize: m.InputSize, Classes: m.NumClasses, Dropout: m.Dropout}
	path := s.flags.weights + s.flags.pretrained
	if path == "" {
		if s.network, err = s.arch.Build(choice); err != nil {
			return err
		}
		s.dict = initial.Random(s.network, s.seed)
		return nil
	}
	file, err := openWeights(s.project, path)
	if err != nil {
		return err
	}
	defer file.Close()
	choice.Keys = file.Has
	if s.network, err = s.arch.Build(choice); err != nil {
		return err
	}
	if s.flags.pretrained != "" {
		s.dict, err = initial.Pretrained(s.network, file, s.seed)
	} else {
		s.dict, err = initial.Same(s.network, file)
		err = hint.New(err, "--pretrained takes the weights of another task, and makes the last layer anew")
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// openWeights opens a file of weights and prints which set of them it takes.
func openWeights(p *project, path string) (*weightfile.File, error) {
	f, err := weightfile.OpenKey(path, p.config.Model.WeightsKey)
	if err == nil && f.Note() != "" {
		cli.Printf(p.cmd, "%s: %s", path, f.Note())
	}
	return f, err
}

// model lowers the network for training.
func (s *session) model(dict *weights.StateDict, momentum float64) (*graph.Model, error) {
	return graph.New(s.network, dict, graph.Options{
		Batch: s.config.Train.BatchSize, Loss: graph.Loss(s.loss), Threads: s.threads, Seed: s.seed, BNMomentum: momentum,
	})
}

// training puts together what the loop needs.
func (s *session) training(store loop.Store) (*loop.Training, error) {
	m, err := s.model(s.dict, 0)
	if err != nil {
		return nil, err
	}
	p := s.config.Optimizer.Params
	o := optim.Config{
		Name: s.config.Optimizer.Name, WeightDecay: p.WeightDecay, Momentum: p.Momentum, Nesterov: p.Nesterov,
		AMSGrad: p.AMSGrad, Epsilon: p.Eps, Threads: s.threads,
	}
	if len(p.Betas) == 2 {
		o.Beta1, o.Beta2 = p.Betas[0], p.Betas[1]
	}
	opt, err := optim.New(o)
	if err != nil {
		return nil, err
	}
	return &loop.Training{
		Config: s.config, Model: m, Optimizer: opt, Loss: s.loss, Train: s.loader, Valid: s.valid,
		Truth: s.set.Truth(s.held), Head: initial.Head(s.network), Store: store,
	}, nil
}

// statistics gives mean weights the batch-norm statistics of the images to
// train on, and tells how good they are.
func (s *session) statistics(ctx context.Context, mean *weights.StateDict) (*weights.StateDict, loop.Result, error) {
	m, err := s.model(mean, 1)
	if err != nil {
		return nil, loop.Result{}, err
	}
	bar := cli.NewProgress(s.cmd, "computing statistics", int64(s.loader.Batches()*s.config.Train.BatchSize), cli.Items)
	dict, err := swa.Statistics(ctx, m, s.loader, func(n int) { bar.Add(int64(n)) })
	bar.Close()
	if err != nil {
		return nil, loop.Result{}, err
	}
	if err := m.Load(dict); err != nil {
		return nil, loop.Result{}, err
	}
	t := &loop.Training{Model: m, Loss: s.loss, Valid: s.valid}
	scores, validLoss, err := t.Predict(ctx)
	if err != nil {
		return nil, loop.Result{}, err
	}
	threshold, score := metric.Rows{Scores: scores, Labels: s.set.Truth(s.held), Classes: s.config.Model.NumClasses}.BestThreshold(2)
	return dict, loop.Result{ValidLoss: validLoss, Score: score, Threshold: float64(threshold)}, nil
}

// mosaicImages is how many images augmented.png shows, at most.
const mosaicImages = 32

// drawMosaic draws the first images as the network will see them.
func (s *session) drawMosaic(ctx context.Context, path string) error {
	stream := s.loader.Start(ctx, 0, 0)
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
		pixels, classes := len(b.Images)/b.N, len(b.Labels)/b.N
		for i := range min(b.N, mosaicImages-len(tiles)) {
			t := chart.Tile{Image: slices.Clone(b.Images[i*pixels:][:pixels]), ID: s.set.IDs[b.Rows[i]]}
			for class, share := range b.Labels[i*classes:][:classes] {
				if share > 0 { // with mixup, of both images
					t.Labels = append(t.Labels, class)
				}
			}
			tiles = append(tiles, t)
		}
	}
	var b bytes.Buffer
	if err := chart.Mosaic(&b, tiles, s.pre.Size, chart.Normal{Mean: s.pre.Mean, Std: s.pre.Std}); err != nil {
		return err
	}
	return atomicfile.WriteFile(path, b.Bytes())
}
