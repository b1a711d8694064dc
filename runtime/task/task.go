// Package task says what a network answers, and turns its logits into predictions.
//
//	t, err := task.Parse("multiclass")
//	values := make([]float64, t.Values(classes))
//	t.Add(values, logits) // softmax
//
// An ordinal network predicts grades, classes that have an order. It has a logit for each
// grade but the lowest, whose sigmoid is the probability of a higher or equal grade. The
// sum of the sigmoids is the expected grade (Frank and Hall, "A Simple Approach to Ordinal
// Classification", ECML 2001).
package task

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Task is what a network answers about an image.
type Task uint8

// The tasks.
const (
	// Multilabel gives an image any number of classes. Each has a probability of its own.
	Multilabel Task = iota
	// Multiclass gives an image one class. The probabilities of all classes sum to 1.
	Multiclass
	// Regression gives an image one or more numbers, the targets.
	Regression
	// Ordinal gives an image one of several grades.
	Ordinal
)

var names = [...]string{"multilabel", "multiclass", "regression", "ordinal"}

// Names returns the names of all tasks, in the order of their values.
func Names() []string { return slices.Clone(names[:]) }

// Parse returns the task with the given name; "" is Multilabel. It returns an error for
// an unknown name.
func Parse(name string) (Task, error) {
	if name == "" {
		return Multilabel, nil
	}
	if i := slices.Index(names[:], name); i >= 0 {
		return Task(i), nil
	}
	return 0, fmt.Errorf("unknown task %q; there are %s", name, strings.Join(names[:], ", "))
}

// String returns the name of the task.
func (t Task) String() string {
	if int(t) < len(names) {
		return names[t]
	}
	return fmt.Sprintf("task %d", uint8(t))
}

// Known reports whether t is one of the tasks.
func (t Task) Known() bool { return int(t) < len(names) }

// Logits returns the number of logits of a network for a number of classes. The classes
// of a regression are its targets.
func (t Task) Logits(classes int) int {
	if t == Ordinal {
		return classes - 1
	}
	return classes
}

// Values returns the number of values of a prediction for a number of classes: one for
// each class or target. An ordinal prediction has one value, the expected grade.
func (t Task) Values(classes int) int {
	if t == Ordinal {
		return 1
	}
	return classes
}

// Add adds the prediction for one view of an image to dst: the sigmoids of the logits,
// their softmax, the logits themselves, or the sum of the sigmoids. dst has the length
// of Values, and logits that of Logits.
func (t Task) Add(dst []float64, logits []float32) {
	switch t {
	case Multilabel:
		for c, x := range logits {
			dst[c] += Sigmoid(x)
		}
	case Multiclass:
		addSoftmax(dst, logits)
	case Regression:
		for c, x := range logits {
			dst[c] += float64(x)
		}
	case Ordinal:
		for _, x := range logits {
			dst[0] += Sigmoid(x)
		}
	}
}

// Sigmoid returns 1/(1+exp(-x)).
func Sigmoid(x float32) float64 { return 1 / (1 + math.Exp(-float64(x))) }

// addSoftmax adds exp(x)/sum(exp(x)). The highest logit is subtracted first, so that no
// exponential overflows.
func addSoftmax(dst []float64, logits []float32) {
	highest := float64(slices.Max(logits))
	sum := 0.0
	for _, x := range logits {
		sum += math.Exp(float64(x) - highest)
	}
	for c, x := range logits {
		dst[c] += math.Exp(float64(x)-highest) / sum
	}
}
