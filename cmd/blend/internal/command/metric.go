package command

import (
	"github.com/deploy-kernel/deploy-kernel/artifact/predictionspec"
	"github.com/deploy-kernel/deploy-kernel/blend"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/internal/say"
	"github.com/deploy-kernel/deploy-kernel/metric"
	"github.com/spf13/cobra"
)

// parameterFlags set the parameters of metrics.
type parameterFlags struct{ beta, minTPR float64 }

func (f *parameterFlags) add(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.Float64Var(&f.beta, "beta", metric.DefaultBeta, "recall counts this many times as much as precision in the F-betas")
	fs.Float64Var(&f.minTPR, "min-tpr", metric.DefaultMinTPR, "true positive rate above which partial-auc measures the area")
}

func (f *parameterFlags) check() error {
	switch {
	case !(f.beta > 0 && f.beta < 1e6):
		return cli.Usagef("--beta %s: a number above 0 and below 1000000 is needed", say.Number(f.beta))
	case !(f.minTPR > 0 && f.minTPR < 1):
		return cli.Usagef("--min-tpr %s: a number between 0 and 1 is needed", say.Number(f.minTPR))
	}
	return nil
}

// set returns m with the parameters that flags of cmd name, if m has them.
func (f *parameterFlags) set(cmd *cobra.Command, m metric.Metric) metric.Metric {
	if m.HasBeta() && cmd.Flags().Changed("beta") {
		m.Beta = f.beta
	}
	if m.Name == metric.PartialAUC && cmd.Flags().Changed("min-tpr") {
		m.MinTPR = f.minTPR
	}
	return m
}

// metricFlags say which score to maximize.
type metricFlags struct {
	parameterFlags
	name       string
	offset     float64
	thresholds string
}

// The values of --thresholds.
const (
	common   = "common"
	perClass = "per-class"
)

func (f *metricFlags) add(cmd *cobra.Command) {
	fs := cmd.Flags()
	f.thresholds = common
	cli.ChoiceVar(fs, &f.name, "metric", metric.Names(), "score to maximize, or loss to minimize (default: the metric of the models, or that of their task)")
	f.parameterFlags.add(cmd)
	fs.Float64Var(&f.offset, "max-offset", 0, "search a common offset of all thresholds too, at most this far from 0 (default: none; 0.1 with --thresholds per-class)")
	cli.ChoiceVar(fs, &f.thresholds, "thresholds", []string{common, perClass}, "one threshold for all classes, or one for each")
}

func (f *metricFlags) check() error {
	if err := f.parameterFlags.check(); err != nil {
		return err
	}
	if !(f.offset >= 0 && f.offset < 1) {
		return cli.Usagef("--max-offset %s: a number from 0 to 1 is needed", say.Number(f.offset))
	}
	return nil
}

// metric returns the metric to fit to models of which spec is the description.
func (f *metricFlags) metric(cmd *cobra.Command, spec *predictionspec.Spec) (metric.Metric, error) {
	m := f.set(cmd, choose(f.name, spec))
	switch {
	case m.Check(spec.Task) != nil:
		return m, m.Check(spec.Task)
	case f.offset > 0 && !blend.HasThresholds(spec.Task, m):
		return m, cli.Usagef("--max-offset: the metric %s has no thresholds", m.Name)
	case f.thresholds == perClass && !blend.HasClassThresholds(spec.Task, m):
		return m, cli.Usagef("--thresholds: the metric %s has no thresholds of classes", m.Name)
	}
	return m, nil
}

// choose returns the metric called name, or without a name that of the models, or the
// default of their task. Parameters of the models' metric apply to that metric alone.
func choose(name string, spec *predictionspec.Spec) metric.Metric {
	own := metric.Metric{Name: spec.Metric.Name, Beta: spec.Metric.Params.Beta, MinTPR: spec.Metric.Params.MinTPR}
	if m, err := metric.Parse(own.Name); err == nil {
		own.Name = m.Name // with hyphens
	} else {
		own = metric.Default(spec.Task)
	}
	if name == "" || name == own.Name {
		return own
	}
	return metric.Metric{Name: name}
}
