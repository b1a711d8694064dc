// Package blend fits an ensemble: it finds the coefficients with which the
// out-of-fold predictions of several models score best together.
//
//	files := []string{"models/level1_train_a_f0_e9_0.61.npy", …}
//	spec, err := oof.ReadSpec(files)
//	set, err := blend.Open("train.csv", "folds.npy", spec, files...)
//	fitted, err := blend.Fit(ctx, set, blend.Options{})
//	path, err := fitted.WriteFile("best") // best_val_0.6571.yml
//
// A fit has four stages, each with a package of its own:
//
//   - reading and pruning the predictions ([oof], [problem]);
//   - searching the coefficients ([search]);
//   - validating them on rows that they were not fitted to ([report]);
//   - if asked, a threshold for each class ([threshold]).
//
// Package [chart] draws the result. The same options give the same ensemble, on any
// number of cores.
package blend

import (
	"bytes"
	"context"
	"fmt"
	"math"

	"github.com/deploy-kernel/deploy-kernel/artifact/ensemblefile"
	"github.com/deploy-kernel/deploy-kernel/artifact/predictionspec"
	"github.com/deploy-kernel/deploy-kernel/blend/internal/vector"
	"github.com/deploy-kernel/deploy-kernel/blend/oof"
	"github.com/deploy-kernel/deploy-kernel/blend/problem"
	"github.com/deploy-kernel/deploy-kernel/blend/report"
	"github.com/deploy-kernel/deploy-kernel/blend/search"
	"github.com/deploy-kernel/deploy-kernel/blend/threshold"
	"github.com/deploy-kernel/deploy-kernel/metric"
	"github.com/deploy-kernel/deploy-kernel/runtime/atomicfile"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
)

// Trouble returns why the inner loops run on plain Go where they need not, which is
// slower: the system denies executable memory, or a routine fails its test at the start.
// It returns nil if all is well.
func Trouble() error { return vector.Trouble() }

// Options control a fit. The zero value maximizes the default metric of the task by an
// exact search, and validates the result.
type Options struct {
	// Metric is what to maximize or, for a loss, to minimize. Without a name, it is the
	// default of the task.
	Metric metric.Metric
	// MaxOffset bounds the common offset of all thresholds, which the search finds
	// together with the coefficients. 0 means no offset, or with PerClass
	// [DefaultMaxOffset].
	MaxOffset float64
	// PerClass fits a threshold for each class as well.
	PerClass bool
	// Shrinkage is the strength with which thresholds of classes are shrunk; nil
	// lets cross-validation choose it.
	Shrinkage *float64
	// Search says how to search the coefficients.
	Search search.Options
	// SkipValidation leaves out the validation, which takes most of the time.
	SkipValidation bool
	// Observer follows the fit.
	Observer Observer
}

// DefaultMaxOffset is the default of [Options.MaxOffset] with PerClass.
const DefaultMaxOffset = 0.1

// Stage is a part of a fit.
type Stage int

// The stages, in their order.
const (
	Reading Stage = iota
	Searching
	Validating
	Thresholds
)

// Observer follows a fit. Its functions may be nil.
type Observer struct {
	// Begin is called at the beginning of each stage but Searching. total is the
	// stage's work in units of its own. Fit calls the returned function with the
	// units done since the last call, from several goroutines at once.
	Begin func(s Stage, total int64) (done func(units int64))
	// End is called at the end of each stage with what is known so far. An error
	// ends the fit.
	End func(s Stage, r *Result) error
}

func (o Observer) begin(s Stage, total int64) func(units int64) {
	if o.Begin == nil {
		return func(int64) {}
	}
	return o.Begin(s, total)
}

func (o Observer) end(s Stage, r *Result) error {
	if o.End == nil {
		return nil
	}
	return o.End(s, r)
}

// Problem is a set of predictions, pruned to the entries that coefficients can
// change.
type Problem interface {
	problem.Rows
	// Rows returns the number of rows.
	Rows() int
	// Entries returns the number of entries that pruning left.
	Entries() int
}

// Result is what a fit found.
type Result struct {
	// Ensemble has the models whose coefficients are above 0.
	Ensemble *ensemblefile.Ensemble
	// Metric is the metric that the fit maximized.
	Metric metric.Metric
	// Score is the score on the rows that everything was fitted to. A loss is negated.
	Score float64
	// LeftOut names the models with a coefficient of 0.
	LeftOut []string

	Problem Problem
	// Search has the coefficients of all models.
	Search search.Result
	// Report is the validation, nil if that was skipped.
	Report *report.Report
	// Thresholds has a threshold for each class; nil without [Options.PerClass].
	Thresholds *threshold.Result
}

// Open reads the headers of the predictions and checks that they fit the table of
// labels and the folds of its rows. Each path names the predictions of one fold of a
// model; those of the other folds lie in the same folder. spec says what the
// predictions are; see [oof.ReadSpec].
func Open(labels, folds string, spec *predictionspec.Spec, predictions ...string) (*oof.Set, error) {
	truth, err := oof.ReadTruth(labels, folds, spec.LabelOptions())
	if err != nil {
		return nil, err
	}
	models, err := oof.FindAll(predictions, truth.Folds)
	if err != nil {
		return nil, err
	}
	return oof.Open(truth, models)
}

// Fit finds the ensemble of a set. It returns the error of ctx if ctx ends first.
func Fit(ctx context.Context, set *oof.Set, o Options) (*Result, error) {
	o, err := o.withDefaults(set.Task)
	if err != nil {
		return nil, err
	}
	r := &Result{Metric: o.Metric}
	if r.Problem, err = o.read(ctx, set); err != nil {
		return nil, err
	}
	if err := o.Observer.end(Reading, r); err != nil {
		return nil, err
	}
	if r.Search, err = search.Run(ctx, r.Problem, o.Search); err != nil {
		return nil, err
	}
	r.Score = r.Search.Score
	if err := o.Observer.end(Searching, r); err != nil {
		return nil, err
	}
	if !o.SkipValidation {
		if err := r.validate(ctx, o); err != nil {
			return nil, err
		}
	}
	r.collect(set)
	if o.PerClass {
		if err := r.perClass(ctx, set, o); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// HasClassThresholds reports whether thresholds of classes can be fitted to a metric.
func HasClassThresholds(t task.Task, m metric.Metric) bool {
	return t == task.Multilabel && (m.Name == metric.FBeta || m.Name == metric.MicroFBeta)
}

// HasThresholds reports whether a metric scores labels that thresholds give, so that
// offsets of thresholds can be searched.
func HasThresholds(t task.Task, m metric.Metric) bool {
	return t == task.Multilabel && (m.HasBeta() || m.Name == metric.MCC)
}

func (o Options) withDefaults(t task.Task) (Options, error) {
	if o.Metric.Name == "" {
		o.Metric = metric.Default(t)
	}
	if err := o.Metric.Check(t); err != nil {
		return o, err
	}
	if o.MaxOffset > 0 && !HasThresholds(t, o.Metric) {
		return o, fmt.Errorf("the metric %s has no thresholds to fit", o.Metric.Name)
	}
	if o.PerClass && !HasClassThresholds(t, o.Metric) {
		return o, fmt.Errorf("thresholds of classes are fitted to f-beta and micro-f-beta, not to %s", o.Metric.Name)
	}
	if o.PerClass && o.MaxOffset == 0 {
		o.MaxOffset = DefaultMaxOffset
	}
	if o.Metric.Lower() {
		o.Search.Starts = 1 // it is convex: every start leads to the same optimum
	}
	return o, nil
}

// Read reads and prunes the predictions of a set, as [Fit] does.
func Read(ctx context.Context, set *oof.Set, o Options) (Problem, error) {
	o, err := o.withDefaults(set.Task)
	if err != nil {
		return nil, err
	}
	return o.read(ctx, set)
}

func (o Options) read(ctx context.Context, set *oof.Set) (Problem, error) {
	done := o.Observer.begin(Reading, int64(len(set.Truth.Table.IDs))*int64(set.Columns)*int64(len(set.Models)))
	progress := func(values int) { done(int64(values)) }
	m := o.Metric
	sign := problem.Options{Beta: m.Beta, Micro: m.Name == metric.MicroFBeta, MCC: m.Name == metric.MCC, MaxOffset: o.MaxOffset}
	switch {
	case m.Name == metric.RMSE:
		return problem.ReadSquares(ctx, set, progress)
	case set.Task == task.Regression || set.Task == task.Ordinal:
		return problem.ReadGraded(ctx, set, m, progress)
	case m.Name == metric.LogLoss || m.Ranks():
		thresholds, err := set.Thresholds()
		if err != nil {
			return nil, err
		}
		if m.Ranks() {
			return problem.ReadRanks(ctx, set, m, thresholds, progress)
		}
		return problem.ReadLogLoss(ctx, set, thresholds, progress)
	case m.Name == metric.Accuracy || set.Task == task.Multiclass:
		return problem.ReadArgmax(ctx, set, m, progress)
	case m.Name == metric.MacroFBeta:
		return problem.ReadMacro(ctx, set, sign, progress)
	}
	return problem.ReadSign(ctx, set, sign, progress)
}

func (r *Result) validate(ctx context.Context, o Options) (err error) {
	done := o.Observer.begin(Validating, int64(report.Steps(r.Problem)))
	r.Report, err = report.Make(ctx, r.Problem, r.Search, report.Options{Search: o.Search, Progress: func() { done(1) }})
	if err != nil {
		return err
	}
	return o.Observer.end(Validating, r)
}

// collect makes the ensemble of the models with coefficients above 0.
func (r *Result) collect(set *oof.Set) {
	r.Ensemble = &ensemblefile.Ensemble{}
	point := r.Search.Point
	if set.Task != task.Multilabel || r.Metric.String() != metric.FBeta { // the default of older readers
		r.Ensemble.Metric = r.Metric
	}
	if g, ok := r.Problem.(*problem.Graded); ok {
		r.Ensemble.GradeBounds = g.Bounds(point)
	}
	for i, m := range set.Models {
		if point[i] == 0 {
			r.LeftOut = append(r.LeftOut, m.Name)
			continue
		}
		member := m.Member(point[i])
		if len(point) > len(set.Models) {
			member.Offset = point[len(set.Models)]
		}
		r.Ensemble.Members = append(r.Ensemble.Members, member)
	}
}

// perClass fits a threshold for each class.
func (r *Result) perClass(ctx context.Context, set *oof.Set, o Options) (err error) {
	options := threshold.Options{Strength: o.Shrinkage}
	if r.Report != nil && len(r.Report.Folds) > 1 {
		options.Held = r.Report.Folds
	}
	done := o.Observer.begin(Thresholds, int64(options.Steps()))
	options.Progress = func() { done(1) }
	// The problem of f-beta and micro-f-beta is a Sign.
	r.Thresholds, err = threshold.Run(ctx, r.Problem.(*problem.Sign), set, r.Search.Point, options)
	if err != nil {
		return err
	}
	r.Ensemble.ClassOffsets, r.Score = r.Thresholds.ClassOffsets(), r.Thresholds.Fitted.PerClass
	return o.Observer.end(Thresholds, r)
}

// WriteFile writes the ensemble to <name>_val_<score>.yml, whole or not at all, and
// returns that path.
func (r *Result) WriteFile(name string) (path string, err error) {
	var b bytes.Buffer
	if err := ensemblefile.Write(&b, r.Ensemble); err != nil {
		return "", err
	}
	path = fmt.Sprintf("%s_val_%.4f.yml", name, math.Abs(r.Score)) // a loss is negated
	return path, atomicfile.WriteFile(path, b.Bytes())
}
