// Package predictionspec reads and writes the file <model>.yml that lies beside the
// weights and the predictions of a model. It says what the predictions are.
//
//	threshold: 0
//	task: multiclass
//	num_classes: 5
//	metric: {name: accuracy}
//	labels: {columns: [label]}
//	class_names: [cbb, cbsd, cgm, cmd, healthy]
//
// A prediction is the mean over the views of an image of what package runtime/task adds,
// minus the threshold. A file with only a threshold means a multilabel model.
package predictionspec

import (
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/artifact/ensemblefile"
	"github.com/deploy-kernel/deploy-kernel/artifact/labeltable"
	"github.com/deploy-kernel/deploy-kernel/artifact/modelspec"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/internal/textfile"
	"github.com/deploy-kernel/deploy-kernel/internal/yamlfile"
	"github.com/deploy-kernel/deploy-kernel/runtime/atomicfile"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
	"gopkg.in/yaml.v3"
)

// Spec says what the predictions of a model are.
type Spec struct {
	// Threshold was subtracted from the predictions. It is 0 unless the task is
	// multilabel and the metric scores decisions.
	Threshold float64
	Task      task.Task
	// Classes is the number of classes, grades or targets; 0 if the file does not say.
	Classes int
	Metric  modelspec.Metric // its zero value means the default of the task
	Labels  modelspec.Labels // of the training table
	// ClassNames holds the names of the classes or targets by number, or is nil.
	ClassNames []string
}

// file is the form of a file.
type file struct {
	Threshold  float64          `yaml:"threshold"`
	Task       string           `yaml:"task,omitempty"`
	NumClasses int              `yaml:"num_classes,omitempty"`
	Metric     modelspec.Metric `yaml:"metric,omitempty"`
	Labels     modelspec.Labels `yaml:"labels,omitempty"`
	ClassNames []string         `yaml:"class_names,flow,omitempty"`
}

// LabelOptions returns the options by which package labeltable reads the training table.
func (s *Spec) LabelOptions() labeltable.Options {
	return s.Labels.Options(s.Task, s.Classes, s.ClassNames)
}

// Beside returns the path of the file that belongs to a file of predictions or weights
// called path, such as level1_train_<model>.npy.
func Beside(path string) (string, error) {
	name, err := ensemblefile.ParseName(path)
	if err != nil {
		return "", err
	}
	return filepath.Join(filepath.Dir(path), name.Model()+".yml"), nil
}

// Read reads the file at path. If there is none, the hint says how to make one.
func Read(path string) (*Spec, error) {
	text, err := textfile.Read(path, "a threshold file")
	if err != nil {
		return nil, hint.New(fmt.Errorf("reading the threshold: %w", err), "`train --predict-oof` writes it, and `infer import-weights` for weights made elsewhere")
	}
	return Parse(path, text)
}

// Parse reads a text that errors call name. It ignores unknown keys.
func Parse(name string, text []byte) (*Spec, error) {
	root, err := yamlfile.Document(name, "threshold file", text)
	if err != nil {
		return nil, err
	}
	d := yamlfile.NewDecoder(name)
	d.Open = []string{""}
	var f file
	if err := d.Decode(root, &f); err != nil {
		return nil, err
	}
	t, err := task.Parse(f.Task)
	if err != nil {
		return nil, d.ErrorAt("task", "%v", err)
	}
	if t == task.Multilabel && !d.Given("threshold") {
		return nil, d.FileErrorf("the key threshold is missing")
	}
	if err := d.CheckRanges([]yamlfile.Range{
		{Key: "threshold", Value: f.Threshold, Min: 0, Max: 1},
		{Key: "num_classes", Value: float64(f.NumClasses), Min: 0, Max: 1 << 20},
	}); err != nil {
		return nil, err
	}
	if n := len(f.ClassNames); n > 0 && f.NumClasses > 0 && n != f.NumClasses {
		return nil, d.ErrorAt("class_names", "class_names has %d names, but num_classes is %d", n, f.NumClasses)
	}
	f.Metric.Name = strings.ReplaceAll(f.Metric.Name, "_", "-") // as in a config
	return &Spec{Threshold: f.Threshold, Task: t, Classes: f.NumClasses, Metric: f.Metric, Labels: f.Labels, ClassNames: f.ClassNames}, nil
}

// Marshal returns the text of the file. A multilabel model without names, metric and
// labels of its own has only a threshold.
func (s *Spec) Marshal() ([]byte, error) {
	f := file{Threshold: s.Threshold, Metric: s.Metric, Labels: s.Labels, ClassNames: s.ClassNames}
	if s.Task != task.Multilabel {
		f.Task = s.Task.String()
	}
	if f.Task != "" || f.ClassNames != nil {
		f.NumClasses = s.Classes
	}
	b, err := yaml.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("writing a threshold file: %w", err)
	}
	return b, nil
}

// Write writes the file at path, whole or not at all.
func (s *Spec) Write(path string) error {
	text, err := s.Marshal()
	if err != nil {
		return err
	}
	return atomicfile.WriteFile(path, text)
}

// ParseThreshold parses a threshold, such as the weights' metadata carry.
func ParseThreshold(text string) (float64, error) {
	t, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(t) || t < 0 || t > 1 {
		return 0, fmt.Errorf("the threshold %q is not a number from 0 to 1", text)
	}
	return t, nil
}
