package oof

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/deploy-kernel/deploy-kernel/artifact/ensemblefile"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"gopkg.in/yaml.v3"
)

// Thresholds returns the threshold that was subtracted from the predictions, by model
// and fold. It reads them from the files <model>.yml beside the predictions.
func (s *Set) Thresholds() ([][]float64, error) {
	all := make([][]float64, len(s.Models))
	var errs []error
	for m, model := range s.Models {
		for _, file := range model.Files {
			t, err := threshold(file)
			errs = append(errs, err)
			all[m] = append(all[m], t)
		}
	}
	return all, errors.Join(errs...)
}

// threshold reads the threshold of one file of predictions.
func threshold(predictions string) (float64, error) {
	name, err := ensemblefile.ParseName(predictions)
	if err != nil {
		return 0, err
	}
	path := filepath.Join(filepath.Dir(predictions), name.Model()+".yml")
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, hint.New(fmt.Errorf("%s: the log loss needs its threshold: %w", predictions, err), "train --predict-oof writes it")
	}
	var file struct {
		Threshold *float64 `yaml:"threshold"`
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		return 0, fmt.Errorf("%s: %w", path, err)
	}
	if file.Threshold == nil || !(*file.Threshold >= 0 && *file.Threshold <= 1) {
		return 0, fmt.Errorf("%s: the key threshold must be a number from 0 to 1", path)
	}
	return *file.Threshold, nil
}
