package folder

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
)

// manifestVersion is the version of the manifest's format.
const manifestVersion = 1

// Manifest is the content of deploy.json, which describes a deployed folder.
type Manifest struct {
	Version  int    `json:"version"`
	Ensemble string `json:"ensemble"`
	// EnsembleFile is the path of the ensemble file, relative to the folder.
	EnsembleFile string  `json:"ensemble_file,omitempty"`
	Score        float64 `json:"score,omitempty"` // the validation score, if known
	Classes      int     `json:"classes,omitempty"`
	// Task is what the ensemble answers; "" is multilabel.
	Task string `json:"task,omitempty"`
	// ClassNames are the names of the classes, if known.
	ClassNames []string `json:"class_names,omitempty"`
	// Metric is the metric that the ensemble was blended for, "" if it is not recorded.
	Metric string `json:"metric,omitempty"`
	// Submission is the answer that the user asked for, "" for none.
	Submission string `json:"submission,omitempty"`
	// Form is how the submission is written; nil leaves it to the sample of the run.
	Form *input.Form `json:"form,omitempty"`
	// Training says how many labels a row of the training table has, "" if unknown.
	Training string `json:"training,omitempty"`
	// Sample is the file name of the sample submission, if the user named one.
	Sample string `json:"sample,omitempty"`
	// TimeLimit is the competition's time limit, such as 9h0m0s; "" for none.
	TimeLimit string `json:"time_limit,omitempty"`
	// Kernel is "owner/slug"; "" if the folder holds datasets only.
	Kernel string `json:"kernel"`
	Public bool   `json:"public"`
	KeyIn  string `json:"key_in"` // a KeyPlace
	// Competitions names the competitions whose data the kernel mounts.
	Competitions []string  `json:"competitions,omitempty"`
	Source       File      `json:"source"`
	Script       File      `json:"script"`
	Datasets     []Dataset `json:"datasets"`
}

// Dataset is a subfolder to upload as a dataset.
type Dataset struct {
	Folder string `json:"folder"` // relative to the manifest's folder
	ID     string `json:"id"`     // "owner/slug"
	Title  string `json:"title"`
	Public bool   `json:"public"`
	Files  []File `json:"files"`
}

// Size returns the number of bytes of all files.
func (d Dataset) Size() (n int64) {
	for _, f := range d.Files {
		n += f.Size
	}
	return n
}

// Names returns the names of the dataset's files.
func (d Dataset) Names() []string {
	all := make([]string, len(d.Files))
	for i, f := range d.Files {
		all[i] = f.Name
	}
	return all
}

// File describes a file to upload.
type File struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`   // in bytes
	SHA256 string `json:"sha256"` // hex
	// Plain is the SHA-256 of the plaintext of an encrypted file, "" if unknown.
	Plain string `json:"plain_sha256,omitempty"`
}

// KeyPlace says where a kernel finds the key of its weights.
type KeyPlace uint8

const (
	// InKernel puts the key into the kernel's source, program and script, which
	// must be private.
	InKernel KeyPlace = iota
	// InDataset puts the key into a file in a private dataset of its own.
	InDataset
	// InEnvironment makes the kernel read the key from DEPLOY_KERNEL_KEY.
	InEnvironment
	// NoKey is for plain weights.
	NoKey
)

// String returns the place as the manifest spells it.
func (p KeyPlace) String() string {
	return [...]string{"kernel", "dataset", "environment", "none"}[p]
}

// Limit returns the competition's time limit that the kernel was made for, 0 for
// none.
func (m *Manifest) Limit() time.Duration {
	d, err := time.ParseDuration(m.TimeLimit)
	if err != nil {
		return 0
	}
	return d
}

// The values of Manifest.Training.
const (
	oneLabel      = "one label"
	severalLabels = "several labels"
)

// SetTraining sets m.Training.
func (m *Manifest) SetTraining(t input.Labeling) {
	switch t {
	case input.OneLabel:
		m.Training = oneLabel
	case input.SeveralLabels:
		m.Training = severalLabels
	}
}

// SampleRules returns the rules that a sample submission for the kernel must meet.
func (m *Manifest) SampleRules() (input.SampleRules, error) {
	answer, err := input.ParseAnswer(m.Submission)
	if err != nil {
		return input.SampleRules{}, err
	}
	kind, err := task.Parse(m.Task)
	rules := input.SampleRules{Task: kind, Classes: m.Classes, Names: m.ClassNames, Metric: m.Metric, Submission: answer}
	if m.Form != nil {
		rules.Form = *m.Form
	}
	switch m.Training {
	case oneLabel:
		rules.Training = input.OneLabel
	case severalLabels:
		rules.Training = input.SeveralLabels
	}
	return rules, err
}

// Read returns the manifest of the deployed folder dir.
func Read(dir string) (*Manifest, error) {
	path := filepath.Join(dir, ManifestName)
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s is no deployed folder: %w", dir, err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	var m Manifest
	if err := d.Decode(&m); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if m.Version != manifestVersion {
		return nil, fmt.Errorf("%s: version %d; this program knows %d", path, m.Version, manifestVersion)
	}
	return &m, nil
}

func (m *Manifest) json() []byte {
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		panic("folder: internal error: " + err.Error()) // strings and numbers always have a JSON form
	}
	return append(b, '\n')
}
