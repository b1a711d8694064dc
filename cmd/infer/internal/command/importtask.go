package command

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/artifact/labeltable"
	"github.com/deploy-kernel/deploy-kernel/artifact/modelspec"
	"github.com/deploy-kernel/deploy-kernel/artifact/predictionspec"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/metric"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
	"github.com/spf13/cobra"
)

// predictions returns what the flags say of the predictions.
func (f *importFlags) predictions(cmd *cobra.Command) (*predictionspec.Spec, error) {
	s := &predictionspec.Spec{Threshold: f.threshold, Metric: modelspec.Metric{Name: f.metricName}}
	var err error
	if s.Task, err = task.Parse(f.taskName); err != nil {
		return nil, cli.Usagef("--task: %v", err)
	}
	by := metric.Default(s.Task)
	if f.metricName != "" {
		by = metric.Metric{Name: f.metricName}
	}
	if err := by.Check(s.Task); err != nil {
		return nil, cli.Usagef("--metric: %v", err)
	}
	switch given := cmd.Flags().Changed("threshold"); {
	case !by.Thresholds(s.Task) && given:
		return nil, cli.Usagef("--threshold: a %s model that is scored by %s has none", s.Task, by)
	case !by.Thresholds(s.Task):
		s.Threshold = 0
	case math.IsNaN(f.threshold) || f.threshold < 0 || f.threshold > 1:
		return nil, cli.Usagef("--threshold %v: it must be from 0 to 1", f.threshold)
	}
	if f.classNames == "" {
		return s, nil
	}
	names := strings.Split(f.classNames, ",")
	if labeltable.IsClassFile(names) {
		if names, err = labeltable.ReadClasses(names[0]); err != nil {
			return nil, err
		}
	}
	for i, name := range names {
		names[i] = strings.TrimSpace(name)
		if names[i] == "" || slices.Contains(names[:i], names[i]) {
			return nil, cli.Usagef("--class-names: the name %q of class %d is empty or there twice", names[i], i)
		}
	}
	s.ClassNames, s.Labels.Classes = names, names
	return s, nil
}

// countClasses sets the number of classes by the outputs of the network. It refuses
// another number of names.
func (f *importFlags) countClasses(g *nn.Graph) error {
	f.spec.Classes = g.Classes()
	if f.spec.Task == task.Ordinal {
		f.spec.Classes++ // the lowest grade has no output
	}
	if n := len(f.spec.ClassNames); n > 0 && n != f.spec.Classes {
		return fmt.Errorf("--class-names has %d names, but the network has %d classes", n, f.spec.Classes)
	}
	if f.spec.Task == task.Multiclass && f.spec.Classes < 2 {
		return hint.New(errors.New("a multiclass network has at least 2 outputs, but this one has 1"), "--task multilabel is for one class, yes or no")
	}
	return nil
}
