package ensemble_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
)

// twoModels returns a plan of a model with two folds and one with a single fold.
func twoModels() *ensemble.Plan {
	fold := func(name string) ensemble.Fold {
		return ensemble.Fold{Name: name, SHA256: strings.Repeat("0f", 32), Size: 100, Threshold: 0.25}
	}
	return &ensemble.Plan{Name: "two", Classes: 3, Models: []ensemble.Model{
		{
			Name: "a", Coefficient: 0.5, Arch: "tiny", InputSize: 4, Classes: 3, Views: 2,
			Folds: []ensemble.Fold{fold("a_f0_e1_0.5"), fold("a_f1_e2_0.5")},
		},
		{
			Name: "b", Coefficient: 1, Arch: "tiny", InputSize: 4, Classes: 3, Views: 1,
			Folds: []ensemble.Fold{fold("b_f0_e1_0.5")},
		},
	}}
}

func TestCheckNamesTheMistake(t *testing.T) {
	if err := twoModels().Check(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		want  string
		wrong func(*ensemble.Plan)
	}{
		{"plan two: 0 classes", func(p *ensemble.Plan) { p.Classes = 0 }},
		{"plan two: no models", func(p *ensemble.Plan) { p.Models = nil }},
		{"plan two: model 1 (b): 4 classes in a plan of 3", func(p *ensemble.Plan) { p.Models[1].Classes = 4 }},
		{"plan two: model 0 (a): the coefficient NaN is not a finite number", func(p *ensemble.Plan) { p.Models[0].Coefficient = math.NaN() }},
		{"plan two: model 0 (a): 7 views: there must be 1 to 6", func(p *ensemble.Plan) { p.Models[0].Views = 7 }},
		{"plan two: model 0 (a): an input of 0 pixels: there must be 1 to 4096", func(p *ensemble.Plan) { p.Models[0].InputSize = 0 }},
		{"plan two: model 1 (b): no folds", func(p *ensemble.Plan) { p.Models[1].Folds = nil }},
		{`plan two: model 1 (b): fold "../x": not a file name`, func(p *ensemble.Plan) { p.Models[1].Folds[0].Name = "../x" }},
		{`plan two: model 1 (b): fold b_f0_e1_0.5: "00" is not a SHA-256`, func(p *ensemble.Plan) { p.Models[1].Folds[0].SHA256 = "00" }},
		{"plan two: model 1 (b): fold b_f0_e1_0.5: a size of 0 bytes", func(p *ensemble.Plan) { p.Models[1].Folds[0].Size = 0 }},
		{"plan two: model 1 (b): fold b_f0_e1_0.5: threshold NaN is not between -1 and 2", func(p *ensemble.Plan) { p.Models[1].Folds[0].Threshold = math.NaN() }},
		{"plan two: model 1 (b): the fold a_f0_e1_0.5 occurs twice", func(p *ensemble.Plan) { p.Models[1].Folds[0].Name = "a_f0_e1_0.5" }},
		{"plan two: there is no task 7", func(p *ensemble.Plan) { p.Task = 7 }},
		{"plan two: model 0 (a): the task multilabel with 3 classes in a plan of the task multiclass", func(p *ensemble.Plan) { p.Task = task.Multiclass }},
		{"plan two: 1 class names for 3 classes", func(p *ensemble.Plan) { p.ClassNames = []string{"a"} }},
		{"plan two: 2 grade bounds for 3 classes of the task multilabel", func(p *ensemble.Plan) { p.GradeBounds = []float64{1, 2} }},
		{"plan two: the grade bounds [2 1] do not ascend", func(p *ensemble.Plan) { p.Task, p.GradeBounds = task.Ordinal, []float64{2, 1} }},
		{"plan two: model 0 (a): fold a_f0_e1_0.5: the task ordinal has no threshold, but it is 0.25", func(p *ensemble.Plan) {
			p.Task = task.Ordinal
			for i := range p.Models {
				p.Models[i].Task = task.Ordinal
			}
		}},
		{"plan two: 2 class offsets for 3 classes", func(p *ensemble.Plan) { p.ClassOffsets = make([]float64, 2) }},
		{"plan two: class 1: the offset NaN is not between -1 and 1", func(p *ensemble.Plan) { p.ClassOffsets = []float64{0, math.NaN(), 0} }},
		{"plan two: the coefficients of all folds sum to 80001, more than 65536", func(p *ensemble.Plan) { p.Models[0].Coefficient = -40000 }},
		{"plan two: cut 0 (model 1, fold 1, 0 views) refers to nothing in the plan", func(p *ensemble.Plan) { p.Cuts = []ensemble.Cut{{Model: 1, Fold: 1}} }},
	} {
		p := twoModels()
		c.wrong(p)
		if err := p.Check(); err == nil || err.Error() != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}

func TestCheckRefusesImpossibleImages(t *testing.T) {
	for want, change := range map[string]func(*ensemble.Model){
		"there is no policy 9":           func(m *ensemble.Model) { m.Scaling.Policy = 9 },
		"there is no interpolation 99":   func(m *ensemble.Model) { m.Scaling.Interpolation = 99 },
		"the policy crop scales to no":   func(m *ensemble.Model) { m.Scaling.Side = 20 },
		"a side of 7 pixels":             func(m *ensemble.Model) { m.Scaling.Policy, m.Scaling.Side = 1, 7 },
		"but the policy squash has":      func(m *ensemble.Model) { m.Scaling.Policy, m.Views = 1, 3 },
		"a mean without a standard":      func(m *ensemble.Model) { m.Mean[1] = 0.5 },
		"they must be for pixels from 0": func(m *ensemble.Model) { m.Mean[1], m.Std = 123, [3]float32{1, 1, 1} },
		"there is no treatment 3 of tra": func(m *ensemble.Model) { m.Alpha = 3 },
		"there is no treatment 2 of the": func(m *ensemble.Model) { m.EXIF = 2 },
	} {
		plan := twoModels()
		plan.Models[0].InputSize = 8
		change(&plan.Models[0])
		if err := plan.Check(); err == nil || !strings.Contains(err.Error(), "model 0 (a): ") || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestGradesMayBePredictedByARegression(t *testing.T) {
	p := twoModels()
	p.Task, p.GradeBounds = task.Ordinal, []float64{0.4, 1.7}
	p.Models[0].Task = task.Ordinal
	p.Models[1].Task, p.Models[1].Classes = task.Regression, 1
	for i := range p.Models {
		for f := range p.Models[i].Folds {
			p.Models[i].Folds[f].Threshold = 0
		}
	}
	if err := p.Check(); err != nil {
		t.Fatal(err)
	}
	p.Models[1].Classes = 2
	if err := p.Check(); err == nil {
		t.Error("two targets are accepted as a grade")
	}
}

func ExamplePlan_DefaultCuts() {
	p := twoModels()
	for _, c := range p.DefaultCuts() {
		fmt.Println(p.Models[c.Model].Folds[c.Fold].Name, "to", c.Views, "views")
	}
	// Output:
	// a_f1_e2_0.5 to 1 views
	// a_f0_e1_0.5 to 1 views
	// a_f1_e2_0.5 to 0 views
	// b_f0_e1_0.5 to 0 views
}
