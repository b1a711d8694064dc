package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/internal/say"
	"github.com/deploy-kernel/deploy-kernel/runtime/atomicfile"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
	"github.com/deploy-kernel/deploy-kernel/trainer"
	"github.com/deploy-kernel/deploy-kernel/trainer/data"
	"github.com/deploy-kernel/deploy-kernel/trainer/loop"
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
		return nil // stopped has printed it
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
	p.adviseTask(set)
	p.warnAbsent(set, of, folds)
	p.warnOfCrops(ctx, set, f.threads)
	p.warnOfSpeed()
	results := p.validation()
	for _, number := range folds {
		s, err := f.prepare(p, set, of, number)
		if err != nil {
			return err
		}
		var best loop.Result
		switch {
		case f.dryRun:
			s.describe()
			continue
		case f.lrFinder:
			err = p.stopped(ctx, s.findRate(ctx), "stopped before the search of a learning rate ended; nothing was saved")
		default:
			best, err = s.train(ctx)
			results.add(number, best.Epoch, len(s.Held), best.Score, best.Threshold)
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

// checkImages decodes every image once. A file in the run folder records that, so that the
// check is repeated only after an image has changed.
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
		return nil // without the record, the next start warns again
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

// warnOfSpeed warns where networks run on plain loops.
func (p *project) warnOfSpeed() {
	if err := trainer.Trouble(); err != nil {
		cli.Printf(p.cmd, "warning: networks run on plain loops, which are many times slower: %v", err)
	}
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
