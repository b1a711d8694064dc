package config

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/internal/say"
	"gopkg.in/yaml.v3"
)

// The names that a config may use, and the parameters that go with each.
var (
	optimizerParams = map[string][]string{
		"adam":  {"lr", "weight_decay", "betas", "eps", "amsgrad"},
		"adamw": {"lr", "weight_decay", "betas", "eps", "amsgrad"},
		"sgd":   {"lr", "weight_decay", "momentum", "nesterov"},
	}
	schedulerParams = map[string][]string{
		"none":                 {},
		"step":                 {"step_size", "gamma"},
		"multi_step":           {"milestones", "gamma"},
		"exponential":          {"gamma"},
		"reduce_lr_on_plateau": {"factor", "patience", "min_lr", "threshold"},
		"cyclic_lr":            {"base_lr", "max_lr", "step_size_up", "gamma"},
		"cosine":               {},
	}
	lossParams = map[string][]string{
		"binary_cross_entropy": {}, "cross_entropy": {}, "focal_loss": {}, "f2_loss": {},
		"mixed_bce_focal": {"weight"}, "mixed_bce_f2": {"weight"}, "forgiving_loss": {"weight"},
		"mse": {}, "mse_loss": {}, "l1": {}, "l1_loss": {}, "smooth_l1": {}, "smooth_l1_loss": {},
	}
	affines = []string{"", "soft", "medium", "hard"}
)

// MissingClassesError is returned when a config lacks model.num_classes.
type MissingClassesError struct {
	err error
	CSV string // the training table, whose labels tell the number
}

func (e *MissingClassesError) Error() string { return e.err.Error() }

// Unwrap returns the error with its place in the file.
func (e *MissingClassesError) Unwrap() error { return e.err }

// check fills in what depends on other values and refuses what makes no sense.
func (c *Config) check(d *decoder) error {
	for _, s := range []struct {
		section, what, name string
		params              map[string][]string
	}{
		{"optimizer", "optimiser", c.Optimizer.Name, optimizerParams},
		{"scheduler", "schedule", c.Scheduler.Name, schedulerParams},
		{"loss", "loss", c.Loss.Name, lossParams},
	} {
		if err := d.checkNamed(s.section, s.what, s.name, s.params); err != nil {
			return err
		}
	}
	c.fill(d)
	if !slices.Contains(affines, c.Augmentations.Affine) {
		return d.failAt("augmentations.affine", "%s", unknown("strength", c.Augmentations.Affine, "augmentations.affine", affines[1:]))
	}
	if c.Test.TTACombineFunc != Mean {
		return d.failAt("test.tta_combine_func", "%s", unknown("function", string(c.Test.TTACombineFunc), "test.tta_combine_func", []string{string(Mean)}))
	}
	if b := c.Optimizer.Params.Betas; c.Optimizer.Name != "sgd" && (len(b) != 2 || min(b[0], b[1]) < 0 || max(b[0], b[1]) >= 1) {
		return d.failAt("optimizer.params.betas", "two numbers at least 0 and below 1 are needed, not %s", say.List(b))
	}
	if c.Model.Arch == "" {
		return d.failAt("model", "model.arch is missing; there are %s", say.List(Values("model.arch")))
	}
	if c.Model.NumClasses == 0 && d.at["model.num_classes"] == nil {
		return &MissingClassesError{d.failAt("model", "model.num_classes is missing"), c.Train.CSV}
	}
	for _, r := range c.ranges() {
		if !(r.v >= r.min && r.v <= r.max) { // NaN too
			return d.failAt(r.key, "%s is %s; it must be %s", r.key, say.Number(r.v), say.Span(r.min, r.max))
		}
	}
	if err := c.checkImages(d); err != nil {
		return err
	}
	return c.checkOrder(d)
}

// checkNamed refuses an unknown name and parameters that don't go with it.
func (d *decoder) checkNamed(section, what, name string, params map[string][]string) error {
	names := make([]string, 0, len(params))
	for n := range params {
		names = append(names, n)
	}
	slices.Sort(names)
	allowed, ok := params[name]
	if !ok {
		return d.failAt(section+".name", "%s", unknown(what, name, "", names))
	}
	given := d.at[section+".params"]
	if given == nil || given.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(given.Content); i += 2 {
		k := given.Content[i]
		if _, skip := ignored[section+".params."+k.Value]; !skip && !slices.Contains(allowed, k.Value) {
			if len(allowed) == 0 {
				return d.errorf(k, "%s takes no parameter, but %q is given", name, k.Value)
			}
			return d.errorf(k, "%s takes no %q; it takes %s", name, k.Value, strings.Join(allowed, ", "))
		}
	}
	return nil
}

// failAt is errorf at the value of the nearest known key.
func (d *decoder) failAt(key, format string, args ...any) error {
	for k := key; ; {
		if n := d.at[k]; n != nil {
			return d.errorf(n, format, args...)
		}
		i := strings.LastIndexByte(k, '.')
		if i < 0 {
			break
		}
		k = k[:i]
	}
	return &Error{File: d.file, Message: fmt.Sprintf(format, args...)}
}

// fill sets PyTorch's defaults of the parameters that go with the names and
// that the file doesn't give.
func (c *Config) fill(d *decoder) {
	number := func(key string, v *float64, otherwise float64) {
		if d.at[key] == nil {
			*v = otherwise
		}
	}
	whole := func(key string, v *int, otherwise int) {
		if d.at[key] == nil {
			*v = otherwise
		}
	}
	p := &c.Scheduler.Params
	switch c.Scheduler.Name {
	case "step", "multi_step":
		number("scheduler.params.gamma", &p.Gamma, 0.1)
	case "exponential":
		number("scheduler.params.gamma", &p.Gamma, 0.995)
	case "cyclic_lr":
		number("scheduler.params.gamma", &p.Gamma, 1)
		whole("scheduler.params.step_size_up", &p.StepSizeUp, 2000)
	case "reduce_lr_on_plateau":
		number("scheduler.params.factor", &p.Factor, 0.1)
		number("scheduler.params.threshold", &p.Threshold, 1e-4)
		whole("scheduler.params.patience", &p.Patience, 10)
	}
	switch c.Loss.Name {
	case "forgiving_loss":
		number("loss.params.weight", &c.Loss.Params.Weight, 1)
	case "mixed_bce_f2", "mixed_bce_focal":
		number("loss.params.weight", &c.Loss.Params.Weight, 0.3)
	}
	if o := &c.Optimizer; o.Name != "sgd" {
		number("optimizer.params.eps", &o.Params.Eps, 1e-8)
		if d.at["optimizer.params.betas"] == nil {
			o.Params.Betas = []float64{0.9, 0.999}
		}
	}
}

// span is a closed interval that a value must lie in.
type span struct {
	key         string
	v, min, max float64
}

func (c *Config) ranges() []span {
	inf := math.Inf(1)
	a, s, t := c.Augmentations, c.Scheduler.Params, c.Train
	f := func(i int) float64 { return float64(i) }
	return []span{
		{"model.input_size", f(c.Model.InputSize), 1, 4096},
		{"model.num_classes", f(c.Model.NumClasses), 1, 1 << 20},
		{"model.num_folds", f(c.Model.NumFolds), 1, 255},
		{"model.dropout", c.Model.Dropout, 0, 0.999},
		{"data.rect_crop.min_ratio", c.Data.RectCrop.MinRatio, 0.01, 1},
		{"data.rect_crop.max_ratio", c.Data.RectCrop.MaxRatio, 0.01, 1},
		{"train.batch_size", f(t.BatchSize), 1, 1 << 16},
		{"train.num_epochs", f(t.NumEpochs), 1, inf},
		{"train.max_steps_per_epoch", f(t.MaxStepsPerEpoch), 0, inf},
		{"train.accum_batches_num", f(t.AccumBatchesNum), 1, 1 << 16},
		{"train.warmup.steps", f(t.Warmup.Steps), 1, inf},
		{"train.warmup.max_lr", t.Warmup.MaxLR, 0, 1e6},
		{"train.mixup.beta_a", t.Mixup.BetaA, 1e-3, 1e3},
		{"train.swa.period", f(t.SWA.Period), 1, inf},
		{"train.swa.start", f(t.SWA.Start), 0, inf},
		{"train.lr_decay_coeff", t.LRDecayCoeff, 0, 1},
		{"train.lr_finder.num_steps", f(t.LRFinder.NumSteps), 2, inf},
		{"train.lr_finder.init_value", t.LRFinder.InitValue, 1e-30, 1e6},
		{"train.lr_finder.final_value", t.LRFinder.FinalValue, 1e-30, 1e6},
		{"train.lr_finder.beta", t.LRFinder.Beta, 0, 0.9999},
		{"test.batch_size", f(c.Test.BatchSize), 1, 1 << 16},
		{"test.num_ttas", f(c.Test.NumTTAs), 1, 6},
		{"optimizer.params.lr", c.Optimizer.Params.LR, 0, 1e6},
		{"optimizer.params.weight_decay", c.Optimizer.Params.WeightDecay, 0, 1e6},
		{"optimizer.params.momentum", c.Optimizer.Params.Momentum, 0, 1},
		{"scheduler.params.step_size", f(s.StepSize), 0, inf},
		{"scheduler.params.gamma", s.Gamma, 0, 1},
		{"scheduler.params.factor", s.Factor, 0, 1},
		{"scheduler.params.patience", f(s.Patience), 0, inf},
		{"scheduler.params.min_lr", s.MinLR, 0, 1e6},
		{"scheduler.params.base_lr", s.BaseLR, 0, 1e6},
		{"scheduler.params.max_lr", s.MaxLR, 0, 1e6},
		{"scheduler.params.step_size_up", f(s.StepSizeUp), 0, inf},
		{"cosine.start_lr", c.Cosine.StartLR, 0, 1e6},
		{"cosine.period", f(c.Cosine.Period), 1, inf},
		{"cosine.period_inc", f(c.Cosine.PeriodInc), 0, inf},
		{"cosine.period_mult", c.Cosine.PeriodMult, 1, 1e3},
		{"cosine.max_period", f(c.Cosine.MaxPeriod), 0, inf},
		{"loss.params.weight", c.Loss.Params.Weight, 0, 1e6},
		{"augmentations.rect_crop", a.RectCrop, 0, 1},
		{"augmentations.noise", a.Noise, 0, 1},
		{"augmentations.blur", a.Blur, 0, 1},
		{"augmentations.distortion", a.Distortion, 0, 1},
		{"augmentations.color", a.Color, 0, 1},
		{"augmentations.global_prob", a.GlobalProb, 0, 1},
		{"augmentations.erase.prob", a.Erase.Prob, 0, 1},
		{"augmentations.erase.min_area", a.Erase.MinArea, 1e-4, 1},
		{"augmentations.erase.max_area", a.Erase.MaxArea, 1e-4, 1},
		{"augmentations.erase.min_ratio", a.Erase.MinRatio, 0.01, 100},
		{"augmentations.erase.max_ratio", a.Erase.MaxRatio, 0.01, 100},
	}
}

// checkOrder refuses lower ends above upper ones, and what is missing.
func (c *Config) checkOrder(d *decoder) error {
	s, e, r := c.Scheduler, c.Augmentations.Erase, c.Data.RectCrop
	for _, p := range []struct {
		low, high string
		a, b      float64
	}{
		{"data.rect_crop.min_ratio", "max_ratio", r.MinRatio, r.MaxRatio},
		{"augmentations.erase.min_area", "max_area", e.MinArea, e.MaxArea},
		{"augmentations.erase.min_ratio", "max_ratio", e.MinRatio, e.MaxRatio},
		{"scheduler.params.base_lr", "max_lr", s.Params.BaseLR, s.Params.MaxLR},
		{"train.lr_finder.init_value", "final_value", c.Train.LRFinder.InitValue, c.Train.LRFinder.FinalValue},
	} {
		if p.a > p.b {
			return d.failAt(p.low, "%s (%s) is above %s (%s)", p.low, say.Number(p.a), p.high, say.Number(p.b))
		}
	}
	for _, m := range []struct {
		key  string
		list []int
	}{{"scheduler.params.milestones", s.Params.Milestones}, {"train.lr_decay_milestones", c.Train.LRDecayMilestones}} {
		if !slices.IsSorted(m.list) {
			return d.failAt(m.key, "%s must ascend, not %s", m.key, say.List(m.list))
		}
	}
	switch {
	case s.Name == "step" && s.Params.StepSize < 1:
		return d.failAt("scheduler", "the schedule step needs scheduler.params.step_size, in epochs")
	case s.Name == "multi_step" && len(s.Params.Milestones) == 0:
		return d.failAt("scheduler", "the schedule multi_step needs scheduler.params.milestones, a list of epochs")
	case s.Name == "cyclic_lr" && s.Params.MaxLR == 0:
		return d.failAt("scheduler", "the schedule cyclic_lr needs scheduler.params.base_lr and max_lr")
	case len(c.Train.LRDecayMilestones) > 0 && c.Train.LRDecayCoeff == 0:
		return d.failAt("train.lr_decay_milestones", "train.lr_decay_milestones needs train.lr_decay_coeff")
	case s.Name == "cyclic_lr" && s.Params.StepSizeUp < 1:
		return d.failAt("scheduler.params.step_size_up", "scheduler.params.step_size_up must be at least 1")
	case c.Optimizer.Params.Nesterov && c.Optimizer.Params.Momentum == 0:
		return d.failAt("optimizer.params.nesterov", "nesterov needs momentum")
	}
	return nil
}
