// Package plan reads an ensemble file and makes the plan that a run in place and a
// generated kernel predict.
//
//	built, err := plan.Build(ctx, "best_ensemble.yml", plan.Options{Weights: []string{"models"}})
//	built.Plan    // *ensemble.Plan
//	built.Weights // the local file of each fold
//
// For each prediction level1_train_<model>.npy of the ensemble it finds
//
//   - the weights <model>.safetensors, .pth, .ckpt or another ending, or
//     <model>.safetensors.enc, in the folders of Options and below, or beside the
//     ensemble file. If there are none, it imports the ONNX model that the config
//     names;
//   - the config, in the weights or else in <config>.yml;
//   - the threshold, in <model>.yml or else in the weights, plus the offset of the
//     ensemble file.
//
// It checks that the weights fit the architecture. The plan names weights by the
// SHA-256 of their plain safetensors form. PyTorch files are converted to that form in
// memory; the same file always gives the same bytes.
//
// The default labels are the best constant answer of the training table, if there is
// one. With [Options].Cuts the plan lists the views and folds to drop when time is
// short (see package cutorder).
//
// Build reports all mistakes together, each in a line that names the file. It refuses
// networks that differ in the number of classes, and members whose folds differ in
// config, and weights without a threshold.
package plan

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/deploy-kernel/deploy-kernel/artifact/ensemblefile"
	"github.com/deploy-kernel/deploy-kernel/artifact/labeltable"
	"github.com/deploy-kernel/deploy-kernel/artifact/modelspec"
	"github.com/deploy-kernel/deploy-kernel/artifact/predictionspec"
	"github.com/deploy-kernel/deploy-kernel/crypt"
	"github.com/deploy-kernel/deploy-kernel/deploy/shrink"
	"github.com/deploy-kernel/deploy-kernel/metric"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
	"golang.org/x/sync/errgroup"
)

// Options say where the files are. The zero Options look beside the ensemble file.
type Options struct {
	// Weights lists folders of weights and thresholds. Subfolders are searched too.
	Weights []string
	// Configs lists folders of configs, for weights that do not contain theirs.
	Configs []string
	// WeightsKey names the weights to read from files that hold several sets. If it is
	// "", the config's model.weights_key decides, else package weightfile.
	WeightsKey string
	// Cuts asks for the order in which the plan drops views and folds when time is
	// short. The out-of-fold predictions are searched for in OOF, then in Weights.
	Cuts bool
	OOF  []string // folders
	// Submission is the answer that the user asks for.
	Submission input.Answer
	// Classes are the names of the classes, by number, as the competition writes them. If
	// it is empty, they are those in the weights.
	Classes []string
	// Data is the folder of the training table and its folds. Files beside the
	// predictions or weights come first. If Data is "", package datafolder searches.
	Data string
	// Archs lists the known architectures; nil means arch.All().
	Archs []arch.Arch
	// Key returns the key of encrypted weights. It is called at most once. nil means
	// that there is no key.
	Key func() (crypt.Key, error)
	// Half stores the weights in 16 bits. The change is measured for every fold; it is a
	// mistake if it exceeds Half.Limit.
	Half shrink.Half
	// Halved reports the change of a fold. nil is silent.
	Halved func(path string, c shrink.Change)
	// Warn reports a warning, one line. nil is silent.
	Warn func(text string)
}

// Built is a plan with the files that it was made from.
type Built struct {
	Plan *ensemble.Plan
	// Weights lists the file of each fold, in the order of the plan.
	Weights []Weight
	// Archs lists the distinct architectures of the plan.
	Archs []arch.Arch
}

// Weight returns the file of the fold of that name. ok is false if there is none.
func (b *Built) Weight(fold string) (w Weight, ok bool) {
	for _, w := range b.Weights {
		if w.Name == fold {
			return w, true
		}
	}
	return Weight{}, false
}

// Build makes the plan of the ensemble file at path. It reads every weight file whole
// to hash it.
func Build(ctx context.Context, path string, o Options) (*Built, error) {
	e, err := ensemblefile.ReadFile(path)
	if err != nil {
		return nil, err
	}
	b := &builder{options: o, ensemble: path}
	if o.Archs == nil {
		b.options.Archs = arch.All()
	}
	if err := b.index(filepath.Dir(path)); err != nil {
		return nil, err
	}
	jobs := b.jobs(e.Members)
	if err := b.loadKey(jobs); err != nil {
		return nil, err
	}
	return b.build(ctx, e, jobs)
}

// builder is the state of one Build.
type builder struct {
	options  Options
	ensemble string // path of the ensemble file
	files    *index
	key      crypt.Key
	configs  configs
	table    func() (*labeltable.Table, error) // the training table, read once; nil if there is none
}

// job is one fold to read.
type job struct {
	member  int
	predict string // the prediction's name in the ensemble file
	name    string // of the model
	config  string // name of the config
	path    string // of the weights
	err     error

	choice     string // the key of the weights in the file
	note       string // about that choice
	fold       ensemble.Fold
	stored     bool    // the threshold comes from the weights, not from a file
	offset     float64 // of its threshold, from the ensemble file
	foldNumber int
	arch       arch.Arch            // of its network
	model      ensemble.Model       // from its config, without folds and coefficient
	table      modelspec.Table      // of its config
	spec       *predictionspec.Spec // beside the weights, or else what the weights say
	folds      int                  // number of folds of its training table
	change     shrink.Change        // by storing it in 16 bits
}

// jobs finds the weights of every prediction. A job with an error can't be read.
func (b *builder) jobs(members []ensemblefile.Member) []*job {
	var jobs []*job
	seen := map[string]bool{}
	for i, m := range members {
		for _, predict := range m.Predicts {
			j := &job{member: i, predict: predict}
			jobs = append(jobs, j)
			name, err := ensemblefile.ParseName(predict)
			if err != nil {
				j.err = fmt.Errorf("%s: %w", b.ensemble, err)
				continue
			}
			j.name, j.config, j.foldNumber = name.Model(), name.Config, name.Fold
			if seen[j.name] {
				j.err = fmt.Errorf("%s: %s is named twice", b.ensemble, predict)
				continue
			}
			seen[j.name] = true
			j.path, j.err = b.weights(j)
		}
	}
	return jobs
}

// loadKey loads the key if any file is encrypted.
func (b *builder) loadKey(jobs []*job) error {
	for _, j := range jobs {
		if j.err == nil && strings.HasSuffix(j.path, crypt.Ext) {
			var err error
			if b.key, err = b.options.Key(); err != nil {
				return fmt.Errorf("reading %s: %w", j.path, err)
			}
			return nil
		}
	}
	return nil
}

// build reads the weights, several files at the same time, and assembles the plan.
func (b *builder) build(ctx context.Context, e *ensemblefile.Ensemble, jobs []*job) (*Built, error) {
	group, reading := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, j := range jobs {
		if j.err != nil {
			continue
		}
		group.Go(func() error {
			j.err = b.read(reading, j)
			return reading.Err() // mistakes are collected; an interrupt ends all
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	errs := make([]error, 0, len(jobs))
	for _, j := range jobs {
		errs = append(errs, j.err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	for _, j := range jobs {
		if j.note != "" {
			b.warn("%s: %s", j.path, j.note)
		}
	}
	built := &Built{Plan: &ensemble.Plan{Name: strings.TrimSuffix(filepath.Base(b.ensemble), filepath.Ext(b.ensemble))}}
	setTask(built.Plan, e, jobs)
	for _, j := range jobs {
		if b.options.Half.Given() && b.options.Halved != nil {
			b.options.Halved(j.path, j.change)
		}
		if err := b.add(built, e.Members, j); err != nil {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	var err error
	if built.Plan.ClassOffsets, err = e.Offsets(built.Plan.Classes); err != nil {
		return nil, fmt.Errorf("%s: %w", b.ensemble, err)
	}
	built.Plan.Submission, built.Plan.Metric = b.options.Submission, e.Metric.Name
	if built.Plan.ClassNames, err = b.classNames(jobs, built.Plan.Classes); err != nil {
		return nil, err
	}
	b.table = sync.OnceValues(func() (*labeltable.Table, error) { return b.readTable(jobs[0], built.Plan) })
	m := e.Metric
	if m.Name == "" {
		m = metric.Default(built.Plan.Task)
	}
	if err := m.Check(built.Plan.Task); err != nil {
		return nil, fmt.Errorf("%s: %w", b.ensemble, err)
	}
	b.training(built.Plan, m)
	b.warnThresholds(jobs)
	if b.options.Cuts {
		if err := b.cuts(ctx, built, m, jobs); err != nil {
			return nil, err
		}
	}
	if err := built.Plan.Check(); err != nil {
		return nil, fmt.Errorf("%s: %w", b.ensemble, err)
	}
	return built, nil
}

// add adds the fold of j to the plan.
func (b *builder) add(built *Built, members []ensemblefile.Member, j *job) error {
	p := built.Plan
	j.offset = members[j.member].Offset
	j.fold.Threshold += j.offset
	built.Weights = append(built.Weights, Weight{Name: j.name, Path: j.path, SHA256: j.fold.SHA256, Size: j.fold.Size, key: b.key, choice: j.choice, inputSize: j.model.InputSize, half: b.options.Half})
	if j.model.Task == p.Task && j.model.Classes != p.Classes {
		return fmt.Errorf("%s: the network has %d classes, but those before it have %d", j.path, j.model.Classes, p.Classes)
	}
	if j.member < len(p.Models) {
		m := &p.Models[j.member]
		if !sameModel(*m, j.model) {
			return fmt.Errorf("%s: its config differs from that of %s, of the same member", j.path, m.Folds[0].Name)
		}
		m.Folds = append(m.Folds, j.fold)
		return nil
	}
	if !slices.ContainsFunc(built.Archs, func(a arch.Arch) bool { return a.Name == j.arch.Name }) {
		built.Archs = append(built.Archs, j.arch)
	}
	m := j.model
	m.Coefficient = members[j.member].Coefficient
	m.Folds = []ensemble.Fold{j.fold}
	p.Models = append(p.Models, m)
	return nil
}

// setTask sets the task of the plan: that of its members. Grade bounds make an ordinal
// ensemble of regressions, as do ordinal members.
func setTask(p *ensemble.Plan, e *ensemblefile.Ensemble, jobs []*job) {
	p.GradeBounds = e.GradeBounds
	for i, j := range jobs {
		if i == 0 || j.model.Task == task.Ordinal && p.Task == task.Regression {
			p.Task, p.Classes = j.model.Task, j.model.Classes
		}
	}
	if p.Task == task.Regression && p.Classes == 1 && len(e.GradeBounds) > 0 {
		p.Task, p.Classes = task.Ordinal, len(e.GradeBounds)+1
	}
}

// sameModel reports whether two models differ only in folds and coefficient.
func sameModel(a, b ensemble.Model) bool {
	return a.Name == b.Name && a.Arch == b.Arch && a.Task == b.Task && a.InputSize == b.InputSize &&
		a.Classes == b.Classes && a.Views == b.Views && a.Dropout == b.Dropout &&
		a.Scaling == b.Scaling && a.Mean == b.Mean && a.Std == b.Std && a.Alpha == b.Alpha && a.EXIF == b.EXIF
}
