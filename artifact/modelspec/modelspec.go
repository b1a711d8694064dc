// Package modelspec reads what a config says about a network: the architecture, its
// sizes, and how it sees an image.
//
//	spec, err := modelspec.ReadFile("2b_se_resnext50.yml")
//	model := spec.Ensemble("2b_se_resnext50") // folds and coefficient are still missing
//
// A [Spec] is the part of a training config that predictions need: the sections model,
// metric, labels and test, the keys alpha and exif, and the names of the training table
// and of its folds file. Package trainer/config reads the same file for a training.
//
// These keys are checked strictly. Mistakes are errors of package yamlfile, with
// file:line:col, "did you mean" and the valid names. Other sections of a config are
// skipped, whatever they hold; unknown sections are refused.
//
// The package refuses files of other kinds in one line that names the kind: weights,
// tables, ensembles, thresholds, and configs of second-level models, which train on
// predictions.
//
// [Beside] finds the config of weights that carry none.
package modelspec

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/artifact/labeltable"
	"github.com/deploy-kernel/deploy-kernel/internal/textfile"
	"github.com/deploy-kernel/deploy-kernel/internal/yamlfile"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
)

// Spec describes a network and the images that it sees. Paths are as the file spells
// them.
type Spec struct {
	Model  Model
	Metric Metric
	Labels Labels
	Table  Table
	Test   Test
	Alpha  string // what becomes of transparency: drop ("" too), white or black
	EXIF   string // what becomes of the EXIF orientation: ignore ("" too) or apply
}

// Model describes the network, which is a known architecture or imported, and what it sees of an image in validation and
// prediction (docs/images.md). TaskName and the keys from Resize on are written only if
// they are set.
type Model struct {
	Arch      string `yaml:"arch,omitempty"` // a name of runtime/arch; "" if there is ONNX
	ONNX      string `yaml:"onnx,omitempty"` // path of the ONNX model that the network is imported from
	TaskName  string `yaml:"task,omitempty"` // a name of runtime/task; "" is multilabel
	InputSize int    `yaml:"input_size"`     // height and width, in pixels
	// NumClasses is the number of classes or grades, which are 0 … NumClasses-1, or of
	// the targets of a regression.
	NumClasses int     `yaml:"num_classes"`
	NumFolds   int     `yaml:"num_folds"` // folds of the training table
	Dropout    float64 `yaml:"dropout"`   // probability, before the last layer

	Resize        string  `yaml:"resize,omitempty"`        // a name of vision.Policies; "" is crop
	Interpolation string  `yaml:"interpolation,omitempty"` // a name of vision.Interpolations; "" is bicubic for crop, else bilinear
	CropPct       float64 `yaml:"crop_pct,omitempty"`      // share of the scaled side that the input shows; 0 is 0.875 for shorter-side, else 1
	ResizeTo      int     `yaml:"resize_to,omitempty"`     // the scaled side in pixels, in place of CropPct
	Pad           []int   `yaml:"pad,flow,omitempty"`      // red, green and blue of the padding; nil is gray 114 for letterbox, else black

	Normalize string    `yaml:"normalize,omitempty"` // a name of vision.Normalizations; "" is the architecture's
	Mean      []float64 `yaml:"mean,flow,omitempty"` // by channel, with Std in place of a name
	Std       []float64 `yaml:"std,flow,omitempty"`

	// WeightsKey names the set of weights to take from a checkpoint that holds
	// several, e.g. model_ema; "" takes the average, or the only set.
	WeightsKey string `yaml:"weights_key,omitempty"`
}

// Task returns the task that TaskName names.
func (m Model) Task() task.Task {
	t, _ := task.Parse(m.TaskName) // Check has refused unknown names
	return t
}

// ONNXPath returns the path of the ONNX model. ONNX is relative to the folder of the
// config, whose path is given.
func (m Model) ONNXPath(config string) string {
	if filepath.IsAbs(m.ONNX) {
		return m.ONNX
	}
	return filepath.Join(filepath.Dir(config), m.ONNX)
}

// Table names the training table and the file of its folds. Its keys belong to the
// section train.
type Table struct {
	CSV       string `yaml:"csv"`        // ids and labels
	FoldsFile string `yaml:"folds_file"` // .npy, uint8, a fold per row
}

// Test says how predictions are made.
type Test struct {
	CSV            string         `yaml:"csv"`        // the sample submission
	BatchSize      int            `yaml:"batch_size"` // images per batch
	NumTTAs        int            `yaml:"num_ttas"`   // views of each image
	TTACombineFunc TTACombineFunc `yaml:"tta_combine_func"`
}

// TTACombineFunc names the function that combines the predictions of an image's views.
type TTACombineFunc string

// Mean takes the mean of the sigmoids. It is the only function.
const Mean TTACombineFunc = "mean"

// Default returns the spec of an empty file. It lacks an architecture and the number of
// classes.
func Default() *Spec {
	return &Spec{
		Model: Model{InputSize: 224, NumFolds: 5},
		Table: Table{CSV: "train.csv", FoldsFile: "folds.npy"},
		Test:  Test{CSV: "sample_submission.csv", BatchSize: 32, NumTTAs: 1, TTACombineFunc: Mean},
	}
}

// file is a whole training config with the keys that a Spec reads.
type file struct {
	Model         Model         `yaml:"model"`
	Metric        Metric        `yaml:"metric"`
	Labels        Labels        `yaml:"labels"`
	Data          yamlfile.Skip `yaml:"data"`
	Train         Table         `yaml:"train"`
	Test          Test          `yaml:"test"`
	Optimizer     yamlfile.Skip `yaml:"optimizer"`
	Scheduler     yamlfile.Skip `yaml:"scheduler"`
	Cosine        yamlfile.Skip `yaml:"cosine"`
	Loss          yamlfile.Skip `yaml:"loss"`
	Augmentations yamlfile.Skip `yaml:"augmentations"`
	Alpha         string        `yaml:"alpha"`
	EXIF          string        `yaml:"exif"`
}

// ReadFile parses the config at path.
func ReadFile(path string) (*Spec, error) {
	data, err := textfile.Read(path, "a config")
	if err != nil {
		return nil, fmt.Errorf("reading the config: %w", err)
	}
	return Parse(path, data)
}

// Parse reads a spec from the text of a config. name is what errors call the text. The
// result has passed all checks.
func Parse(name string, data []byte) (*Spec, error) {
	root, err := Document(name, data)
	if err != nil {
		return nil, err
	}
	d := yamlfile.NewDecoder(name)
	d.Open = []string{"train"}
	s := Default()
	f := file{Model: s.Model, Train: s.Table, Test: s.Test}
	if err := d.Decode(root, &f); err != nil {
		return nil, err
	}
	s = &Spec{Model: f.Model, Metric: f.Metric, Labels: f.Labels, Table: f.Train, Test: f.Test, Alpha: f.Alpha, EXIF: f.EXIF}
	if err := s.Check(d); err != nil {
		return nil, err
	}
	return s, nil
}

// MissingClassesError is returned when a config lacks model.num_classes.
type MissingClassesError struct {
	err error
	// Spec is the incomplete spec. The labels of its table show the number.
	Spec *Spec
}

func (e *MissingClassesError) Error() string { return e.err.Error() }

// Unwrap returns the error with its place in the file.
func (e *MissingClassesError) Unwrap() error { return e.err }

// Check refuses values that are missing, out of range or contradict one another. d has
// decoded the file of s and gives the places for errors. Check replaces an alias in
// Model.Normalize by the name that it stands for, and underscores in Metric.Name by
// hyphens.
func (s *Spec) Check(d *yamlfile.Decoder) error {
	if s.Test.TTACombineFunc != Mean {
		return d.ErrorAt("test.tta_combine_func", "%s",
			yamlfile.Unknown("function", string(s.Test.TTACombineFunc), "test.tta_combine_func", Values("test.tta_combine_func")))
	}
	switch m := s.Model; {
	case m.Arch == "" && m.ONNX == "":
		return d.ErrorAt("model", "model.arch is missing: the name of a network, such as resnet50 or tf_efficientnet_b0; docs/networks.md lists them. An ONNX model goes into model.onnx")
	case m.Arch != "" && m.ONNX != "":
		return d.ErrorAt("model.onnx", "model.onnx and model.arch both name the network; give one")
	case m.ONNX != "" && m.Dropout != 0:
		return d.ErrorAt("model.dropout", "model.dropout is for training, but networks of model.onnx only predict")
	}
	if err := s.checkTask(d); err != nil {
		return err
	}
	if err := d.CheckRanges([]yamlfile.Range{
		{Key: "model.input_size", Value: float64(s.Model.InputSize), Min: 1, Max: 4096},
		{Key: "model.num_folds", Value: float64(s.Model.NumFolds), Min: 1, Max: 255},
		{Key: "model.dropout", Value: s.Model.Dropout, Min: 0, Max: 0.999},
		{Key: "test.batch_size", Value: float64(s.Test.BatchSize), Min: 1, Max: 1 << 16},
		{Key: "test.num_ttas", Value: float64(s.Test.NumTTAs), Min: 1, Max: 6},
	}); err != nil {
		return err
	}
	return s.checkImages(d)
}

// checkTask refuses an unknown task, and a number of classes that does not fit it. It
// sets a number that the file lacks where the section labels tells it.
func (s *Spec) checkTask(d *yamlfile.Decoder) error {
	m := &s.Model
	s.Metric.Name = strings.ReplaceAll(s.Metric.Name, "_", "-")
	t, err := task.Parse(m.TaskName)
	if err != nil {
		return d.ErrorAt("model.task", "%s", yamlfile.Unknown("task", m.TaskName, "model.task", task.Names()))
	}
	least := 1.0
	if t == task.Multiclass || t == task.Ordinal {
		least = 2
	}
	if m.NumClasses == 0 && d.Node("model.num_classes") == nil {
		names := s.Labels.Classes
		switch {
		case t == task.Regression:
			m.NumClasses = max(1, len(s.Labels.Columns))
		case len(names) > 0 && !labeltable.IsClassFile(names):
			m.NumClasses = len(names)
		default:
			return &MissingClassesError{d.ErrorAt("model", "model.num_classes is missing"), s}
		}
	}
	return d.CheckRanges([]yamlfile.Range{
		{Key: "model.num_classes", Value: float64(m.NumClasses), Min: least, Max: 1 << 20},
		{Key: "metric.params.beta", Value: s.Metric.Params.Beta, Min: 0, Max: 1e6},
		{Key: "metric.params.min_tpr", Value: s.Metric.Params.MinTPR, Min: 0, Max: 1},
	})
}

// Values lists the values that a key of a spec accepts, such as the names of the
// architectures. It returns nil if the key takes numbers or free text.
func Values(key string) []string {
	switch key {
	case "model.arch":
		var names []string
		for _, a := range arch.All() {
			names = append(names, a.Name)
		}
		return names
	case "model.task":
		return task.Names()
	case "model.resize":
		return vision.Policies()
	case "model.interpolation":
		return vision.Interpolations()
	case "model.normalize":
		var names []string
		for _, n := range vision.Normalizations() {
			names = append(names, n.Name)
		}
		return names
	case "alpha":
		return alphas
	case "exif":
		return exifs
	case "test.tta_combine_func":
		return []string{string(Mean)}
	}
	return nil
}
