// Package submission turns predictions into the submission: it adds them up over the
// folds, answers, and writes the files.
//
//	sum := submission.NewSum(plan, &sample.Form, len(images))
//	sum.Add(model.Coefficient, fold.Threshold, predictions) // for each fold
//	err := submission.Write("submission.csv", sample, rows, sum, sum.Fallback(sample))
//
// A row of predictions has the values of an image. Rows of NaN belong to images without
// prediction.
//
// The classes above their thresholds are those where the sum of coefficient × (prediction
// − class offset) is positive. All other answers follow from the weighted mean of the
// plain predictions, without thresholds and offsets, over the folds that predicted the
// image. The means of probabilities are cut off at 0 and 1, those of grades at the lowest
// and the highest grade: they may lie outside if a coefficient is negative.
//
// The terms of a sum are fixed-point numbers. So the submission is the same, byte for
// byte, for any order of the folds.
//
// Numbers are written as the shortest decimals that are read as the same float32, without
// exponents: 0.00001, not 1e-05. Every reader of CSV files takes such numbers.
package submission

import (
	"cmp"
	"math"

	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
)

const (
	// fraction is the number of fractional bits of the terms of a sum of probabilities.
	// With ensemble.MaxCoefficients, predictions between -2 and 2, and offsets between -1
	// and 1, a sum fits into an int64: 3 × 2^16 × 2^44 < 2^63.
	fraction = 44
	// maxValue bounds the values of regressions and grades. Larger ones count as the
	// bound.
	maxValue = 1 << 23
	// valueBits is the number of bits for the product of a value, the coefficients and
	// the fraction, less those of the value.
	valueBits = 62 - 23
)

// Sum adds up the predictions of every image.
type Sum struct {
	plan        *ensemble.Plan
	form        *input.Form
	thresholded bool
	values      int       // of a prediction
	offsets     []float64 // by class; empty means zeros
	one         float64   // the fixed-point number of 1
	total       []int64   // images × values
	weight      []int64   // by image: sum of the coefficients, with fraction bits
	has         []bool    // by image: has a prediction
}

// NewSum returns a sum of no predictions for a number of images, to be written in the
// form f.
func NewSum(p *ensemble.Plan, f *input.Form, images int) *Sum {
	s := &Sum{
		plan: p, form: f, thresholded: p.Thresholded(f), values: p.Values(), one: 1 << fraction,
		total: make([]int64, images*p.Values()), weight: make([]int64, images), has: make([]bool, images),
	}
	if s.thresholded {
		s.offsets = p.ClassOffsets
	}
	if !s.probabilities() {
		sum := 1.0
		for _, m := range p.Models {
			sum += math.Abs(m.Coefficient) * float64(len(m.Folds))
		}
		s.one = math.Exp2(valueBits - math.Ceil(math.Log2(sum)))
	}
	return s
}

// probabilities reports whether the predictions are probabilities.
func (s *Sum) probabilities() bool {
	return s.plan.Task == task.Multilabel || s.plan.Task == task.Multiclass
}

// Add adds the predictions of a fold for the first images. threshold is what the fold has
// subtracted from the plain predictions. Images without prediction stay as they are.
func (s *Sum) Add(coefficient, threshold float64, predictions []float32) {
	if s.thresholded {
		threshold = 0
	}
	for i := 0; i < len(predictions); i += s.values {
		row := predictions[i : i+s.values]
		if isMissing(row) {
			continue
		}
		image := i / s.values
		s.has[image] = true
		s.weight[image] += int64(math.RoundToEven(coefficient * (1 << fraction)))
		total := s.total[i : i+s.values]
		for c, p := range row {
			x := float64(p) + threshold
			if len(s.offsets) > 0 {
				x -= s.offsets[c]
			}
			x = min(max(x, -maxValue), maxValue)
			total[c] += int64(math.RoundToEven(coefficient * x * s.one))
		}
	}
}

// Has reports whether an image has a prediction.
func (s *Sum) Has(image int) bool {
	return s.has[image] && (s.thresholded || s.weight[image] > 0)
}

// row returns the sums of an image.
func (s *Sum) row(image int) []int64 { return s.total[image*s.values : (image+1)*s.values] }

// value returns a weighted mean of the plain predictions of an image.
func (s *Sum) value(image, c int) float64 {
	x := float64(s.row(image)[c]) / s.one / (float64(s.weight[image]) / (1 << fraction))
	switch {
	case s.probabilities():
		return min(max(x, 0), 1)
	case s.plan.Task == task.Ordinal:
		return min(max(x, 0), float64(s.plan.Classes-1))
	}
	return x
}

// label returns the most likely class of an image, or its grade.
func (s *Sum) label(image int) int {
	if s.plan.Task == task.Ordinal {
		return s.grade(s.value(image, 0))
	}
	best := 0
	row := s.row(image)
	for c, v := range row {
		if v > row[best] {
			best = c
		}
	}
	return best
}

// grade returns the number of grade bounds below a value.
func (s *Sum) grade(x float64) int {
	n := 0
	for k := range s.plan.Classes - 1 {
		bound := float64(k) + 0.5
		if len(s.plan.GradeBounds) > 0 {
			bound = s.plan.GradeBounds[k]
		}
		if x > bound {
			n++
		}
	}
	return n
}

// appendLabels appends the labels of an image to dst: the classes above their thresholds,
// the most likely ones, or the only one.
func (s *Sum) appendLabels(dst []int, image int) []int {
	switch {
	case s.thresholded:
		for c, v := range s.row(image) {
			if v > 0 {
				dst = append(dst, c)
			}
		}
		return dst
	case s.form.Answer == input.Labels && s.form.Top > 1 && s.plan.Task == task.Multiclass:
		return append(dst, highest(s.row(image), s.form.Top)...)
	}
	return append(dst, s.label(image))
}

// highest returns the indices of the n highest values, the highest first. Equal values
// keep their order.
func highest[T cmp.Ordered](row []T, n int) []int {
	var top []int // a sorted list
	for c, v := range row {
		at := len(top)
		for at > 0 && v > row[top[at-1]] {
			at--
		}
		if at >= n {
			continue
		}
		top = append(top, 0)
		copy(top[at+1:], top[at:])
		top[at] = c
		top = top[:min(len(top), n)]
	}
	return top
}

// isMissing reports whether a row belongs to an image without prediction.
func isMissing(row []float32) bool { return row[0] != row[0] }

// MarkMissing makes row the row of an image without prediction.
func MarkMissing(row []float32) {
	for c := range row {
		row[c] = float32(math.NaN())
	}
}
