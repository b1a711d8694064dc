package metric_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/metric"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
)

var tasks = []task.Task{task.Multilabel, task.Multiclass, task.Regression, task.Ordinal}

func TestMetricsAreFoundByTheirNames(t *testing.T) {
	for _, name := range metric.Names() {
		for _, spelled := range []string{name, strings.ReplaceAll(name, "-", "_")} {
			if m, err := metric.Parse(spelled); err != nil || m != (metric.Metric{Name: name}) {
				t.Errorf("%s: %+v, %v", spelled, m, err)
			}
		}
	}
	for _, name := range []string{"", "auc", "F-beta"} {
		if m, err := metric.Parse(name); err == nil || !strings.Contains(err.Error(), "there are f-beta, micro-f-beta, ") {
			t.Errorf("%q: %+v, %v", name, m, err)
		}
	}
}

func TestTheDefaultFitsItsTask(t *testing.T) {
	for _, task := range tasks {
		m := metric.Default(task)
		if err := m.Check(task); err != nil || !slices.Contains(metric.Fitting(task), m.Name) {
			t.Errorf("%s: %s: %v", task, m, err)
		}
	}
}

func TestMetricsThatMakeNoSenseAreRefused(t *testing.T) {
	for _, c := range []struct {
		metric metric.Metric
		task   task.Task
		want   string
	}{
		{metric.Metric{Name: "rmse"}, task.Multilabel, "the metric rmse does not fit the task multilabel; these do: f-beta, "},
		{metric.Metric{Name: "roc-auc"}, task.Regression, "does not fit the task regression; these do: quadratic-kappa, rmse"},
		{metric.Metric{Name: "quadratic-kappa"}, task.Multilabel, "does not fit"},
		{metric.Metric{Name: "auc"}, task.Multilabel, `unknown metric "auc"`},
		{metric.Metric{Name: "f-beta", Beta: -1}, task.Multilabel, "beta -1: a number above 0 and below 1000000 is needed"},
		{metric.Metric{Name: "mcc", Beta: 1}, task.Multilabel, "the metric mcc has no beta"},
		{metric.Metric{Name: "partial-auc", MinTPR: 1}, task.Multilabel, "min-tpr 1: a number between 0 and 1 is needed"},
		{metric.Metric{Name: "roc-auc", MinTPR: 0.8}, task.Multilabel, "the metric roc-auc has no min-tpr"},
	} {
		if err := c.metric.Check(c.task); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %s", c.metric, err, c.want)
		}
	}
}

func TestParametersAreNamed(t *testing.T) {
	for want, m := range map[string]metric.Metric{
		"f-beta":                    {Name: "f-beta", Beta: 2},
		"macro-f-beta (beta 1)":     {Name: "macro-f-beta", Beta: 1},
		"partial-auc (min-tpr 0.9)": {Name: "partial-auc", MinTPR: 0.9},
	} {
		if m.String() != want {
			t.Errorf("%+v is %s, want %s", m, m, want)
		}
	}
}
