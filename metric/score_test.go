package metric_test

import (
	"math"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/metric"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
)

var nan = float32(math.NaN())

// These are the cases of the doc comments.
func TestTheScoresWorkedByHand(t *testing.T) {
	labels := metric.Rows{Scores: []float32{0.9, 0.6, 0.1, 0.2, 0.5, 0.4}, Labels: [][]int{{0}, {1}}, Classes: 3}
	half := metric.Decision{Threshold: 0.5}
	near(t, "macro-f-beta", metric.Metric{Name: "macro-f-beta"}.Score(labels, half), 1.0/3)
	near(t, "mcc", metric.Metric{Name: "mcc"}.Score(labels, half), 0.25)
	one := metric.Rows{Scores: []float32{0.5, 0.25}, Labels: [][]int{{0}}, Classes: 2, Task: task.Multiclass}
	near(t, "log-loss", one.LogLoss(), math.Ln2)
	values := metric.Rows{Scores: []float32{1, 3}, Values: []float32{2, 3}, Classes: 1, Task: task.Regression}
	near(t, "rmse", values.RMSE(), math.Sqrt(0.5))

	c := metric.NewConfusion(3)
	for i, truth := range []int{0, 0, 1, 2} {
		c.Add(truth, []int{0, 1, 1, 2}[i], 1)
	}
	for name, want := range map[string]float64{"accuracy": 0.75, "f-beta": 0.75, "micro-f-beta": 0.75, "macro-f-beta": 7.0 / 9, "mcc": 0.7, "quadratic-kappa": 0.8} {
		near(t, name, metric.Metric{Name: name, Beta: 1}.Confused(c), want)
	}

	ranked := metric.Rows{Scores: []float32{0.9, 0.8, 0.8, 0.1}, Labels: [][]int{{0}, {0}, {}, {}}, Classes: 1}
	for name, want := range map[string]float64{"roc-auc": 7.0 / 8, "average-precision": 5.0 / 6, "partial-auc": 0.12} {
		near(t, name, metric.Metric{Name: name}.Score(ranked, metric.Decision{}), want)
	}
}

// A change of the counts has the effect of counting anew.
func TestRemovedRowsDoNotCount(t *testing.T) {
	a, b := metric.NewConfusion(4), metric.NewConfusion(4)
	a.Add(0, 3, 5)
	for _, c := range []*metric.Confusion{a, b} {
		c.Add(1, 2, 3)
		c.Add(2, 2, 4)
		c.Add(3, 0, 1)
	}
	a.Add(0, 3, -5)
	for _, m := range scores(task.Multiclass) {
		if m.Decides() && m.Confused(a) != m.Confused(b) {
			t.Errorf("%s: %v after removing rows, %v without them", m, m.Confused(a), m.Confused(b))
		}
	}
}

// scores returns the metrics of a task.
func scores(kind task.Task) []metric.Metric {
	var all []metric.Metric
	for _, name := range metric.Fitting(kind) {
		all = append(all, metric.Metric{Name: name})
	}
	return all
}

func TestEdgeCasesHaveAScore(t *testing.T) {
	for _, kind := range tasks {
		for _, m := range scores(kind) {
			none := metric.Rows{Classes: 3, Task: kind}
			d, score := m.Fit(none)
			answer, constant := m.Constant(none)
			if score != 0 || constant != 0 || m.Score(none, d) != 0 || answer.Labels != nil {
				t.Errorf("%s, %s: no rows score %v, %v", kind, m, score, constant)
			}
		}
	}
	type rows = metric.Rows
	for _, c := range []struct {
		what, metric string
		rows         rows
		want         float64
	}{
		{"no class has true rows", "roc-auc", rows{Scores: []float32{1, 2}, Labels: [][]int{{}, {}}, Classes: 1}, 0},
		{"no class has other rows", "roc-auc", rows{Scores: []float32{1, 2}, Labels: [][]int{{0}, {0}}, Classes: 1}, 0},
		{"all rows are true", "average-precision", rows{Scores: []float32{1, 2}, Labels: [][]int{{0}, {0}}, Classes: 1}, 1},
		{"a class without true rows is skipped", "roc-auc", rows{Scores: []float32{1, 9, 2, 3}, Labels: [][]int{{}, {0}}, Classes: 2}, 1},
		{"constant scores", "roc-auc", rows{Scores: []float32{1, 1, 1}, Labels: [][]int{{0}, {}, {}}, Classes: 1}, 0.5},
		{"constant scores", "average-precision", rows{Scores: []float32{1, 1, 1}, Labels: [][]int{{0}, {}, {}}, Classes: 1}, 1.0 / 3},
		{"constant scores", "partial-auc", rows{Scores: []float32{1, 1, 1}, Labels: [][]int{{0}, {}, {}}, Classes: 1}, 0.02},
		{"perfect order", "partial-auc", rows{Scores: []float32{1, 0}, Labels: [][]int{{0}, {}}, Classes: 1}, 0.2},
		{"NaN is lowest", "roc-auc", rows{Scores: []float32{nan, -1}, Labels: [][]int{{0}, {}}, Classes: 1}, 0},
		{"one grade", "quadratic-kappa", rows{Scores: []float32{2, 2}, Labels: [][]int{{2}, {2}}, Classes: 4, Task: task.Ordinal}, 0},
		{"NaN is the lowest grade", "accuracy", rows{Scores: []float32{nan, 2.6}, Labels: [][]int{{0}, {3}}, Classes: 4, Task: task.Ordinal}, 1},
		{"grades beyond the ends", "accuracy", rows{Scores: []float32{-7, 9}, Labels: [][]int{{0}, {3}}, Classes: 4, Task: task.Ordinal}, 1},
		{"grades of a regression", "quadratic-kappa", rows{Scores: []float32{0.1, 1.9}, Values: []float32{0, 2}, Classes: 1, Task: task.Regression}, 1},
		{"all given", "mcc", rows{Scores: []float32{1, 1}, Labels: [][]int{{0}, {}}, Classes: 1}, 0},
		{"one class", "mcc", rows{Scores: []float32{1, 0, 1, 0}, Labels: [][]int{{0}, {0}}, Classes: 2, Task: task.Multiclass}, 0},
	} {
		near(t, c.what+": "+c.metric, metric.Metric{Name: c.metric}.Score(c.rows, metric.Decision{}), c.want)
	}
	if got := (rows{Scores: []float32{nan}, Values: []float32{1}, Classes: 1, Task: task.Regression}).RMSE(); !math.IsNaN(got) {
		t.Errorf("the RMSE of NaN is %v", got)
	}
}
