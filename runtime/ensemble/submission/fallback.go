package submission

import (
	"fmt"

	"github.com/deploy-kernel/deploy-kernel/runtime/input"
)

// Fallback is the answer for images without prediction.
type Fallback struct {
	form   *input.Form
	fields input.Fields
	labels []int     // nil keeps the labels of the sample submission
	values []float64 // for forms of values
	reason string    // why this answer
}

// Fallback chooses the answer for images without prediction. The best constant answer of
// the training table comes first. Without it the choice of labels is, in this order:
//
//   - the labels that more than half of the predicted images have,
//   - the label that most predicted images have,
//   - the class with the highest mean sum,
//   - the labels of the sample submission, if no image has a prediction.
//
// The choice of values is the mean of the predicted images, or else that of the sample.
func (s *Sum) Fallback(sample *input.Sample) Fallback {
	f := Fallback{form: s.form, fields: input.NewFields(s.form, s.plan.Classes)}
	if s.form.Answer == input.Values {
		f.values, f.reason = s.constantValues(sample)
		return f
	}
	f.labels, f.reason = s.constantLabels()
	return f
}

// constantValues returns the values of an image without prediction.
func (s *Sum) constantValues(sample *input.Sample) (values []float64, reason string) {
	if len(s.plan.Prior) > 0 {
		values = make([]float64, len(s.plan.Prior))
		for c, x := range s.plan.Prior {
			values[c] = float64(x)
		}
		return values, "the means of the training table"
	}
	values = make([]float64, s.values)
	images := 0
	for i := range s.has {
		if !s.Has(i) {
			continue
		}
		images++
		for c := range values {
			values[c] += s.value(i, c)
		}
	}
	if images > 0 {
		for c := range values {
			values[c] /= float64(images)
		}
		return values, "the means of the predicted images"
	}
	copy(values, sample.Means)
	return values, "the means of the sample"
}

// constantLabels returns the labels of an image without prediction, or nil for those of
// the sample submission.
func (s *Sum) constantLabels() (labels []int, reason string) {
	n := s.form.Top // labels of each image; 0 if their number is free
	if s.form.Answer == input.Label {
		n = 1
	}
	switch {
	case n > 0 && len(s.plan.Prior) > 1:
		return highest(s.plan.Prior, n), "the most frequent ones of the training table"
	case n > 0 && len(s.plan.Fallback) > 0:
		return s.plan.Fallback[:min(n, len(s.plan.Fallback))], "the best constant answer of the training table"
	case len(s.plan.Fallback) > 0:
		return s.plan.Fallback, "the best constant answer of the training table"
	}
	counts, total := make([]int, s.plan.Classes), make([]float64, s.plan.Classes)
	images := 0
	for i := range s.has {
		if !s.Has(i) {
			continue
		}
		images++
		for c, v := range s.row(i) {
			total[c] += float64(v)
		}
		for _, c := range s.appendLabels(nil, i) {
			counts[c]++
		}
	}
	if images == 0 {
		return nil, ""
	}
	var common []int
	for c, count := range counts {
		if 2*count > images {
			common = append(common, c)
		}
	}
	frequent := highest(counts, 1)
	switch {
	case n > 1:
		return highest(total, n), "the classes of the highest mean score"
	case len(common) > 0:
		return common, "the labels of more than half of the predicted images"
	case counts[frequent[0]] > 0:
		return frequent, "the label that most predicted images have"
	}
	return highest(total, 1), "the class of the highest mean score"
}

// of returns the labels for a row of the sample submission. There is always one: without
// labels of the sample it is class 0.
func (f Fallback) of(row *input.SampleRow) []int {
	if len(f.labels) > 0 {
		return f.labels
	}
	if own, err := f.fields.Labels(row.Field); err == nil && len(own) > 0 {
		return own
	}
	return []int{0}
}

// String describes the answer for a message.
func (f Fallback) String() string {
	switch {
	case f.form.Answer == input.Values:
		return f.reason
	case f.form.Answer == input.Indicators && len(f.labels) == 0:
		return "no class"
	case len(f.labels) == 0:
		return "the labels of the sample, or class 0"
	}
	return fmt.Sprintf("the labels %q, %s", appendLabels(nil, f.form, f.labels), f.reason)
}
