package config

import (
	"math"
	"slices"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/internal/say"
	"github.com/deploy-kernel/deploy-kernel/internal/yamlfile"
	"gopkg.in/yaml.v3"
)

// The names that a config may choose, and the parameters that each takes.
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
		"binary_cross_entropy": {"label_smoothing", "class_weights"}, "cross_entropy": {"label_smoothing", "class_weights"},
		"focal_loss": {"gamma", "alpha", "class_weights"}, "f2_loss": {},
		"mixed_bce_focal": {"weight"}, "mixed_bce_f2": {"weight"}, "forgiving_loss": {"weight"},
		"mse": {}, "mse_loss": {}, "l1": {}, "l1_loss": {}, "smooth_l1": {"beta"}, "smooth_l1_loss": {"beta"},
	}
	affines = []string{"", "soft", "medium", "hard"}
)

// ignored maps keys that old files carry and nothing reads to the reason.
var ignored = map[string]string{
	"augmentations.dropout":           "pixels are never dropped (the network's dropout is model.dropout)",
	"augmentations.aug_global_prob":   "the name is global_prob",
	"scheduler.params.mode":           "the amplitude of cyclic_lr shrinks by gamma each cycle, whatever the mode",
	"scheduler.params.cycle_momentum": "momentum never changes",
}

// check fills in defaults that depend on other values, and refuses values that are
// missing, out of range or contradict one another.
func (c *Config) check(d *yamlfile.Decoder) error {
	if !d.Given("loss.name") {
		c.Loss.Name = defaultLoss(c.Model.Task())
	}
	for _, s := range []struct {
		section, what, name string
		params              map[string][]string
	}{
		{"optimizer", "optimizer", c.Optimizer.Name, optimizerParams},
		{"scheduler", "schedule", c.Scheduler.Name, schedulerParams},
		{"loss", "loss", c.Loss.Name, lossParams},
	} {
		if err := checkNamed(d, s.section, s.what, s.name, s.params); err != nil {
			return err
		}
	}
	c.fill(d)
	if !slices.Contains(affines, c.Augmentations.Affine) {
		return d.ErrorAt("augmentations.affine", "%s", yamlfile.Unknown("strength", c.Augmentations.Affine, "augmentations.affine", affines[1:]))
	}
	if b := c.Optimizer.Params.Betas; c.Optimizer.Name != "sgd" && (len(b) != 2 || min(b[0], b[1]) < 0 || max(b[0], b[1]) >= 1) {
		return d.ErrorAt("optimizer.params.betas", "two numbers at least 0 and below 1 are needed, not %s", say.List(b))
	}
	spec := c.Spec()
	if err := spec.Check(d); err != nil {
		return err
	}
	c.Model, c.Metric = spec.Model, spec.Metric // an alias in them may have become a name
	if err := c.checkTask(d); err != nil {
		return err
	}
	if err := d.CheckRanges(c.ranges()); err != nil {
		return err
	}
	return c.checkOrder(d)
}

// checkNamed refuses an unknown name, and parameters that the name does not take.
func checkNamed(d *yamlfile.Decoder, section, what, name string, params map[string][]string) error {
	names := make([]string, 0, len(params))
	for n := range params {
		names = append(names, n)
	}
	slices.Sort(names)
	allowed, ok := params[name]
	if !ok {
		return d.ErrorAt(section+".name", "%s", yamlfile.Unknown(what, name, "", names))
	}
	given := d.Node(section + ".params")
	if given == nil || given.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(given.Content); i += 2 {
		k := given.Content[i]
		if _, skip := ignored[section+".params."+k.Value]; !skip && !slices.Contains(allowed, k.Value) {
			if len(allowed) == 0 {
				return d.Errorf(k, "%s takes no parameter, but %q is given", name, k.Value)
			}
			return d.Errorf(k, "%s takes no %q; it takes %s", name, k.Value, strings.Join(allowed, ", "))
		}
	}
	return nil
}

// fill sets the parameters that the chosen names take and the file lacks to PyTorch's
// defaults.
func (c *Config) fill(d *yamlfile.Decoder) {
	number := func(key string, v *float64, otherwise float64) {
		if d.Node(key) == nil {
			*v = otherwise
		}
	}
	whole := func(key string, v *int, otherwise int) {
		if d.Node(key) == nil {
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
		if d.Node("optimizer.params.betas") == nil {
			o.Params.Betas = []float64{0.9, 0.999}
		}
	}
}

// ranges lists the limits of the numbers that only a training reads.
func (c *Config) ranges() []yamlfile.Range {
	inf := math.Inf(1)
	a, s, t := c.Augmentations, c.Scheduler.Params, c.Train
	f := func(i int) float64 { return float64(i) }
	return []yamlfile.Range{
		{Key: "data.rect_crop.min_ratio", Value: c.Data.RectCrop.MinRatio, Min: 0.01, Max: 1},
		{Key: "data.rect_crop.max_ratio", Value: c.Data.RectCrop.MaxRatio, Min: 0.01, Max: 1},
		{Key: "train.batch_size", Value: f(t.BatchSize), Min: 1, Max: 1 << 16},
		{Key: "train.num_epochs", Value: f(t.NumEpochs), Min: 1, Max: inf},
		{Key: "train.max_steps_per_epoch", Value: f(t.MaxStepsPerEpoch), Min: 0, Max: inf},
		{Key: "train.accum_batches_num", Value: f(t.AccumBatchesNum), Min: 1, Max: 1 << 16},
		{Key: "train.warmup.steps", Value: f(t.Warmup.Steps), Min: 1, Max: inf},
		{Key: "train.warmup.max_lr", Value: t.Warmup.MaxLR, Min: 0, Max: 1e6},
		{Key: "train.mixup.beta_a", Value: t.Mixup.BetaA, Min: 1e-3, Max: 1e3},
		{Key: "train.swa.period", Value: f(t.SWA.Period), Min: 1, Max: inf},
		{Key: "train.swa.start", Value: f(t.SWA.Start), Min: 0, Max: inf},
		{Key: "train.lr_decay_coeff", Value: t.LRDecayCoeff, Min: 0, Max: 1},
		{Key: "train.lr_finder.num_steps", Value: f(t.LRFinder.NumSteps), Min: 2, Max: inf},
		{Key: "train.lr_finder.init_value", Value: t.LRFinder.InitValue, Min: 1e-30, Max: 1e6},
		{Key: "train.lr_finder.final_value", Value: t.LRFinder.FinalValue, Min: 1e-30, Max: 1e6},
		{Key: "train.lr_finder.beta", Value: t.LRFinder.Beta, Min: 0, Max: 0.9999},
		{Key: "optimizer.params.lr", Value: c.Optimizer.Params.LR, Min: 0, Max: 1e6},
		{Key: "optimizer.params.weight_decay", Value: c.Optimizer.Params.WeightDecay, Min: 0, Max: 1e6},
		{Key: "optimizer.params.momentum", Value: c.Optimizer.Params.Momentum, Min: 0, Max: 1},
		{Key: "scheduler.params.step_size", Value: f(s.StepSize), Min: 0, Max: inf},
		{Key: "scheduler.params.gamma", Value: s.Gamma, Min: 0, Max: 1},
		{Key: "scheduler.params.factor", Value: s.Factor, Min: 0, Max: 1},
		{Key: "scheduler.params.patience", Value: f(s.Patience), Min: 0, Max: inf},
		{Key: "scheduler.params.min_lr", Value: s.MinLR, Min: 0, Max: 1e6},
		{Key: "scheduler.params.base_lr", Value: s.BaseLR, Min: 0, Max: 1e6},
		{Key: "scheduler.params.max_lr", Value: s.MaxLR, Min: 0, Max: 1e6},
		{Key: "scheduler.params.step_size_up", Value: f(s.StepSizeUp), Min: 0, Max: inf},
		{Key: "cosine.start_lr", Value: c.Cosine.StartLR, Min: 0, Max: 1e6},
		{Key: "cosine.period", Value: f(c.Cosine.Period), Min: 1, Max: inf},
		{Key: "cosine.period_inc", Value: f(c.Cosine.PeriodInc), Min: 0, Max: inf},
		{Key: "cosine.period_mult", Value: c.Cosine.PeriodMult, Min: 1, Max: 1e3},
		{Key: "cosine.max_period", Value: f(c.Cosine.MaxPeriod), Min: 0, Max: inf},
		{Key: "loss.params.weight", Value: c.Loss.Params.Weight, Min: 0, Max: 1e6},
		{Key: "loss.params.label_smoothing", Value: c.Loss.Params.LabelSmoothing, Min: 0, Max: 0.999},
		{Key: "loss.params.gamma", Value: c.Loss.Params.Gamma, Min: 0, Max: 10},
		{Key: "loss.params.alpha", Value: c.Loss.Params.Alpha, Min: 0, Max: 1},
		{Key: "loss.params.beta", Value: c.Loss.Params.Beta, Min: 0, Max: 1e6},
		{Key: "augmentations.rect_crop", Value: a.RectCrop, Min: 0, Max: 1},
		{Key: "augmentations.noise", Value: a.Noise, Min: 0, Max: 1},
		{Key: "augmentations.blur", Value: a.Blur, Min: 0, Max: 1},
		{Key: "augmentations.distortion", Value: a.Distortion, Min: 0, Max: 1},
		{Key: "augmentations.color", Value: a.Color, Min: 0, Max: 1},
		{Key: "augmentations.global_prob", Value: a.GlobalProb, Min: 0, Max: 1},
		{Key: "augmentations.erase.prob", Value: a.Erase.Prob, Min: 0, Max: 1},
		{Key: "augmentations.erase.min_area", Value: a.Erase.MinArea, Min: 1e-4, Max: 1},
		{Key: "augmentations.erase.max_area", Value: a.Erase.MaxArea, Min: 1e-4, Max: 1},
		{Key: "augmentations.erase.min_ratio", Value: a.Erase.MinRatio, Min: 0.01, Max: 100},
		{Key: "augmentations.erase.max_ratio", Value: a.Erase.MaxRatio, Min: 0.01, Max: 100},
	}
}

// checkOrder refuses lower limits above upper ones, unsorted lists, and names whose
// parameters are missing.
func (c *Config) checkOrder(d *yamlfile.Decoder) error {
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
			return d.ErrorAt(p.low, "%s (%s) is above %s (%s)", p.low, say.Number(p.a), p.high, say.Number(p.b))
		}
	}
	for _, m := range []struct {
		key  string
		list []int
	}{{"scheduler.params.milestones", s.Params.Milestones}, {"train.lr_decay_milestones", c.Train.LRDecayMilestones}} {
		if !slices.IsSorted(m.list) {
			return d.ErrorAt(m.key, "%s must ascend, not %s", m.key, say.List(m.list))
		}
	}
	switch {
	case s.Name == "step" && s.Params.StepSize < 1:
		return d.ErrorAt("scheduler", "the schedule step needs scheduler.params.step_size, in epochs")
	case s.Name == "multi_step" && len(s.Params.Milestones) == 0:
		return d.ErrorAt("scheduler", "the schedule multi_step needs scheduler.params.milestones, a list of epochs")
	case s.Name == "cyclic_lr" && s.Params.MaxLR == 0:
		return d.ErrorAt("scheduler", "the schedule cyclic_lr needs scheduler.params.base_lr and max_lr")
	case len(c.Train.LRDecayMilestones) > 0 && c.Train.LRDecayCoeff == 0:
		return d.ErrorAt("train.lr_decay_milestones", "train.lr_decay_milestones needs train.lr_decay_coeff")
	case s.Name == "cyclic_lr" && s.Params.StepSizeUp < 1:
		return d.ErrorAt("scheduler.params.step_size_up", "scheduler.params.step_size_up must be at least 1")
	case c.Optimizer.Params.Nesterov && c.Optimizer.Params.Momentum == 0:
		return d.ErrorAt("optimizer.params.nesterov", "nesterov needs momentum")
	}
	return nil
}
