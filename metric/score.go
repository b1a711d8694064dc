package metric

import (
	"math"

	"github.com/deploy-kernel/deploy-kernel/runtime/task"
)

// Decision is how scores become labels or grades. The zero value is the threshold 0,
// and for grades the nearest grade.
type Decision struct {
	// Threshold is what the score of a label exceeds.
	Threshold float32
	// Bounds part neighboring grades, in ascending order. Nil rounds to the nearest
	// grade: 0.5, 1.5, 2.5 and so on.
	Bounds []float64
}

// Score returns the score of predictions, with the sign of its definition: see
// [Metric.Lower]. d is the decision for metrics that score one. The metric must fit
// the task of y.
func (m Metric) Score(y Rows, d Decision) float64 {
	switch {
	case y.Len() == 0:
		return 0
	case m.Name == LogLoss:
		return y.LogLoss()
	case m.Name == RMSE:
		return y.RMSE()
	case m.Ranks():
		return m.rank(y)
	case y.Task == task.Multilabel:
		return m.labels(y, d.Threshold)
	}
	return m.Confused(y.confusion(d))
}

// labels scores the decisions of a multilabel problem.
func (m Metric) labels(y Rows, threshold float32) float64 {
	switch m.Name {
	case FBeta:
		return y.FBeta(threshold, m.beta())
	case MicroFBeta:
		return y.MicroFBeta(threshold, m.beta())
	case MacroFBeta:
		return y.macroFBeta(threshold, m.beta())
	case Accuracy:
		return y.Accuracy()
	case MCC:
		var all Counts
		for i := range y.Labels {
			all.Add(y.Counts(i, threshold))
		}
		return all.MCC(len(y.Scores))
	}
	panic("metric: internal error: " + m.Name + " does not score labels")
}

// macroFBeta returns the mean over all classes of the F-beta of each, as scikit-learn's
// fbeta_score with average="macro". A class that is neither true nor given counts as 0.
//
// By hand, the two rows of [Rows.FBeta]: class 0 is given to row 0, where it is true: 1.
// Class 1 is given to row 0 and true in row 1: 0. Class 2 has neither: 0. Mean 1/3.
func (y Rows) macroFBeta(threshold float32, beta float64) float64 {
	sum := 0.0
	for _, c := range y.classCounts(threshold) {
		sum += c.FBeta(beta)
	}
	return mean(sum, y.Classes)
}

// classCounts returns the counts of each class.
func (y Rows) classCounts(threshold float32) []Counts {
	counts := make([]Counts, y.Classes)
	for i, labels := range y.Labels {
		row := y.Row(i)
		for c, s := range row {
			if s > threshold {
				counts[c].Given++
			}
		}
		for _, l := range labels {
			counts[l].True++
			if row[l] > threshold {
				counts[l].Hits++
			}
		}
	}
	return counts
}

// RMSE returns the mean over targets of the root of the mean squared error, as
// scikit-learn's root_mean_squared_error. The truth of an ordinal row is its grade.
// It is 0 for no rows.
//
// By hand, one target: values 1 and 3, true 2 and 3: sqrt((1+0)/2) = 0.707107.
func (y Rows) RMSE() float64 {
	targets := y.Task.Values(y.Classes)
	squares := make([]float64, targets)
	for i := range y.Len() {
		for k, s := range y.Row(i) {
			e := float64(s) - y.value(i, k)
			squares[k] += e * e
		}
	}
	sum := 0.0
	for _, s := range squares {
		sum += math.Sqrt(mean(s, y.Len()))
	}
	return mean(sum, targets)
}

// value returns the true value of a target of row i: the grade of an ordinal row.
func (y Rows) value(i, target int) float64 {
	if y.Task == task.Regression {
		return float64(y.Values[i*y.Classes+target])
	}
	return float64(y.Labels[i][0])
}

// MaxGrades is the largest number of grades of a regression that is scored as grades.
const MaxGrades = 1000

// Grades returns the number of grades: Classes of an ordinal problem, and one more than
// the highest true value of a regression, at most MaxGrades.
func (y Rows) Grades() int {
	if y.Task == task.Ordinal {
		return y.Classes
	}
	most := 0
	for i := range y.Values {
		most = max(most, y.grade(i))
	}
	return most + 1
}

// grade returns the true grade of row i: the nearest one to the value of a regression.
func (y Rows) grade(i int) int {
	if v := y.value(i, 0); v >= 0 {
		return int(min(math.Round(v), MaxGrades-1))
	}
	return 0
}

// Grade returns the number of bounds below a value. grades is the number of grades.
func (d Decision) Grade(value float32, grades int) int {
	g := 0
	if d.Bounds == nil && value > 0.5 {
		return int(min(math.Ceil(float64(value)-0.5), float64(grades-1)))
	}
	for _, b := range d.Bounds {
		if float64(value) > b {
			g++
		}
	}
	return g
}

// confusion returns the decisions of a problem whose rows get one class or grade each.
func (y Rows) confusion(d Decision) *Confusion {
	if y.Task == task.Multiclass {
		c := NewConfusion(y.Classes)
		for i, labels := range y.Labels {
			c.Add(labels[0], argmax(y.Row(i)), 1)
		}
		return c
	}
	grades := y.Grades()
	c := NewConfusion(max(grades, len(d.Bounds)+1))
	for i := range y.Len() {
		c.Add(y.grade(i), d.Grade(y.Row(i)[0], grades), 1)
	}
	return c
}
