package modelspec

import (
	"slices"

	"github.com/deploy-kernel/deploy-kernel/artifact/labeltable"
	"github.com/deploy-kernel/deploy-kernel/internal/yamlfile"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
)

// Metric names the score that validation, blending and cuts maximize or minimize. The
// zero value means the default of the task. Package metric has the names.
type Metric struct {
	Name   string       `yaml:"name"`
	Params MetricParams `yaml:"params,omitempty"`
}

// MetricParams are the arguments of metrics. 0 means the default.
type MetricParams struct {
	Beta   float64 `yaml:"beta,omitempty"`    // f-beta, micro-f-beta, macro-f-beta
	MinTPR float64 `yaml:"min_tpr,omitempty"` // partial-auc
}

// Labels says which columns of the training table hold what. The zero value leaves it to
// the table; see package labeltable.
type Labels struct {
	ID        string         `yaml:"id,omitempty"`        // column of the ids
	Columns   yamlfile.Texts `yaml:"columns,omitempty"`   // columns of the labels or targets
	Separator string         `yaml:"separator,omitempty"` // between the labels of a field
	// Classes holds the names of the classes by number, or the path of a file of them.
	Classes yamlfile.Texts `yaml:"classes,omitempty"`
	Group   string         `yaml:"group,omitempty"` // column of groups that folds keep together
}

// Options returns the options of package labeltable. names holds the names of the
// classes if Classes is a file; otherwise it may be nil.
func (l Labels) Options(t task.Task, classes int, names []string) labeltable.Options {
	if names == nil && !labeltable.IsClassFile(l.Classes) {
		names = slices.Clone(l.Classes)
	}
	return labeltable.Options{
		Task: t, Classes: classes, ID: l.ID, Columns: slices.Clone(l.Columns), Separator: l.Separator, ClassNames: names, Group: l.Group,
	}
}
