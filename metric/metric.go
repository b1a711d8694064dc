// Package metric defines the validation scores of all tasks, and finds the threshold
// or the grade bounds that maximize them.
//
//	m := metric.Default(task.Multilabel) // f-beta
//	y := metric.Rows{Scores: sigmoids, Labels: [][]int{{3, 17}, {5}}, Classes: 1103}
//	decision, score := m.Fit(y)
//	again := m.Score(y, decision)
//
// The functions are plain definitions that serve to check faster code, such as
// package blend's. Tests compare them with scikit-learn.
//
// # Decisions
//
// A multilabel row gets the labels whose scores are above the threshold, not at it. A
// multiclass row gets the class of its highest score; ties go to the first class. An
// ordinal row, or a row of a regression, gets the grade that is the number of bounds
// below its value.
//
// # Edge cases
//
// Every score of no rows is 0. NaN is never above a threshold or a bound, and it is
// below every number in an order of scores. A score that averages classes skips those
// for which it is undefined; it is 0 if none is left. The log loss and the RMSE of NaN
// are NaN.
package metric

import (
	"math"

	"github.com/deploy-kernel/deploy-kernel/runtime/task"
)

// Rows holds predictions and their truth. No function changes it.
type Rows struct {
	// Scores has Len() x Task.Values(Classes) elements in row-major order, fewer than
	// 2³²: probabilities of classes, expected grades (ordinal), or values (regression).
	Scores []float32
	// Labels holds the class numbers of each row, each number once, in any order. A
	// multiclass or ordinal row has one. Nil for a regression.
	Labels [][]int
	// Values holds the true values of a regression, laid out as Scores are.
	Values []float32
	// Classes is the number of classes, of grades (ordinal), or of targets (regression).
	Classes int
	// Task says what the predictions are.
	Task task.Task
}

// Len returns the number of rows.
func (y Rows) Len() int {
	if y.Task == task.Regression {
		return len(y.Values) / max(y.Classes, 1)
	}
	return len(y.Labels)
}

// Row returns the scores of row i.
func (y Rows) Row(i int) []float32 {
	n := y.Task.Values(y.Classes)
	return y.Scores[i*n : (i+1)*n]
}

// Counts counts the labels in a set of entries.
type Counts struct {
	Hits  int // labels that are given and true
	Given int // labels that are given
	True  int // labels that are true
}

// FBeta returns
//
//	(1+b²) hits / (b² true + given)
//
// This equals (1+b²) P R / (b² P + R) for precision P = hits/given and recall R =
// hits/true. It is 0 without hits, even if nothing is true and nothing is given
// (0/0), as in scikit-learn's fbeta_score.
//
// By hand, with b = 2: 1 hit of 2 given and 3 true is 5*1/(4*3+2) = 5/14; all of 3
// true and nothing else is 5*3/(4*3+3) = 1.
func (c Counts) FBeta(beta float64) float64 {
	if c.Hits == 0 {
		return 0
	}
	hits, all := c.Ratio(beta)
	return hits / all
}

// Ratio returns the numerator (1+b²) hits and the denominator b² true + given of the
// F-beta. Over several sets, the quotient of their sums is the F-beta of all.
func (c Counts) Ratio(beta float64) (num, den float64) {
	b := beta * beta
	return (1 + b) * float64(c.Hits), b*float64(c.True) + float64(c.Given)
}

// Add adds the counts of another set of entries.
func (c *Counts) Add(o Counts) {
	c.Hits += o.Hits
	c.Given += o.Given
	c.True += o.True
}

// Counts returns the counts of row i.
func (y Rows) Counts(i int, threshold float32) Counts {
	row, c := y.Row(i), Counts{True: len(y.Labels[i])}
	for _, s := range row {
		if s > threshold {
			c.Given++
		}
	}
	for _, l := range y.Labels[i] {
		if row[l] > threshold {
			c.Hits++
		}
	}
	return c
}

// FBeta returns the mean over the rows of the F-beta of each, 0 for no rows.
//
// By hand: two rows of three classes, beta 2, threshold 0.5:
//
//	scores 0.9 0.6 0.1, true 0:  5*1/(4*1+2) = 5/6
//	scores 0.2 0.5 0.4, true 1:  0.5 is not above 0.5: 0
//	mean 5/12
func (y Rows) FBeta(threshold float32, beta float64) float64 {
	sum := 0.0
	for i := range y.Labels {
		sum += y.Counts(i, threshold).FBeta(beta)
	}
	return mean(sum, len(y.Labels))
}

// MicroFBeta returns the F-beta of all entries together.
//
// By hand, the two rows of [Rows.FBeta]: 1 hit, 2 given, 2 true:
// 5*1/(4*2+2) = 1/2.
func (y Rows) MicroFBeta(threshold float32, beta float64) float64 {
	var all Counts
	for i := range y.Labels {
		all.Add(y.Counts(i, threshold))
	}
	return all.FBeta(beta)
}

// Clip is the least distance of a probability from 0 and 1 in a log loss.
const Clip = 1e-7

// LogLoss returns the mean cross-entropy in nats, as scikit-learn's log_loss. The scores
// are probabilities, which it clips to [Clip, 1-Clip]. It is 0 for no rows.
//
// A multilabel problem counts every entry: the mean over rows and classes of -ln p for
// a true label and -ln(1-p) for another. A multiclass problem counts rows: the mean of
// -ln p of the true class.
//
// By hand: scores 0.5 0.25, true 0. Multilabel: -(ln 0.5 + ln 0.75)/2 = 0.490415.
// Multiclass: -ln 0.5 = 0.693147.
func (y Rows) LogLoss() float64 {
	sum := 0.0
	for i, labels := range y.Labels {
		row := y.Row(i)
		if y.Task == task.Multiclass {
			sum -= math.Log(clip(row[labels[0]]))
			continue
		}
		for _, s := range row {
			sum -= math.Log1p(-clip(s))
		}
		for _, l := range labels {
			sum += math.Log1p(-clip(row[l])) - math.Log(clip(row[l]))
		}
	}
	if y.Task == task.Multiclass {
		return mean(sum, len(y.Labels))
	}
	return mean(sum, len(y.Scores))
}

func clip(p float32) float64 { return min(max(float64(p), Clip), 1-Clip) }

// Accuracy returns the share of rows whose class with the highest score is true; ties
// go to the first class. It is 0 for no rows.
//
// By hand: scores 0.1 0.7 0.7, true 1 2: class 1, right. Scores 0.3 0.2 0.1, true 1:
// class 0, wrong. Together 1/2.
func (y Rows) Accuracy() float64 {
	right := 0
	for i, labels := range y.Labels {
		best := argmax(y.Row(i))
		for _, l := range labels {
			if l == best {
				right++
				break
			}
		}
	}
	return mean(float64(right), len(y.Labels))
}

func argmax(row []float32) int {
	best := 0
	for c, s := range row {
		if s > row[best] || row[best] != row[best] {
			best = c
		}
	}
	return best
}

func mean(sum float64, n int) float64 {
	if n == 0 {
		return 0
	}
	return sum / float64(n)
}
