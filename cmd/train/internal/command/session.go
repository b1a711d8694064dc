package command

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/deploy-kernel/deploy-kernel/artifact/weightfile"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/importer"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/internal/say"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
	"github.com/deploy-kernel/deploy-kernel/trainer"
	"github.com/deploy-kernel/deploy-kernel/trainer/data"
	"github.com/deploy-kernel/deploy-kernel/trainer/loop"
	"github.com/deploy-kernel/deploy-kernel/trainer/runfolder"
)

// session is the training of one fold, with what the terminal shows of it.
type session struct {
	*project
	*trainer.Session
	bar *cli.Progress

	epoch, batches int // the running loss is the mean over the batches of an epoch
	lossSum        float64
	validated      int // images of the validation under way
}

// prepare makes everything that can fail before the first step.
func (f *trainFlags) prepare(p *project, set *data.Set, folds []uint8, number int) (*session, error) {
	s := &session{project: p}
	job := trainer.Job{
		Name: p.name, Config: p.config, Set: set, Folds: folds, Fold: number,
		Dir: filepath.Join(f.runDir, fmt.Sprintf("f%d", number)), Mode: f.mode(),
		Weights: f.weights, Pretrained: f.pretrained, CheckpointEvery: f.checkpointEvery, Threads: f.threads,
		Hooks: s.hooks(),
	}
	if f.smoke > 0 {
		job.Dir, job.MaxHeldOut = filepath.Join(f.runDir, "smoke"), f.smoke*p.config.Test.BatchSize
	}
	var err error
	s.Session, err = trainer.Prepare(job)
	if wrong := (*trainer.WeightsError)(nil); errors.As(err, &wrong) && f.pretrained == "" {
		return nil, hint.New(err, "--pretrained takes the weights of another task, and makes the last layer anew")
	}
	return s, err
}

// openWeights opens a file of weights, or imports an ONNX model. It prints which set of
// weights it takes.
func openWeights(p *project, path string) (*weightfile.File, error) {
	f, err := importer.OpenAny(p.cmd.Context(), path, importer.Options{InputSize: p.config.Model.InputSize})
	if err != nil {
		return nil, err
	}
	if err := f.Choose(p.config.Model.WeightsKey); err != nil {
		f.Close()
		return nil, err
	}
	if f.Note() != "" {
		cli.Printf(p.cmd, "%s: %s", path, f.Note())
	}
	return f, nil
}

// train trains the fold and returns the best epoch.
func (s *session) train(ctx context.Context) (best loop.Result, err error) {
	stop := func() bool { return false }
	defer func() { stop() }()
	s.Hooks.Begin = func(from *loop.Checkpoint, changed []string) {
		s.showBegin(from, changed)
		stop = context.AfterFunc(ctx, func() { s.announceStop(ctx) })
	}
	end, err := s.Train(ctx)
	s.closeBar()
	if errors.Is(err, runfolder.ErrExists) {
		return best, hint.New(err, "--resume auto goes on with it, --force begins anew")
	}
	if end != nil {
		best = end.Best
	}
	if err != nil {
		return best, s.interrupted(ctx, err)
	}
	if end.Complete {
		cli.Printf(s.cmd, "fold %d is complete: the best is epoch %d with %s: %s", s.Fold, best.Epoch, s.score(best.Score), end.Path)
	}
	if a := end.Average; a != nil {
		cli.Printf(s.cmd, "fold %d: the mean of %d epochs has %s: %s", s.Fold, a.Epochs, s.score(a.Result.Score), a.Path)
	}
	return best, nil
}

// announceStop tells the user of an interrupt what happens now.
func (s *session) announceStop(ctx context.Context) {
	if errors.Is(ctx.Err(), context.Canceled) {
		cli.Printf(s.cmd, "finishing the step and saving a checkpoint; Ctrl-C again ends at once without saving")
	}
}

// interrupted is stopped for a training: it says where the training stopped, and which
// files were saved.
func (s *session) interrupted(ctx context.Context, err error) error {
	var at *trainer.StoppedError
	switch {
	case !errors.As(err, &at):
		return err
	case at.Stage == trainer.Beginning:
		return s.stopped(ctx, err, "stopped before the first step; nothing was saved")
	case at.Stage == trainer.Averaging:
		return s.stopped(ctx, err, "stopped before the mean of the weights was finished; continue with --resume auto")
	}
	saved := "the checkpoint is " + at.Checkpoint
	if at.Best != "" {
		saved += ", the best weights so far are " + at.Best
	}
	if errors.Is(err, context.Canceled) {
		err = hint.New(err, "fold %d: %s", s.Fold, saved)
	}
	err = s.stopped(ctx, err, "stopped at epoch %d, batch %d; continue with --resume auto", at.Epoch, at.Batch)
	if timeIsUp(ctx, err) {
		cli.Printf(s.cmd, "fold %d: %s", s.Fold, saved)
	}
	return err
}

// describe prints the network and the rows of the training.
func (s *session) describe() {
	c := s.Config
	cli.Printf(s.cmd, "fold %d: %s, %d pixels, %s; %d rows to train on, %d held out; %d steps of %d images an epoch",
		s.Fold, s.Arch.Name, c.Model.InputSize, say.Count(c.Model.NumClasses, answers[c.Model.Task()]), len(s.Rows), len(s.Held),
		s.StepsPerEpoch(), c.Train.BatchSize*c.Train.AccumBatchesNum)
}

// answers names what a network of each task has an output for.
var answers = map[task.Task]string{
	task.Multilabel: "class", task.Multiclass: "class", task.Regression: "target", task.Ordinal: "grade",
}

// score formats a score with the label of the metric: "F2 0.5975".
func (p *project) score(v float64) string {
	return fmt.Sprintf("%s %.4f", p.config.Score().Label(), v)
}

// thresholds reports whether the metric scores labels above a threshold.
func (p *project) thresholds() bool { return p.config.Score().Thresholds(p.config.Model.Task()) }

// hooks returns the hooks that show the progress of the session.
func (s *session) hooks() trainer.Hooks {
	return trainer.Hooks{
		Hooks: loop.Hooks{
			Batch: s.showBatch, Validating: s.showValidation, Epoch: s.showEpoch,
			Note: func(text string) { cli.Printf(s.cmd, "fold %d: %s", s.Fold, text) },
		},
		Warn: func(text string) { cli.Printf(s.cmd, "%s", text) },
		Trained: func(best loop.Result, path string) {
			s.closeBar()
			cli.Printf(s.cmd, "fold %d: the best is epoch %d with %s: %s", s.Fold, best.Epoch, s.score(best.Score), path)
		},
		Averaging: func(images int) {
			s.progress("computing statistics", s.StatisticsImages())
			s.bar.Add(int64(images))
		},
	}
}

// progress opens a bar unless one is open.
func (s *session) progress(what string, total int) {
	if s.bar == nil {
		s.bar = cli.NewProgress(s.cmd, what, int64(total), cli.Items)
	}
}

func (s *session) closeBar() {
	if s.bar != nil {
		s.bar.Close()
		s.bar = nil
	}
}

func (s *session) showBegin(from *loop.Checkpoint, changed []string) {
	if from != nil {
		cli.Printf(s.cmd, "fold %d: going on at epoch %d, batch %d", s.Fold, from.State.Epoch, from.State.Batch)
		if len(changed) > 0 {
			cli.Printf(s.cmd, "warning: fold %d: the config has changed: %s", s.Fold, strings.Join(changed, ", "))
		}
	}
	s.describe()
}

func (s *session) showBatch(at loop.Progress) {
	s.progress(fmt.Sprintf("fold %d, epoch %d", s.Fold, at.Epoch), (at.Batches-at.Batch)*s.Config.Train.BatchSize)
	s.bar.Note(fmt.Sprintf("loss %.4f", s.runningLoss(at)))
	s.bar.Add(int64(at.Images))
	if at.Batch == at.Batches-1 {
		s.closeBar()
	}
}

// runningLoss adds a batch and returns the mean loss of the epoch so far.
func (s *session) runningLoss(at loop.Progress) float64 {
	if s.epoch != at.Epoch {
		s.epoch, s.batches, s.lossSum = at.Epoch, 0, 0
	}
	s.batches++
	s.lossSum += at.Loss
	return s.lossSum / float64(s.batches)
}

func (s *session) showValidation(done, all int) {
	s.progress(fmt.Sprintf("fold %d, held out", s.Fold), all)
	s.bar.Add(int64(done - s.validated))
	if s.validated = done; done == all {
		s.closeBar()
		s.validated = 0
	}
}

func (s *session) showEpoch(r loop.Result, _ *loop.State) {
	mark := ""
	if r.Best {
		mark = ", the best so far"
	}
	at := ""
	if s.thresholds() {
		at = fmt.Sprintf(" at %.3f", r.Threshold)
	}
	cli.Printf(s.cmd, "fold %d, epoch %d: loss %.4f, held out %.4f, %s%s%s; %.0f images/s, %.0f%% of it waiting for images, %s",
		s.Fold, r.Epoch, r.TrainLoss, r.ValidLoss, s.score(r.Score), at, mark, r.ImagesPerSecond(), 100*r.WaitShare(), r.Took.Round(time.Second/10))
}
