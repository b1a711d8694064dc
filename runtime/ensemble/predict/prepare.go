package predict

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/atomicfile"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
)

// run is one run of a plan: what the stages of Run share.
type run struct {
	plan    *ensemble.Plan
	o       Options
	journal *journal
	archs   []arch.Arch // by model

	found    *input.Found
	pictures *input.Found  // what Options.Images holds, nil before it was searched
	located  *input.Images // of the sample, nil if the choice of it did not need them
	sample   *input.Table  // as it is written, cut to the limit
	ids      []string      // of the sample, each once
	places   []int         // of each row's id among them
	images   []image       // of each id
	vault    *vault
	scratch  *scratch
	sched    *schedule
	sum      *sum
	out      []float32 // predictions of the running fold
	ahead    *fetch    // weights that are being read for the next fold
	stalled  []*fetch  // and those that were waited for too long

	start      time.Time
	over       bool          // nothing can be predicted any more
	idle       bool          // there is no image to predict
	wrote      time.Time     // when the submission was written
	writeTook  time.Duration // how long that took
	wroteFolds int           // the finished folds in it
	dirty      bool          // the sum has what the submission has not
	cantWrite  bool          // and the user knows
	told       int           // how many cuts the user knows of
	toldAt     time.Time

	mu         sync.Mutex
	unreadable map[int]bool // images
	damaged    map[int]bool // images that are used nevertheless
	sizes      [][2]int     // of the first images: width and height
	sized      bool         // and the user was warned of them, if there was need

	summary Summary
	failure error // of what else was to be written
}

// prepare is all that comes before the first prediction: it finds everything
// and refuses what can't work.
func prepare(ctx context.Context, p *ensemble.Plan, o Options) (*run, error) {
	r := &run{plan: p, o: o, journal: newJournal(o.Log, o.tool()), start: o.Start, unreadable: map[int]bool{}, damaged: map[int]bool{}}
	if r.start.IsZero() {
		r.start = time.Now()
	}
	if r.o.Threads <= 0 {
		r.o.Threads = runtime.GOMAXPROCS(0)
	}
	if r.o.Batch <= 0 {
		r.o.Batch = 32
	}
	if r.o.load == nil {
		r.o.load = loadNetwork
	}
	if r.o.Input == "" {
		r.o.Input = input.DefaultRoot()
	}
	if err := p.Check(); err != nil {
		return nil, err
	}
	var err error
	if r.archs, err = archsOf(p, o.Archs); err != nil {
		return nil, err
	}
	for _, stage := range []func(context.Context) error{r.checkOutput, r.find, r.readSample} {
		if err := stage(ctx); err != nil {
			return nil, err
		}
	}
	for _, stage := range []func(context.Context) error{r.findImages, r.makeSchedule, r.checkWeights} {
		switch err := r.await(ctx, stage); {
		case errors.Is(err, errLate):
			return r.without(), nil
		case err != nil:
			return nil, err
		}
	}
	return r, nil
}

// await does a stage. One that doesn't end before the time is over, as a disk
// is slow or dead, is left alone.
func (r *run) await(ctx context.Context, stage func(context.Context) error) error {
	if r.o.Budget <= 0 {
		return stage(ctx)
	}
	done := make(chan error, 1)
	go func() { done <- stage(ctx) }()
	select {
	case err := <-done:
		return err
	case <-r.late():
		return errLate
	case <-ctx.Done():
		return ctx.Err()
	}
}

// without returns a run that has the sample and no time for anything else. It
// shares nothing with r that a stage left alone might write.
func (r *run) without() *run {
	e := &run{
		plan: r.plan, o: r.o, journal: r.journal, start: r.start, sample: r.sample, over: true,
		unreadable: map[int]bool{}, damaged: map[int]bool{}, ids: r.ids, places: r.places, images: make([]image, len(r.ids)),
	}
	for i, id := range r.ids {
		e.images[i].id = id
	}
	e.sched = newSchedule(r.plan, len(e.images), newPace(make([]float64, len(r.plan.Models)), time.Second))
	e.sum = newSum(len(e.images), r.plan)
	return e
}

// checkOutput learns now, not after hours, that a result can't be written.
func (r *run) checkOutput(context.Context) error {
	paths := []string{r.o.Output}
	if r.o.Predictions != "" {
		paths = append(paths, filepath.Join(r.o.Predictions, "level1_test"))
	}
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			return fmt.Errorf("writing %s: it is a folder", path)
		}
		atomicfile.Sweep(path) // of a run that was killed
		f, err := atomicfile.Create(path)
		if err != nil {
			return ensemble.Hint(err, "the folder must exist and be writable")
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) find(ctx context.Context) error {
	var samples []string
	if r.plan.Sample != "" {
		samples = append(samples, r.plan.Sample)
	}
	found, err := input.Find(ctx, r.o.Input, r.plan.FoldNames(), samples...)
	if err != nil {
		return ensemble.Hint(err, "name the folder that holds weights, images and sample submission by --input")
	}
	for _, w := range found.Warnings {
		r.journal.warn("%s", w)
	}
	r.found = found
	return nil
}

// distinct returns the ids of a table, each once, and for every row the place of
// its id among them.
func distinct(t *input.Table) (ids []string, places []int) {
	first := make(map[string]int, len(t.Rows))
	places = make([]int, len(t.Rows))
	for i, row := range t.Rows {
		place, ok := first[row.ID]
		if !ok {
			place = len(ids)
			first[row.ID] = place
			ids = append(ids, row.ID)
		}
		places[i] = place
	}
	return ids, places
}

// lookups is how many files are asked for at once: the input root may be a
// network's.
const lookups = 16

// parallel calls do for 0 to n-1, at most so many at once.
func parallel(most, n int, do func(i int)) {
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(most, n) {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	workers.Wait()
}

func (r *run) findImages(ctx context.Context) error {
	where := r.located
	if where == nil {
		var err error
		if where, err = r.imagesOf(ctx, r.ids); err != nil {
			return err
		}
	}
	r.images = make([]image, len(r.ids))
	var missing atomic.Int64
	parallel(lookups, len(r.images), func(i int) {
		m := &r.images[i]
		m.id = r.ids[i]
		path, info, ok := where.Stat(m.id)
		if !ok {
			missing.Add(1)
			return
		}
		m.path, m.size, m.time = path, info.Size(), info.ModTime().UnixNano()
	})
	if int(missing.Load()) == len(r.images) {
		return r.noImages()
	}
	return nil
}

// noImages makes the run one that writes the default labels only. Kaggle runs a
// kernel so before the hidden run, where a competition shows no test images. A
// folder that was named and has other files is a mistake.
func (r *run) noImages() error {
	r.idle = true
	if len(r.images) == 0 {
		r.journal.warn("%s has no rows: the submission has its header only", r.sample.Name)
		return nil
	}
	under := r.o.Input
	if r.o.Images != "" {
		under = r.o.Images
	}
	none := fmt.Sprintf("none of the %d images of %s is under %s", len(r.images), r.sample.Name, under)
	names := fmt.Sprintf("an image is a file named as its id, e.g. %s.png, .jpg or .gif; name their folder by --images", r.images[0].id)
	if entries, err := os.ReadDir(r.o.Images); err == nil && len(entries) > 0 {
		return ensemble.Hint(errors.New(none), names)
	}
	r.journal.warn("%s: every row gets the default labels", none)
	r.journal.line("hint: %s", names)
	return nil
}

// makeSchedule orders the folds and weighs what each costs.
func (r *run) makeSchedule(context.Context) error {
	cost := make([]float64, len(r.plan.Models))
	for i := range cost {
		m := &r.plan.Models[i]
		var err error
		if cost[i], err = m.Operations(r.archs[i]); err != nil {
			return fmt.Errorf("model %s: %w", m.Name, err)
		}
	}
	tau := 20 * time.Second
	if r.o.Budget > 0 {
		tau = min(tau, r.o.Budget/50)
	}
	r.sched = newSchedule(r.plan, len(r.images), newPace(cost, tau))
	r.sum = newSum(len(r.images), r.plan)
	r.out = make([]float32, len(r.images)*r.plan.Classes)
	var err error
	if r.scratch, err = newScratch(r.o.Scratch, r.images); err != nil {
		r.journal.warn("a restart would begin anew: %v", err)
	}
	return nil
}

// checkWeights looks for every fold's weights before anything is predicted.
func (r *run) checkWeights(ctx context.Context) error {
	r.vault = newVault(r.found, r.plan, r.o.Key, r.o.Threads, r.journal)
	r.vault.given = r.o.Read
	errs := make([]error, len(r.sched.jobs))
	parallel(lookups, len(errs), func(i int) { errs[i] = r.vault.check(ctx, r.sched.jobs[i].f) })
	if err := ctx.Err(); err != nil {
		return err
	}
	var missing []string
	var damaged error
	for i, j := range r.sched.jobs {
		err := errs[i]
		switch {
		case err == nil:
			continue
		case errors.Is(err, errMissing):
			missing = append(missing, j.f.Name)
		default:
			damaged = errors.Join(damaged, err)
		}
		if r.o.Partial {
			r.fail(j, err)
		}
	}
	if !r.o.Partial {
		var err error
		if len(missing) > 0 {
			err = missingError(missing, r.o.Input, len(r.sched.jobs))
		}
		return errors.Join(err, damaged)
	}
	if r.sched.count(failed) == len(r.sched.jobs) {
		return fmt.Errorf("none of the plan's %d weight files can be used", len(r.sched.jobs))
	}
	return nil
}

func missingError(names []string, root string, all int) error {
	err := fmt.Errorf("missing under %s: the weights of %d of %d folds: %s", root, len(names), all, strings.Join(names, ", "))
	return ensemble.Hint(err, "add the datasets that hold NAME"+input.WeightsExt+" or NAME"+input.WeightsExt+".enc, or go on without them by --partial")
}

// fail leaves a fold out.
func (r *run) fail(j *job, err error) {
	j.state, j.reason = failed, err.Error()
	r.journal.warn("going on without %s: %v", j.f.Name, err)
}
