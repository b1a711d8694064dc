package config

import (
	"slices"
	"strconv"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/internal/say"
	"github.com/deploy-kernel/deploy-kernel/internal/yamlfile"
	"github.com/deploy-kernel/deploy-kernel/metric"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
)

// lossesOf lists the losses that fit a task besides those of multilabel, which fits all.
var lossesOf = map[task.Task][]string{
	task.Multiclass: {"cross_entropy", "focal_loss"},
	task.Regression: {"mse", "mse_loss", "l1", "l1_loss", "smooth_l1", "smooth_l1_loss"},
	task.Ordinal:    {"binary_cross_entropy", "focal_loss"},
}

// defaultLoss returns the loss of a config that names none.
func defaultLoss(t task.Task) string {
	switch t {
	case task.Multiclass:
		return "cross_entropy"
	case task.Regression:
		return "mse"
	}
	return "binary_cross_entropy"
}

// Balanced is the value of class_weights that takes the weights from the labels.
const Balanced = "balanced"

// Score returns the metric of validation: that of the section metric, or the default of
// the task.
func (c *Config) Score() metric.Metric {
	m := metric.Default(c.Model.Task())
	if c.Metric.Name != "" {
		m = metric.Metric{Name: c.Metric.Name}
	}
	m.Beta, m.MinTPR = c.Metric.Params.Beta, c.Metric.Params.MinTPR
	return m
}

// Weights returns the weights of the classes. It returns nil if all are 1 or
// class_weights is "balanced".
func (p LossParams) Weights() []float64 {
	var weights []float64
	for _, text := range p.ClassWeights {
		if w, err := strconv.ParseFloat(text, 64); err == nil { // the check has refused others
			weights = append(weights, w)
		}
	}
	return weights
}

// checkTask refuses a loss or a metric that does not fit the task or the classes.
func (c *Config) checkTask(d *yamlfile.Decoder) error {
	t := c.Model.Task()
	if fit, limited := lossesOf[t]; limited && !slices.Contains(fit, c.Loss.Name) {
		return d.ErrorAt("loss.name", "the loss %s does not fit the task %s; these do: %s", c.Loss.Name, t, say.List(fit))
	}
	if _, err := metric.Parse(c.Metric.Name); err != nil && c.Metric.Name != "" {
		return d.ErrorAt("metric.name", "%s", yamlfile.Unknown("metric", c.Metric.Name, "metric.name", metric.Names()))
	}
	if err := c.Score().Check(t); err != nil {
		return d.ErrorAt("metric", "%v", err)
	}
	for _, k := range []struct {
		key, other string
		value      float64
	}{
		{"loss.params.gamma", "binary_cross_entropy and cross_entropy have no focus", c.Loss.Params.Gamma},
		{"loss.params.alpha", "without alpha, all labels have the same weight", c.Loss.Params.Alpha},
		{"loss.params.beta", "the loss l1 has no parabola", c.Loss.Params.Beta},
	} {
		if d.Given(k.key) && k.value == 0 {
			return d.ErrorAt(k.key, "%s must be above 0; %s", k.key, k.other)
		}
	}
	return c.checkClassWeights(d)
}

// checkClassWeights refuses class weights that are no numbers or not one for each class.
func (c *Config) checkClassWeights(d *yamlfile.Decoder) error {
	const key = "loss.params.class_weights"
	texts, t := c.Loss.Params.ClassWeights, c.Model.Task()
	switch {
	case len(texts) == 0:
		return nil
	case t == task.Ordinal:
		return d.ErrorAt(key, "the task ordinal takes no class weights; multilabel and multiclass do")
	case slices.Equal(texts, []string{Balanced}):
		return nil
	case len(texts) != c.Model.NumClasses:
		return d.ErrorAt(key, "%s has %s, but model.num_classes is %d; %q takes them from the labels", key, say.Count(len(texts), "weight"), c.Model.NumClasses, Balanced)
	}
	for _, text := range texts {
		if w, err := strconv.ParseFloat(strings.TrimSpace(text), 64); err != nil || !(w >= 0 && w <= 1e6) {
			return d.ErrorAt(key, "%s: %q is not a number between 0 and 1000000", key, text)
		}
	}
	return nil
}
