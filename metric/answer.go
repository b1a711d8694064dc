package metric

import (
	"cmp"
	"math"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/runtime/task"
)

// Answer is an answer that is the same for all rows.
type Answer struct {
	// Labels holds the labels: any number of a multilabel problem, else one class or
	// grade. Nil for a regression.
	Labels []int
	// Values holds a probability of each class, the expected grade, or a value of each
	// target.
	Values []float32
}

// Constant returns the best answer that is the same for all rows, and its score. It is
// what a network has to beat. Its Values are the share of each class, or the mean of
// each target or of the grades. Its Labels are
//
//   - for f-beta: those of [BestConstant];
//   - for micro-f-beta and mcc: the most frequent labels, as many as score best;
//   - for macro-f-beta: every label that some row has;
//   - otherwise: the most frequent one.
//
// Labels of grades that maximize the kappa do not exist, as every constant has 0.
//
// By hand, rows true 0 1, true 0, three classes. micro-f-beta, beta 2: giving 0 has
// 5*2/(4*3+2) = 5/7, giving 0 and 1 has 5*3/(4*3+4) = 15/16. log-loss: the shares 1,
// 1/2 and 0 have (0 + ln 2 + 0)/3 = 0.231049.
func (m Metric) Constant(y Rows) (Answer, float64) {
	if y.Len() == 0 {
		return Answer{}, 0
	}
	a := Answer{Values: y.means()}
	constant := y
	if y.Task != task.Regression {
		a.Labels = m.constantLabels(y)
	}
	given := a.Values
	if m.Decides() {
		given = a.decided(y)
	}
	constant.Scores = make([]float32, 0, len(y.Scores))
	for range y.Len() {
		constant.Scores = append(constant.Scores, given...)
	}
	return a, m.Score(constant, Decision{Threshold: 0.5})
}

// means returns the share of each class, or the mean of each target or of the grades.
func (y Rows) means() []float32 {
	sums := make([]float64, y.Task.Values(y.Classes))
	for i := range y.Len() {
		switch y.Task {
		case task.Regression, task.Ordinal:
			for k := range sums {
				sums[k] += y.value(i, k)
			}
		default:
			for _, l := range y.Labels[i] {
				sums[l]++
			}
		}
	}
	means := make([]float32, len(sums))
	for k, s := range sums {
		means[k] = float32(s / float64(y.Len()))
	}
	return means
}

// decided returns scores from which the labels of a follow, or the grade or value.
func (a Answer) decided(y Rows) []float32 {
	switch y.Task {
	case task.Regression:
		return a.Values
	case task.Ordinal:
		return []float32{float32(a.Labels[0])}
	}
	given := make([]float32, y.Classes)
	for _, l := range a.Labels {
		given[l] = 1
	}
	return given
}

// constantLabels returns the labels of [Metric.Constant].
func (m Metric) constantLabels(y Rows) []int {
	if m.Name == FBeta && y.Task == task.Multilabel {
		labels, _ := BestConstant(y.Labels, y.Classes, m.beta())
		return labels
	}
	times := make([]int, y.Classes)
	all := Counts{}
	for _, labels := range y.Labels {
		all.True += len(labels)
		for _, l := range labels {
			times[l]++
		}
	}
	order := make([]int, y.Classes)
	for c := range order {
		order[c] = c
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(times[b], times[a]) })
	n, best := 1, math.Inf(-1)
	for i, c := range order {
		if y.Task != task.Multilabel {
			break
		}
		all.Hits += times[c]
		all.Given += len(y.Labels)
		score := 0.0
		switch {
		case m.Name == MicroFBeta:
			score = all.FBeta(m.beta())
		case m.Name == MCC:
			score = all.MCC(len(y.Labels) * y.Classes)
		case m.Name == MacroFBeta && times[c] > 0:
			score = float64(i) // each one more is better
		}
		if score > best {
			best, n = score, i+1
		}
	}
	labels := order[:n]
	slices.Sort(labels)
	return labels
}
