// Package ensemble describes an ensemble of image networks: which weights a kernel
// loads, how it preprocesses the images, and how it weighs the predictions.
//
//	plan := &ensemble.Plan{Name: "best", Classes: 1103, Models: []ensemble.Model{…}}
//	err := plan.Check()
//	summary, err := predict.Run(ctx, plan, predict.Options{Input: "../input", …})
//
// The package holds data only; the packages below it do the work. Each imports only
// those above it in this list:
//
//	supply      reads and decrypts the weights
//	pace        divides the time budget among the folds
//	submission  adds up predictions and writes the submission
//	predict     runs a plan, from the input folder to the submission
//	command     is the command line of a generated kernel
//
// # Guarantees
//
// The prediction of a fold for an image is the mean over the views of what package task
// makes of the logits, minus the fold's threshold, rounded to float32.
//
//   - A multilabel ensemble gives a label where the sum of coefficient × (prediction −
//     class offset) over all folds is positive.
//   - A multiclass ensemble gives the class with the highest sum.
//   - Regressions and ordinal ensembles predict the weighted mean; the grade is the number
//     of grade bounds below it.
//
// # Refusals
//
// [Plan.Check] refuses a plan whose numbers are out of range or whose names can't be
// file names.
package ensemble

import (
	"time"

	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
)

// Plan is what a kernel predicts. Running a plan does not change it.
type Plan struct {
	Name string // name of the ensemble, e.g. best_ensemble_val_0.6397
	// Task is what the ensemble answers. One-target regressions may be members of an
	// ordinal ensemble.
	Task    task.Task
	Classes int // classes, grades, or targets of a regression
	// ClassNames holds the name of each class. Empty means that classes have numbers only.
	ClassNames []string
	Models     []Model
	// GradeBounds holds the values that part neighboring grades, in ascending order. The
	// grade of a value is the number of bounds below it. Empty means 0.5, 1.5 and so on.
	GradeBounds []float64
	// Metric is the name of the metric that the ensemble was blended for, or "".
	Metric string
	// ClassOffsets are subtracted from the predictions, one for each class. Empty means
	// zeros.
	ClassOffsets []float64
	// Score is the validation score of the whole plan; 0 if unknown.
	Score float64
	// Cuts is the order in which a run with too little time drops views and folds.
	// Empty means DefaultCuts.
	Cuts []Cut
	// Budget is the default time limit of a kernel; 0 means none.
	Budget time.Duration
	// Submission is the answer that the user asked for. Unsettled leaves the choice to the
	// sample submission.
	Submission input.Answer
	// Form is how the submission is written, as the sample submission showed when the plan
	// was made. An undecided form leaves it to the sample of the run.
	Form input.Form
	// Training says how many labels the rows of the training table have.
	Training input.Labeling
	// Column is the name of the label column of the training table; "" if unknown.
	Column string
	// Fallback holds the labels of an image without prediction: the best constant
	// answer of the training table. Empty if unknown.
	Fallback []int
	// Prior holds the values of an image without prediction: the share of each class in
	// the training table, or the mean of each target. Empty if unknown.
	Prior []float32
	// Sample is the file name of the sample submission if it is an unusual one.
	Sample string
}

// CropWarnings returns a warning for each model that sees less than a quarter of the
// typical image. sizes holds the width and height, in pixels, of some images.
func (p *Plan) CropWarnings(sizes [][2]int) []string {
	var lines []string
	for _, m := range p.Models {
		if text := m.Preprocess(arch.Arch{}).CropWarning(sizes); text != "" {
			lines = append(lines, m.Name+": "+text)
		}
	}
	return lines
}

// Values returns the number of values of a prediction.
func (p *Plan) Values() int { return p.Task.Values(p.Classes) }

// FoldNames returns the names of all folds, model by model.
func (p *Plan) FoldNames() []string {
	var names []string
	for _, m := range p.Models {
		for _, f := range m.Folds {
			names = append(names, f.Name)
		}
	}
	return names
}

// SampleRules returns the rules by which a run of the plan reads sample submissions.
func (p *Plan) SampleRules() input.SampleRules {
	return input.SampleRules{
		Task: p.Task, Classes: p.Classes, Names: p.ClassNames, Metric: p.Metric,
		Submission: p.Submission, Training: p.Training, Column: p.Column, Form: p.Form,
	}
}
