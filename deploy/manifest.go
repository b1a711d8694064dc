package deploy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/deploy-kernel/deploy-kernel/runtime/input"
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
	// Submission is the kind of submission that the user asked for, "" for none.
	Submission string `json:"submission,omitempty"`
	// Training says how many labels a row of the training table has, "" if unknown.
	Training string `json:"training,omitempty"`
	// Sample is the file name of the sample submission, if --sample named one.
	Sample string `json:"sample,omitempty"`
	// TimeLimit is the competition's, such as 9h0m0s; "" for none.
	TimeLimit string `json:"time_limit,omitempty"`
	// Kernel is "owner/slug"; "" if there are datasets only.
	Kernel string `json:"kernel"`
	Public bool   `json:"public"`
	KeyIn  string `json:"key_in"`
	// Competitions names the competitions whose data the kernel mounts.
	Competitions []string  `json:"competitions,omitempty"`
	Source       File      `json:"source"`
	Script       File      `json:"script"`
	Datasets     []Dataset `json:"datasets"`
}

// Dataset is a folder to upload as a dataset.
type Dataset struct {
	Folder string `json:"folder"` // below that of the manifest
	ID     string `json:"id"`     // "owner/slug"
	Title  string `json:"title"`
	Public bool   `json:"public"`
	Files  []File `json:"files"`
}

// Size returns the bytes of all files.
func (d Dataset) Size() (n int64) {
	for _, f := range d.Files {
		n += f.Size
	}
	return n
}

// File is a file to upload.
type File struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
	// Plain is the SHA-256 of what is encrypted in it.
	Plain string `json:"plain_sha256,omitempty"`
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

// The labellings of a training table.
const (
	oneLabel      = "one label"
	severalLabels = "several labels"
)

// SampleRules says which sample submissions the kernel can answer.
func (m *Manifest) SampleRules() (input.SampleRules, error) {
	kind, err := input.ParseSubmission(m.Submission)
	rules := input.SampleRules{Classes: m.Classes, Submission: kind}
	switch m.Training {
	case oneLabel:
		rules.Training = input.OneLabel
	case severalLabels:
		rules.Training = input.SeveralLabels
	}
	return rules, err
}

// ReadManifest reads the manifest of a deployed folder.
func ReadManifest(dir string) (*Manifest, error) {
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
		panic("deploy: internal error: " + err.Error()) // texts and numbers always have a JSON form
	}
	return append(b, '\n')
}

// Commands returns the commands that upload the folder at dir, in order.
func (m *Manifest) Commands(dir string) [][]string {
	var all [][]string
	for _, d := range m.Datasets {
		c := []string{"kaggle", "datasets", "create", "-p", filepath.Join(dir, d.Folder)}
		if d.Public {
			c = append(c, "--public")
		}
		all = append(all, c)
	}
	if m.Kernel == "" {
		return all
	}
	return append(all, []string{"kaggle", "kernels", "push", "-p", dir})
}
