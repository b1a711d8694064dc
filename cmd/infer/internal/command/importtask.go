package command

import (
	"cmp"
	"encoding/json"
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

// predictions returns what the flags say of the predictions, or else the metadata of
// weights that our training wrote.
func (f *importFlags) predictions(cmd *cobra.Command, meta map[string]string) (*predictionspec.Spec, error) {
	s := &predictionspec.Spec{Threshold: f.threshold, Metric: modelspec.Metric{Name: f.metricName}}
	var err error
	if c, parseErr := modelspec.Parse("config", []byte(meta["config"])); parseErr == nil && f.taskName == "" {
		s.Task, s.Labels = c.Model.Task(), c.Labels
		if f.metricName == "" {
			s.Metric = c.Metric
		}
	} else if s.Task, err = task.Parse(cmp.Or(f.taskName, meta["task"], impliedTask[meta["activation"]])); err != nil {
		return nil, cli.Usagef("--task: %v", err)
	}
	by := metric.Default(s.Task)
	if s.Metric.Name != "" {
		by = metric.Metric{Name: s.Metric.Name, Beta: s.Metric.Params.Beta, MinTPR: s.Metric.Params.MinTPR}
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
	if s.ClassNames, err = f.names(meta); err == nil && s.ClassNames != nil {
		s.Labels.Classes = s.ClassNames
	}
	return s, err
}

// impliedTask maps the last activation of an imported model to its task.
var impliedTask = map[string]string{
	"softmax": task.Multiclass.String(), "log-softmax": task.Multiclass.String(),
}

// names returns the names of the classes, or nil if neither the flag nor the metadata has
// them.
func (f *importFlags) names(meta map[string]string) ([]string, error) {
	if f.classNames == "" {
		var names []string
		if text := meta["class_names"]; text != "" && json.Unmarshal([]byte(text), &names) != nil {
			return nil, hint.New(errors.New("the class names in the weights are damaged"), "give --class-names")
		}
		return names, nil
	}
	names := strings.Split(f.classNames, ",")
	if labeltable.IsClassFile(names) {
		return labeltable.ReadClasses(names[0])
	}
	for i, name := range names {
		names[i] = strings.TrimSpace(name)
		if names[i] == "" || slices.Contains(names[:i], names[i]) {
			return nil, cli.Usagef("--class-names: the name %q of class %d is empty or there twice", names[i], i)
		}
	}
	return names, nil
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
