package predict

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/atomicfile"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble/pace"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble/supply"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
)

// setup is what a run needs, found and checked before the first prediction.
type setup struct {
	options  Options
	archs    []arch.Arch // by model
	journal  *journal
	clock    *pace.Clock
	test     *testset
	schedule *pace.Schedule
	source   supply.Source // nil if the budget ended before the weights were checked
	scratch  *scratch      // nil keeps nothing
}

// late reports whether there is no time for any prediction.
func (s *setup) late() bool { return s.source == nil }

// idle reports whether there is no image to predict.
func (s *setup) idle() bool { return !s.late() && s.test.empty() }

// prepare finds the images and the weights, and refuses what can't work.
func prepare(ctx context.Context, p *ensemble.Plan, o Options) (*setup, error) {
	o = o.withDefaults()
	s := &setup{options: o, journal: newJournal(o.Log, o.Tool), clock: pace.NewClock(o.Start, o.Budget)}
	if err := p.Check(); err != nil {
		return nil, err
	}
	s.warnOfSpeed()
	var err error
	if s.archs, err = findArchs(p, o.Archs); err != nil {
		return nil, err
	}
	if err := checkOutput(&o); err != nil {
		return nil, err
	}
	f, err := newFinder(ctx, p, &o, s.journal)
	if err != nil {
		return nil, err
	}
	test, where, err := f.sample(ctx, p, &o, s.journal)
	if err != nil {
		return nil, err
	}
	s.test = test
	if s.schedule, err = newSchedule(p, s); err != nil {
		return nil, err
	}
	if err := s.open(ctx, p, f, where); err != nil && !errors.Is(err, pace.ErrLate) {
		return nil, err
	}
	return s, nil
}

// warnOfSpeed warns where plain loops serve. The reason why networks run on them is
// mostly that of the image formats too.
func (s *setup) warnOfSpeed() {
	if err := simd.Trouble(); err != nil {
		s.journal.warn("networks run on plain loops, which are many times slower: %v", err)
		return
	}
	for _, f := range s.options.Formats {
		if f.Trouble == nil {
			continue
		}
		if err := f.Trouble(); err != nil {
			s.journal.warn("%s images decode on plain loops, which are slower: %v", f.Name, err)
		}
	}
}

// checkOutput fails if a result can't be written, before hours are spent on it. It
// removes the temporary files of a run that was killed.
func checkOutput(o *Options) error {
	paths := []string{o.Output}
	if o.Predictions != "" {
		paths = append(paths, filepath.Join(o.Predictions, "level1_test"))
	}
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			return fmt.Errorf("writing %s: it is a folder", path)
		}
		atomicfile.Sweep(path)
		f, err := atomicfile.Create(path)
		if err != nil {
			return hint.New(err, "the folder must exist and be writable")
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return nil
}

// newSchedule orders the folds and estimates what each costs.
func newSchedule(p *ensemble.Plan, s *setup) (*pace.Schedule, error) {
	costs := make([]float64, len(p.Models))
	for i := range costs {
		m := &p.Models[i]
		var err error
		if costs[i], err = m.Operations(s.archs[i]); err != nil {
			return nil, fmt.Errorf("model %s: %w", m.Name, err)
		}
	}
	window := 20 * time.Second
	if s.clock.Limited() {
		window = min(window, s.clock.Budget()/50)
	}
	return pace.NewSchedule(p, len(s.test.images), pace.NewSpeed(costs, window)), nil
}

// open locates the images, opens the scratch folder and checks the weights. A disk may be
// slow or dead: open returns pace.ErrLate when the budget is used up.
func (s *setup) open(ctx context.Context, p *ensemble.Plan, f *finder, where *input.Items) error {
	images, err := pace.Within(ctx, s.clock, func() ([]image, error) { return f.locate(ctx, s.test, where) })
	if err != nil {
		return err
	}
	s.test.images = images
	if s.test.empty() {
		if err := f.explainEmpty(s.test, s.journal); err != nil {
			return err
		}
	}
	scratch, err := pace.Within(ctx, s.clock, func() (*scratch, error) { return newScratch(s.options.Scratch, images) })
	switch {
	case err == nil:
	case errors.Is(err, pace.ErrLate) || ctx.Err() != nil:
		return err
	default:
		s.journal.warn("a restart would begin anew: %v", err)
	}
	checked, err := pace.Within(ctx, s.clock, func() (*checkedWeights, error) { return checkWeights(ctx, p, f.found, s) })
	if err != nil {
		return err
	}
	for _, err := range checked.badKeys {
		s.journal.warn("%v", err)
	}
	if err := s.failMissing(checked.errs); err != nil {
		return err
	}
	s.source, s.scratch = checked.source, scratch
	return nil
}

// checkedWeights is a source of weights, with what is wrong with it.
type checkedWeights struct {
	source  supply.Source
	badKeys []error // of key files without a key
	errs    []error // of each job; nil if its weights can be opened
}

func checkWeights(ctx context.Context, p *ensemble.Plan, found *input.Found, s *setup) (*checkedWeights, error) {
	c := &checkedWeights{errs: make([]error, len(s.schedule.Jobs))}
	if s.options.Read != nil {
		c.source = supply.Func(s.options.Read)
		return c, nil
	}
	c.source, c.badKeys = supply.NewVault(p, supply.Options{Found: found, Key: s.options.Key, Threads: s.options.Threads})
	inParallel(len(c.errs), func(i int) { c.errs[i] = c.source.Check(ctx, s.schedule.Jobs[i].Fold) })
	return c, ctx.Err()
}

// failMissing marks the jobs with errors as failed if Options.Partial is set, and returns
// the errors otherwise.
func (s *setup) failMissing(errs []error) error {
	var missing []string
	var damaged error
	for i, j := range s.schedule.Jobs {
		err := errs[i]
		switch {
		case err == nil:
			continue
		case errors.Is(err, supply.ErrMissing):
			missing = append(missing, j.Fold.Name)
		default:
			damaged = errors.Join(damaged, err)
		}
		if s.options.Partial {
			leaveOut(j, err, s.journal)
		}
	}
	if !s.options.Partial {
		var err error
		if len(missing) > 0 {
			err = missingError(missing, s.options.Input, len(s.schedule.Jobs))
		}
		return errors.Join(err, damaged)
	}
	if s.schedule.Count(pace.Failed) == len(s.schedule.Jobs) {
		return fmt.Errorf("none of the plan's %d weight files can be used", len(s.schedule.Jobs))
	}
	return nil
}

func missingError(names []string, root string, all int) error {
	err := fmt.Errorf("missing under %s: the weights of %d of %d folds: %s", root, len(names), all, strings.Join(names, ", "))
	return hint.New(err, "add the datasets that hold NAME"+input.WeightsExt+" or NAME"+input.WeightsExt+".enc, or go on without them by --partial")
}

// leaveOut lets the run go on without a fold.
func leaveOut(j *pace.Job, err error, log *journal) {
	j.Fail(err)
	log.warn("going on without %s: %v", j.Fold.Name, err)
}
