package ensemble

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/runtime/task"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
)

// MaxCoefficients is the limit of the sum of |Model.Coefficient| over all folds of a plan.
// It keeps the fixed-point sums of package submission from overflowing.
const MaxCoefficients = 1 << 16

// maxInput is the limit of the side of a network's input, in pixels.
const maxInput = 1 << 12

// Check returns an error if the plan can't be run. It checks that numbers are in range,
// that fold names are distinct file names, and that cuts refer to folds of the plan.
// The error names the place.
func (p *Plan) Check() error {
	if err := p.checkTask(); err != nil {
		return fmt.Errorf("plan %s: %w", p.Name, err)
	}
	if len(p.Models) == 0 {
		return fmt.Errorf("plan %s: no models", p.Name)
	}
	names := map[string]bool{}
	total := 0.0
	for i, m := range p.Models {
		if err := m.check(p); err != nil {
			return fmt.Errorf("plan %s: model %d (%s): %w", p.Name, i, m.Name, err)
		}
		for _, f := range m.Folds {
			if names[f.Name] {
				return fmt.Errorf("plan %s: model %d (%s): the fold %s occurs twice", p.Name, i, m.Name, f.Name)
			}
			names[f.Name] = true
			total += math.Abs(m.Coefficient)
		}
	}
	if n := len(p.ClassOffsets); n != 0 && n != p.Classes {
		return fmt.Errorf("plan %s: %d class offsets for %d classes", p.Name, n, p.Classes)
	}
	for c, o := range p.ClassOffsets {
		if !(o >= -1 && o <= 1) {
			return fmt.Errorf("plan %s: class %d: the offset %g is not between -1 and 1", p.Name, c, o)
		}
	}
	if p.Form.Decided() {
		if err := p.CheckForm(&p.Form, p.Submission); err != nil {
			return fmt.Errorf("plan %s: %w", p.Name, err)
		}
	}
	if n := len(p.Prior); n != 0 && n != p.Values() {
		return fmt.Errorf("plan %s: %d default values for %d", p.Name, n, p.Values())
	}
	for _, c := range p.Fallback {
		if c < 0 || c >= p.Classes {
			return fmt.Errorf("plan %s: the default label %d is not below %d", p.Name, c, p.Classes)
		}
	}
	if total > MaxCoefficients {
		return fmt.Errorf("plan %s: the coefficients of all folds sum to %g, more than %d", p.Name, total, MaxCoefficients)
	}
	for i, c := range p.Cuts {
		if c.Model < 0 || c.Model >= len(p.Models) || c.Fold < 0 || c.Fold >= len(p.Models[c.Model].Folds) ||
			c.Views < 0 || c.Views > vision.MaxViews {
			return fmt.Errorf("plan %s: cut %d (model %d, fold %d, %d views) refers to nothing in the plan", p.Name, i, c.Model, c.Fold, c.Views)
		}
	}
	return nil
}

// checkTask checks the answers of the plan.
func (p *Plan) checkTask() error {
	switch {
	case !p.Task.Known():
		return fmt.Errorf("there is no %s", p.Task)
	case p.Classes < 1, p.Task == task.Ordinal && p.Classes < 2:
		return fmt.Errorf("%d classes", p.Classes)
	case len(p.ClassNames) != 0 && len(p.ClassNames) != p.Classes:
		return fmt.Errorf("%d class names for %d classes", len(p.ClassNames), p.Classes)
	case len(p.GradeBounds) != 0 && (p.Task != task.Ordinal || len(p.GradeBounds) != p.Classes-1):
		return fmt.Errorf("%d grade bounds for %d classes of the task %s", len(p.GradeBounds), p.Classes, p.Task)
	}
	for i, b := range p.GradeBounds {
		if math.IsNaN(b) || math.IsInf(b, 0) || i > 0 && b < p.GradeBounds[i-1] {
			return fmt.Errorf("the grade bounds %g do not ascend", p.GradeBounds)
		}
	}
	return nil
}

// fits reports whether the model answers what the plan does.
func (m *Model) fits(p *Plan) bool {
	if p.Task == task.Ordinal && m.Task == task.Regression {
		return m.Classes == 1
	}
	return m.Task == p.Task && m.Classes == p.Classes
}

func (m *Model) check(p *Plan) error {
	switch {
	case m.Task == p.Task && m.Classes != p.Classes:
		return fmt.Errorf("%d classes in a plan of %d", m.Classes, p.Classes)
	case !m.fits(p):
		return fmt.Errorf("the task %s with %d classes in a plan of the task %s", m.Task, m.Classes, p.Task)
	case math.IsNaN(m.Coefficient) || math.IsInf(m.Coefficient, 0):
		return fmt.Errorf("the coefficient %g is not a finite number", m.Coefficient)
	case m.Views < 1 || m.Views > vision.MaxViews:
		return fmt.Errorf("%d views: there must be 1 to %d", m.Views, vision.MaxViews)
	case m.InputSize < 1 || m.InputSize > maxInput:
		return fmt.Errorf("an input of %d pixels: there must be 1 to %d", m.InputSize, maxInput)
	case len(m.Folds) == 0:
		return errors.New("no folds")
	case m.Alpha > vision.OverBlack:
		return fmt.Errorf("there is no treatment %d of transparency", m.Alpha)
	case m.EXIF > vision.ApplyEXIF:
		return fmt.Errorf("there is no treatment %d of the EXIF orientation", m.EXIF)
	}
	if err := m.Scaling.Check(m.InputSize); err != nil {
		return err
	}
	if most := m.Scaling.MaxViews(m.InputSize); m.Views > most {
		return fmt.Errorf("%d views, but the policy %s has %d", m.Views, m.Scaling.Policy, most)
	}
	if m.Mean != [3]float32{} && m.Std == [3]float32{} {
		return errors.New("a mean without a standard deviation")
	}
	for i, std := range m.Std {
		if m.Std != [3]float32{} && !(std > 0 && std <= 1) || !(m.Mean[i] >= 0 && m.Mean[i] <= 1) {
			return fmt.Errorf("mean %v, standard deviation %v: they must be for pixels from 0 to 1", m.Mean, m.Std)
		}
	}
	for _, f := range m.Folds {
		if f.Name == "" || strings.ContainsAny(f.Name, "/\\\x00") {
			return fmt.Errorf("fold %q: not a file name", f.Name)
		}
		if sum, err := hex.DecodeString(f.SHA256); err != nil || len(sum) != 32 {
			return fmt.Errorf("fold %s: %q is not a SHA-256", f.Name, f.SHA256)
		}
		if f.Size < 1 {
			return fmt.Errorf("fold %s: a size of %d bytes", f.Name, f.Size)
		}
		if m.Task != task.Multilabel && f.Threshold != 0 {
			return fmt.Errorf("fold %s: the task %s has no threshold, but it is %g", f.Name, m.Task, f.Threshold)
		}
		if !(f.Threshold >= -1 && f.Threshold <= 2) {
			return fmt.Errorf("fold %s: threshold %g is not between -1 and 2", f.Name, f.Threshold)
		}
	}
	return nil
}
