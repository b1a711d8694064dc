package ensemble

import (
	"fmt"
	"math"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
)

// labelMetrics lists the metrics that score the classes above their thresholds. "" is
// f-beta.
var labelMetrics = []string{"", "f-beta", "micro-f-beta", "macro-f-beta", "mcc"}

// Thresholded reports whether a submission of the form f has the classes above their
// thresholds. All other forms follow from the weighted mean of the plain predictions.
func (p *Plan) Thresholded(f *input.Form) bool {
	return p.Task == task.Multilabel && (f.Answer == input.Labels || f.Answer == input.Indicators)
}

// CheckForm returns an error if the plan can't write a submission of the form f. asked is
// the answer that the user asked for.
func (p *Plan) CheckForm(f *input.Form, asked input.Answer) error {
	if err := p.checkForm(f); err != nil {
		return fmt.Errorf("the form of the submission: %w", err)
	}
	if p.Thresholded(f) {
		if asked != f.Answer && !slices.Contains(labelMetrics, p.Metric) {
			return hint.New(fmt.Errorf("the submission has the classes above their thresholds, but %s was blended for the metric %s, which has no thresholds", p.Name, p.Metric),
				"blend again with --metric f-beta, or take such a submission by --submission %s", f.Answer)
		}
		return nil
	}
	total := 0.0
	for _, m := range p.Models {
		total += m.Coefficient * float64(len(m.Folds))
	}
	if !(total > 0) {
		return fmt.Errorf("the submission has weighted means, but the coefficients of %s sum to %g", p.Name, total)
	}
	return nil
}

// checkForm checks that the numbers of a form refer to columns and classes.
func (p *Plan) checkForm(f *input.Form) error {
	column := func(i int) bool { return i >= 0 && i < len(f.Header) }
	switch {
	case f.Answer > input.Indicators || f.Layout > input.ClassColumn:
		return fmt.Errorf("there is no answer %d in the layout %d", f.Answer, f.Layout)
	case !column(f.ID) || !column(f.Field) || !column(f.Class):
		return fmt.Errorf("it refers to columns %d, %d and %d of %d", f.ID, f.Field, f.Class, len(f.Header))
	case f.Layout == input.ColumnPerClass && len(f.Classes) != len(f.Header):
		return fmt.Errorf("classes for %d of %d columns", len(f.Classes), len(f.Header))
	case len(f.Names) > 0 && len(f.Names) != p.Classes:
		return fmt.Errorf("%d class names for %d classes", len(f.Names), p.Classes)
	case f.First < 0 || f.First > math.MaxInt32 || f.Top < 0:
		return fmt.Errorf("classes from %d, %d in a field", f.First, f.Top)
	case f.Target < 0 || f.Target >= p.Classes:
		return fmt.Errorf("class %d of %d", f.Target, p.Classes)
	}
	for _, c := range f.Classes {
		if c < -1 || c >= p.Classes || p.Task == task.Ordinal {
			return fmt.Errorf("a column of class %d of %d classes of the task %s", c, p.Classes, p.Task)
		}
	}
	return nil
}
