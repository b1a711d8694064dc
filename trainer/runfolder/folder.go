// Package runfolder keeps the files of the training of one fold in a folder, the run
// folder.
//
//	f, from, err := runfolder.Open(dir, runfolder.Resume, runfolder.Info{Name: "2b_se_resnext50", Fold: 0, Config: c, Arch: a})
//	t := loop.Training{Store: f, From: from, …}
//
// The folder holds
//
//	config.yml                 the resolved config, seed included
//	<name>_f0_e14_0.5975.safetensors   the best weights, with the metadata of a model
//	last/<…>.safetensors       the last weights
//	swa/<…>.safetensors        the averaged weights, with train.swa
//	checkpoint.safetensors     everything that is needed to resume
//	results.csv                a line for each epoch
//	metrics.jsonl              a line for each batch and each epoch
//	curves.png, augmented.png  pictures of the results and the input images
//
// Every file but metrics.jsonl is replaced atomically. A killed process leaves the files
// as they were before.
//
// An existing training is neither overwritten nor resumed unless the [Mode] says so.
package runfolder

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/runtime/atomicfile"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
	"github.com/deploy-kernel/deploy-kernel/trainer/config"
	"github.com/deploy-kernel/deploy-kernel/trainer/loop"
)

// Mode says what becomes of a training that is in the folder already.
type Mode int

// The modes.
const (
	Refuse    Mode = iota // Open returns ErrExists
	Overwrite             // Open removes it
	Resume                // it is resumed; without one, a new training begins
)

// ErrExists is returned when the folder holds a training already.
var ErrExists = errors.New("there is a training already")

// Info describes a training in its files.
type Info struct {
	Name   string // of the config, without .yml
	Fold   int
	Config *config.Config
	Arch   string
	// ToBeat is the score of the best constant answer on the rows held out, or 0 if it
	// is unknown. curves.png shows it.
	ToBeat float64
	// ClassNames holds the names of the classes or targets by number, or is nil.
	ClassNames []string
}

// Title returns the title of pictures of the training.
func (i Info) Title() string { return fmt.Sprintf("%s, fold %d", i.Name, i.Fold) }

// Folder is an open run folder and a loop.Store. It is not safe for concurrent use.
type Folder struct {
	dir    string
	info   Info
	text   string // of the config
	best   string // path of the best weights
	events *events

	// Changed lists the lines of the config that differ from those of the resumed
	// training. Such a training does not end with the weights of an uninterrupted one.
	Changed []string
}

// CheckpointFile is the name of the checkpoint.
const CheckpointFile = "checkpoint.safetensors"

const (
	configFile = "config.yml"
	extension  = ".safetensors"
	lastDir    = "last"
	swaDir     = "swa"
)

// Open makes or opens the folder. With [Resume] it returns the checkpoint to resume, or
// nil if there is none. The caller closes the folder.
func Open(dir string, mode Mode, info Info) (*Folder, *loop.Checkpoint, error) {
	text, err := info.Config.Marshal()
	if err != nil {
		return nil, nil, err
	}
	f := &Folder{dir: dir, info: info, text: string(text)}
	old, readErr := os.ReadFile(filepath.Join(dir, configFile))
	exists := readErr == nil
	if exists && mode == Resume {
		f.Changed = newLines(string(old), f.text)
	}
	if exists && mode == Refuse {
		return nil, nil, fmt.Errorf("%s: %w", dir, ErrExists)
	}
	if exists && mode == Overwrite {
		if err := f.clear(); err != nil {
			return nil, nil, err
		}
	}
	for _, d := range []string{dir, filepath.Join(dir, lastDir)} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return nil, nil, err
		}
	}
	f.sweep()
	if err := atomicfile.WriteFile(filepath.Join(dir, configFile), text); err != nil {
		return nil, nil, err
	}
	var from *loop.Checkpoint
	if mode == Resume {
		if from, err = f.checkpoint(); err != nil {
			return nil, nil, err
		}
	}
	var state loop.State
	if from != nil {
		state = from.State
		if best, ok := state.Best(); ok {
			f.best = filepath.Join(dir, info.Model(best)+extension)
		}
	}
	f.events, err = openEvents(filepath.Join(dir, "metrics.jsonl"), &state)
	return f, from, err
}

// newLines returns the lines of b that a lacks.
func newLines(a, b string) []string {
	var lines []string
	before := strings.Split(a, "\n")
	for _, line := range strings.Split(b, "\n") {
		if !slices.Contains(before, line) {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

// Path returns the path of a file of the folder.
func (f *Folder) Path(name string) string { return filepath.Join(f.dir, name) }

// BestPath returns the path of the best weights, or "" before the first epoch.
func (f *Folder) BestPath() string { return f.best }

// HasSWA reports whether the averaged weights were saved.
func (f *Folder) HasSWA() bool {
	found, err := filepath.Glob(filepath.Join(f.dir, swaDir, f.info.own()+"*"+extension))
	return err == nil && len(found) > 0
}

// Close flushes and closes metrics.jsonl.
func (f *Folder) Close() error { return f.events.close() }

// clear removes the files of a training, and nothing else.
func (f *Folder) clear() error {
	paths, err := filepath.Glob(filepath.Join(f.dir, "*_f*_e*"+extension))
	if err != nil {
		return err
	}
	for _, name := range []string{configFile, CheckpointFile, "results.csv", "metrics.jsonl", "curves.png", "augmented.png", lastDir, swaDir} {
		paths = append(paths, f.Path(name))
	}
	for _, p := range paths {
		if err := os.RemoveAll(p); err != nil {
			return err
		}
	}
	return nil
}

// sweep removes the temporary files that a killed process left.
func (f *Folder) sweep() {
	for _, d := range []string{"", lastDir, swaDir} {
		paths, err := filepath.Glob(filepath.Join(f.dir, d, ".*.tmp"))
		if err != nil {
			continue
		}
		for _, p := range paths {
			_ = os.Remove(p) // it costs space, nothing else
		}
	}
}

// own returns the prefix of the names of the fold's weights.
func (i Info) own() string { return fmt.Sprintf("%s_f%d_e", i.Name, i.Fold) }

// Model returns the name of the weights of an epoch. A score below 0 loses its sign, which
// the form of the names lacks.
func (i Info) Model(r loop.Result) string {
	return fmt.Sprintf("%s_f%d_e%02d_%.4f", i.Name, i.Fold, r.Epoch, math.Abs(r.Score))
}

// Write writes the weights of an epoch to a folder, under the model's name and with the
// metadata of a model, and returns the path.
func (i Info) Write(dir string, dict *weights.StateDict, r loop.Result) (path string, err error) {
	text, err := i.Config.Marshal()
	if err != nil {
		return "", err
	}
	c := i.Config.Model
	path = filepath.Join(dir, i.Model(r)+extension)
	meta := map[string]string{
		"format": "pt", "arch": i.Arch, "config": string(text),
		"epoch": strconv.Itoa(r.Epoch), "fold": strconv.Itoa(i.Fold),
		"score": strconv.FormatFloat(r.Score, 'g', -1, 64), "threshold": strconv.FormatFloat(r.Threshold, 'g', -1, 64),
		"classes": strconv.Itoa(c.NumClasses), "input_size": strconv.Itoa(c.InputSize),
	}
	if i.ClassNames != nil {
		names, err := json.Marshal(i.ClassNames)
		if err != nil {
			return "", err
		}
		meta["class_names"] = string(names)
	}
	return path, writeDict(path, &weights.StateDict{Tensors: dict.Tensors, Metadata: meta})
}

// save writes the weights of an epoch to a folder, then removes older weights of this
// training from it.
func (f *Folder) save(dir string, dict *weights.StateDict, r loop.Result) (path string, err error) {
	if path, err = f.info.Write(dir, dict, r); err != nil {
		return "", err
	}
	others, err := filepath.Glob(filepath.Join(dir, "*_f*_e*"+extension))
	if err != nil {
		return "", err
	}
	own := f.info.own()
	for _, p := range others {
		if p != path && strings.HasPrefix(filepath.Base(p), own) {
			if err := os.Remove(p); err != nil {
				return "", err
			}
		}
	}
	return path, nil
}

// SaveBest implements loop.Store.
func (f *Folder) SaveBest(dict *weights.StateDict, r loop.Result) (err error) {
	f.best, err = f.save(f.dir, dict, r)
	return err
}

// SaveLast implements loop.Store.
func (f *Folder) SaveLast(dict *weights.StateDict, r loop.Result) error {
	_, err := f.save(f.Path(lastDir), dict, r)
	return err
}

// SaveSWA saves the averaged weights and returns their path.
func (f *Folder) SaveSWA(dict *weights.StateDict, r loop.Result) (string, error) {
	if err := os.MkdirAll(f.Path(swaDir), 0o755); err != nil {
		return "", err
	}
	return f.save(f.Path(swaDir), dict, r)
}

// Best implements loop.Store.
func (f *Folder) Best() (*weights.StateDict, error) { return readDict(f.best) }
