package oof

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/deploy-kernel/deploy-kernel/artifact/predictionspec"
	"github.com/deploy-kernel/deploy-kernel/runtime/npy"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
)

// ReadSpec reads what predictions are from the files <model>.yml beside them. A
// model without such a file is taken to be like the others; without any file, all are
// multilabel. If no <model>.yml names the number of classes, the columns of the
// predictions give it.
// All models must have one task, but ordinal models and regressions may be together:
// ReadSpec then returns the spec of an ordinal one.
func ReadSpec(predictions []string) (*predictionspec.Spec, error) {
	var found *predictionspec.Spec
	first := ""
	for _, path := range predictions {
		spec, err := specOf(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return nil, err
		case found != nil && spec.Task != found.Task && !bothGrades(spec.Task, found.Task):
			return nil, fmt.Errorf("%s: its task is %s, but that of %s is %s", path, spec.Task, first, found.Task)
		case found == nil || spec.Task == task.Ordinal && found.Task != task.Ordinal:
			found, first = spec, path
		}
	}
	if found == nil {
		found = &predictionspec.Spec{}
	}
	if found.Classes == 0 {
		found.Classes = len(found.ClassNames)
	}
	if found.Classes == 0 && found.Task != task.Ordinal {
		found.Classes = columns(predictions[0])
	}
	return found, nil
}

// specOf reads the file <model>.yml beside a file of predictions.
func specOf(predictions string) (*predictionspec.Spec, error) {
	path, err := predictionspec.Beside(predictions)
	if err != nil {
		return nil, err
	}
	return predictionspec.Read(path)
}

// bothGrades reports whether both tasks predict a value on a scale of grades.
func bothGrades(a, b task.Task) bool {
	grades := func(t task.Task) bool { return t == task.Ordinal || t == task.Regression }
	return grades(a) && grades(b)
}

// columns returns the number of columns of a file, 0 if it can't be read; [Open] says
// why.
func columns(path string) int {
	f, err := npy.Open(path)
	if err != nil {
		return 0
	}
	defer f.Close()
	if len(f.Shape) != 2 {
		return 0
	}
	return f.Shape[1]
}

// Thresholds returns the threshold that was subtracted from the predictions, by model
// and fold. It reads them from the files <model>.yml beside the predictions.
func (s *Set) Thresholds() ([][]float64, error) {
	all := make([][]float64, len(s.Models))
	for m, model := range s.Models {
		for _, file := range model.Files {
			spec, err := specOf(file)
			if err != nil {
				return nil, fmt.Errorf("%s: probabilities need its threshold: %w", file, err)
			}
			all[m] = append(all[m], spec.Threshold)
		}
	}
	return all, nil
}
