package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/deploy-kernel/deploy-kernel/internal/hint"

	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/internal/say"
	"github.com/deploy-kernel/deploy-kernel/runtime/atomicfile"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
	"github.com/deploy-kernel/deploy-kernel/trainer/data"
	"github.com/deploy-kernel/deploy-kernel/trainer/loop"
	"github.com/deploy-kernel/deploy-kernel/trainer/runfolder"
)

// train trains the folds, one after the other, until --max-time is up.
func (f *trainFlags) train(p *project, folds []int) error {
	ctx := p.cmd.Context()
	if f.maxTime > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, f.maxTime)
		defer cancel()
	}
	err := f.trainFolds(ctx, p, folds)
	if timeIsUp(ctx, err) {
		return nil // stopped has said so
	}
	return err
}

func (f *trainFlags) trainFolds(ctx context.Context, p *project, folds []int) error {
	set, err := p.set()
	if err != nil {
		return err
	}
	if err := p.checkLabels(set); err != nil {
		return err
	}
	of, err := p.makeFolds(set, !f.dryRun)
	if err != nil {
		return err
	}
	if err := f.checkImages(ctx, p, set); err != nil {
		return p.stopped(ctx, err, "stopped before the first step; nothing was saved")
	}
	p.warnAbsent(set, of, folds)
	p.warnOfCrops(ctx, set, f.threads)
	var results validation
	for _, number := range folds {
		s, err := f.prepare(p, set, of, number)
		if err != nil {
			return err
		}
		var best loop.Result
		switch {
		case f.dryRun:
			s.tell()
			continue
		case f.lrFinder:
			err = p.stopped(ctx, s.findRate(ctx), "stopped before the search of a learning rate ended; nothing was saved")
		default:
			best, err = s.train(ctx)
			results.add(number, best.Epoch, len(s.held), best.Score, best.Threshold)
		}
		if err != nil {
			return err
		}
	}
	if f.dryRun || f.lrFinder || f.smoke > 0 || len(folds) < 2 {
		return nil
	}
	if err := results.write(p.cmd.OutOrStdout()); err != nil {
		return err
	}
	cli.Printf(p.cmd, "`%s --folds %s --predict-oof` predicts the held-out rows and gives the out-of-fold score", p.again("train"), say.Shell(f.folds))
	return nil
}

// stopped reports where an interrupt or the end of --max-time stopped the work. An
// interrupt becomes an error with that message; the end of --max-time is printed.
// Other errors stay as they are.
func (p *project) stopped(ctx context.Context, err error, format string, args ...any) error {
	switch {
	case timeIsUp(ctx, err):
		cli.Printf(p.cmd, "the time is up: %s", fmt.Sprintf(format, args...))
	case err != nil && errors.Is(ctx.Err(), context.Canceled):
		return cli.Interrupted(err, format, args...)
	}
	return err
}

// checkImages decodes every image once; a file in the run's folder remembers
// that it was done, while no image changes.
func (f *trainFlags) checkImages(ctx context.Context, p *project, set *data.Set) error {
	path := filepath.Join(f.runDir, "images.ok")
	digest, err := set.Digest()
	if err != nil {
		return err
	}
	old, err := os.ReadFile(path)
	if err == nil && strings.TrimSpace(string(old)) == digest {
		return nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	bar := cli.NewProgress(p.cmd, "checking images", int64(len(set.Paths)), cli.Items)
	defer bar.Close()
	damaged, err := set.CheckImages(ctx, f.threads, func() { bar.Add(1) })
	if err != nil {
		return hint.New(err, "mend the images, or take their rows out of %s", set.Name)
	}
	if len(damaged) > 0 {
		cli.Printf(p.cmd, "warning: %s, decoded as far as possible: %s", say.Count(len(damaged), "damaged image"), firstErrors(damaged, 3))
		return nil // told again at the next start
	}
	if f.dryRun {
		return nil
	}
	if err := os.MkdirAll(f.runDir, 0o755); err != nil {
		return err
	}
	return atomicfile.WriteFile(path, []byte(digest+"\n"))
}

// firstErrors joins the first n errors to one line.
func firstErrors(errs []error, n int) string {
	var texts []string
	for _, err := range errs[:min(n, len(errs))] {
		texts = append(texts, err.Error())
	}
	if len(errs) > n {
		texts = append(texts, "…")
	}
	return strings.Join(texts, ", ")
}

// sizedImages is the number of images whose sizes give the typical image.
const sizedImages = 15

// warnOfCrops warns where validation would see little of the typical image.
func (p *project) warnOfCrops(ctx context.Context, set *data.Set, threads int) {
	model := p.config.Ensemble(p.name)
	if model.Scaling.Policy != vision.CropOnly {
		return
	}
	pre := model.Preprocess(p.arch)
	if text := pre.CropWarning(set.Sizes(ctx, sizedImages, threads)); text != "" {
		cli.Printf(p.cmd, "warning: %s", text)
	}
}

// train trains a fold, keeps everything in its folder and returns the best epoch.
func (s *session) train(ctx context.Context) (best loop.Result, err error) {
	folder, from, err := runfolder.Open(s.dir, s.flags.mode(), s.info)
	if errors.Is(err, runfolder.ErrExists) {
		return best, hint.New(err, "--resume auto goes on with it, --force begins anew")
	}
	if err != nil {
		return best, err
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	if s.isComplete(folder, from) {
		best, _ = from.State.Best()
		cli.Printf(s.cmd, "fold %d is complete: the best is epoch %d with F2 %.4f: %s", s.fold, best.Epoch, best.Score, folder.BestPath())
		return best, nil
	}
	if from == nil {
		if err := s.drawMosaic(ctx, folder.Path("augmented.png")); err != nil {
			return best, s.stopped(ctx, err, "stopped before the first step; nothing was saved")
		}
	} else {
		cli.Printf(s.cmd, "fold %d: going on at epoch %d, batch %d", s.fold, from.State.Epoch, from.State.Batch)
		if len(folder.Changed) > 0 {
			cli.Printf(s.cmd, "warning: fold %d: the config has changed: %s", s.fold, strings.Join(folder.Changed, ", "))
		}
	}
	s.tell()
	t, err := s.training(folder)
	if err != nil {
		return best, err
	}
	t.From, t.Every = from, s.flags.checkpointEvery
	bar := s.watch(t, folder)
	defer bar.close()
	defer context.AfterFunc(ctx, func() {
		if errors.Is(ctx.Err(), context.Canceled) {
			cli.Printf(s.cmd, "finishing the step and saving a checkpoint; Ctrl-C again ends at once without saving")
		}
	})()
	end, err := t.Run(ctx)
	if err = errors.Join(err, bar.err); err != nil {
		return best, s.interrupted(ctx, t, folder, err)
	}
	bar.close()
	best, _ = end.State.Best()
	cli.Printf(s.cmd, "fold %d: the best is epoch %d with F2 %.4f: %s", s.fold, best.Epoch, best.Score, folder.BestPath())
	if end.SWA != nil {
		return best, s.finishSWA(ctx, folder, end)
	}
	return best, nil
}

// isComplete reports whether the checkpoint is of a finished training.
func (s *session) isComplete(folder *runfolder.Folder, from *loop.Checkpoint) bool {
	return from != nil && from.State.Epoch >= s.config.Train.NumEpochs && folder.BestPath() != "" && (!s.config.Train.SWA.Enable || folder.HasSWA())
}

// interrupted is stopped for a training under way: it also names the files that
// were saved.
func (s *session) interrupted(ctx context.Context, t *loop.Training, folder *runfolder.Folder, err error) error {
	epoch, batch := t.At()
	saved := "the checkpoint is " + folder.Path(runfolder.CheckpointFile)
	if best := folder.BestPath(); best != "" {
		saved += ", the best weights so far are " + best
	}
	if errors.Is(err, context.Canceled) {
		err = hint.New(err, "fold %d: %s", s.fold, saved)
	}
	err = s.stopped(ctx, err, "stopped at epoch %d, batch %d; continue with --resume auto", epoch, batch)
	if timeIsUp(ctx, err) {
		cli.Printf(s.cmd, "fold %d: %s", s.fold, saved)
	}
	return err
}

// finishSWA computes the statistics of the mean weights, and how good they are.
func (s *session) finishSWA(ctx context.Context, folder *runfolder.Folder, end *loop.End) error {
	dict, r, err := s.statistics(ctx, end.SWA)
	if err != nil {
		return s.stopped(ctx, err, "stopped before the mean of the weights was finished; continue with --resume auto")
	}
	r.Epoch, r.Step = end.State.Epoch-1, end.State.Step
	path, err := folder.SaveSWA(dict, r)
	if err != nil {
		return err
	}
	cli.Printf(s.cmd, "fold %d: the mean of %d epochs has F2 %.4f: %s", s.fold, end.State.SWA, r.Score, path)
	return nil
}

// tell says what is trained on.
func (s *session) tell() {
	c := s.config
	cli.Printf(s.cmd, "fold %d: %s, %d pixels, %d classes; %d rows to train on, %d held out; %d steps of %d images an epoch",
		s.fold, s.arch.Name, c.Model.InputSize, c.Model.NumClasses, len(s.rows), len(s.held),
		(s.loader.Batches()+c.Train.AccumBatchesNum-1)/c.Train.AccumBatchesNum, c.Train.BatchSize*c.Train.AccumBatchesNum)
}

// progress shows how far a training is.
type progress struct {
	session *session
	folder  *runfolder.Folder
	bar     *cli.Progress
	err     error // of writing what the loop doesn't write

	epoch, n int // the running loss: the mean of n batches of an epoch
	sum      float64
}

// running adds a batch and returns the mean loss of the epoch so far.
func (p *progress) running(at loop.Progress) float64 {
	if p.epoch != at.Epoch {
		p.epoch, p.n, p.sum = at.Epoch, 0, 0
	}
	p.n++
	p.sum += at.Loss
	return p.sum / float64(p.n)
}

// watch sets the hooks of a training.
func (s *session) watch(t *loop.Training, folder *runfolder.Folder) *progress {
	p := &progress{session: s, folder: folder}
	validated := 0
	keep := func(err error) {
		if p.err == nil {
			p.err = err
		}
	}
	t.Hooks = loop.Hooks{
		Batch: func(at loop.Progress) {
			if p.bar == nil {
				left := (at.Batches - at.Batch) * s.config.Train.BatchSize
				p.bar = cli.NewProgress(s.cmd, fmt.Sprintf("fold %d, epoch %d", s.fold, at.Epoch), int64(left), cli.Items)
			}
			p.bar.Note(fmt.Sprintf("loss %.4f", p.running(at)))
			p.bar.Add(int64(at.Images))
			keep(folder.Step(at))
			if at.Batch == at.Batches-1 {
				p.close()
			}
		},
		Validating: func(done, all int) {
			if p.bar == nil {
				p.bar = cli.NewProgress(s.cmd, fmt.Sprintf("fold %d, held out", s.fold), int64(all), cli.Items)
			}
			p.bar.Add(int64(done - validated))
			if validated = done; done == all {
				p.close()
				validated = 0
			}
		},
		Epoch: func(r loop.Result, state *loop.State) {
			mark := ""
			if r.Best {
				mark = ", the best so far"
			}
			cli.Printf(s.cmd, "fold %d, epoch %d: loss %.4f, held out %.4f, F2 %.4f at %.3f%s; %.0f images/s, %.0f%% of it waiting for images, %s",
				s.fold, r.Epoch, r.TrainLoss, r.ValidLoss, r.Score, r.Threshold, mark, r.ImagesPerSecond(), 100*r.WaitShare(), r.Took.Round(time.Second/10))
			keep(folder.WriteResults(state.History))
		},
		Note: func(text string) { cli.Printf(s.cmd, "fold %d: %s", s.fold, text) },
	}
	return p
}

func (p *progress) close() {
	if p.bar != nil {
		p.bar.Close()
		p.bar = nil
	}
}
