package plan

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/deploy-kernel/deploy-kernel/artifact/labeltable"
	"github.com/deploy-kernel/deploy-kernel/artifact/modelspec"
	"github.com/deploy-kernel/deploy-kernel/artifact/network"
	"github.com/deploy-kernel/deploy-kernel/artifact/predictionspec"
	"github.com/deploy-kernel/deploy-kernel/artifact/weightfile"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/internal/say"
	"github.com/deploy-kernel/deploy-kernel/internal/textfile"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/streams"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

// read opens the weights of j, checks them and sets j.fold and j.model.
func (b *builder) read(ctx context.Context, j *job) error {
	f, c, err := b.open(ctx, j)
	if f.File == nil {
		return err
	}
	defer f.Close()
	meta := f.Metadata()
	var errs []error
	if err != nil {
		errs = append(errs, err)
	}
	var g *nn.Graph
	if c != nil {
		j.choice = cmp.Or(b.options.WeightsKey, c.Model.WeightsKey)
		if err := f.Choose(j.choice); err != nil {
			errs = append(errs, fmt.Errorf("reading weights: %w", err))
		} else if g, err = b.check(j, c, f); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", j.path, err))
		}
		j.note = f.Note()
	}
	if err := b.readSpec(j, c, meta); err != nil {
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	h := sha256.New()
	n := new(streams.Counter)
	if err := b.content(ctx, j, f, g, streams.Writer(ctx, io.MultiWriter(h, n))); err != nil {
		return err
	}
	j.fold.Name = j.name
	j.fold.SHA256 = hex.EncodeToString(h.Sum(nil))
	j.fold.Size = int64(*n)
	return nil
}

// open opens the weights of j and reads their config. An ONNX model has its config in
// a file, which says for what input size to import it. The file is nil if it can't be
// opened.
func (b *builder) open(ctx context.Context, j *job) (f file, c *modelspec.Spec, err error) {
	f, err = open(ctx, j.path, b.key, 0)
	if errors.Is(err, weightfile.ErrONNX) {
		if c, err = b.config(j, nil); err != nil {
			return f, nil, err
		}
		f, err = open(ctx, j.path, b.key, c.Model.InputSize)
		return f, c, err
	}
	if err != nil {
		return f, nil, err
	}
	c, err = b.config(j, f.Metadata())
	return f, c, err
}

// content writes the weights in the form that a kernel reads.
func (b *builder) content(ctx context.Context, j *job, f file, g *nn.Graph, w io.Writer) error {
	half := b.options.Half
	if !half.Given() {
		return f.Convert(w)
	}
	dict, err := f.StateDict()
	if err != nil {
		return err
	}
	var small *weights.StateDict
	if small, j.change, err = half.Apply(ctx, g, dict); err != nil {
		return fmt.Errorf("%s: %w", j.path, err)
	}
	return weights.Write(w, small)
}

// check builds the network of the config, and compares its parameters with the file's.
func (b *builder) check(j *job, c *modelspec.Spec, f file) (*nn.Graph, error) {
	var err error
	if j.arch, err = network.OfConfig(c.Model, b.options.Archs, f.Metadata()); err != nil {
		return nil, err
	}
	j.model = network.WithArch(c.Ensemble(j.config), j.arch)
	j.table, j.folds = c.Table, c.Model.NumFolds
	config := j.model.Config()
	config.Keys = f.Has
	g, err := j.arch.Build(config)
	if err != nil {
		return nil, err
	}
	infos := f.Infos()
	if err := arch.Check(g, infos); err != nil {
		return nil, network.Explain(err, g, infos)
	}
	return g, nil
}

// configs holds parsed configs by text, because folds share them. A mistake in a config
// is reported once.
type configs struct {
	mu     sync.Mutex
	parsed map[string]*modelspec.Spec // nil for one with a mistake
}

// config returns the config of j, from its weights or else from its file.
func (b *builder) config(j *job, meta map[string]string) (*modelspec.Spec, error) {
	name, text := j.path+": config", meta["config"]
	if text == "" {
		path, ok := b.files.find(j.config+".yml", j.config+".yaml")
		if !ok {
			path, ok = modelspec.Beside(j.path)
		}
		if !ok {
			return nil, hint.New(fmt.Errorf("%s: the weights carry no config, and there is no %s.yml", j.path, j.config),
				"name the folder of the configs: --configs %s; `infer import-weights` makes one for weights made elsewhere",
				strings.Join(append(slices.Clone(b.options.Configs), "FOLDER"), ","))
		}
		b, err := textfile.Read(path, "a config")
		if err != nil {
			return nil, fmt.Errorf("reading the config: %w", err)
		}
		name, text = path, string(b)
	}
	b.configs.mu.Lock()
	defer b.configs.mu.Unlock()
	if c, ok := b.configs.parsed[text]; ok {
		if c == nil {
			return nil, errReported
		}
		return c, nil
	}
	c, err := modelspec.Parse(name, []byte(text))
	if b.configs.parsed == nil {
		b.configs.parsed = map[string]*modelspec.Spec{}
	}
	if b.configs.parsed[text] = c; err != nil {
		b.configs.parsed[text] = nil
		return nil, err
	}
	return c, nil
}

// errReported stands for a mistake that another fold has reported.
var errReported = errors.New("")

// readSpec sets j.spec and j.fold.Threshold, from <model>.yml, which is newer, or from the
// weights, whose config is c.
func (b *builder) readSpec(j *job, c *modelspec.Spec, meta map[string]string) error {
	if path, ok := b.files.find(j.name+".yml", j.name+".yaml"); ok {
		var err error
		if j.spec, err = predictionspec.Read(path); err != nil {
			return err
		}
		if c != nil && j.spec.Task != c.Model.Task() {
			return fmt.Errorf("%s: the task is %s, but that of its config is %s", path, j.spec.Task, c.Model.Task())
		}
	} else {
		j.spec = &predictionspec.Spec{}
		if c != nil {
			j.spec.Task = c.Model.Task()
		}
		text, ok := meta["threshold"]
		switch {
		case ok:
			j.stored = true
			var err error
			if j.spec.Threshold, err = predictionspec.ParseThreshold(text); err != nil {
				return fmt.Errorf("%s: %w", j.path, err)
			}
		case j.spec.Task == task.Multilabel:
			return hint.New(fmt.Errorf("%s: no threshold: there is no %s.yml, and the weights carry none", j.path, j.name),
				"`train --predict-oof` writes it, and `infer import-weights` for weights made elsewhere")
		}
	}
	j.fold.Threshold = j.spec.Threshold
	if len(j.spec.ClassNames) == 0 {
		var err error
		if j.spec.ClassNames, err = parseClassNames(j.path, meta); err != nil {
			return err
		}
	}
	if c != nil {
		if len(j.spec.ClassNames) == 0 && !labeltable.IsClassFile(c.Labels.Classes) {
			j.spec.ClassNames = c.Labels.Classes
		}
		j.spec.Labels = c.Labels
	}
	return nil
}

// warnThresholds warns of members without a threshold file.
func (b *builder) warnThresholds(jobs []*job) {
	stored := map[int]bool{}
	for _, j := range jobs {
		if j.stored {
			stored[j.member] = true
		}
	}
	if n := len(stored); n > 0 {
		b.warn("no threshold file for %s: using the threshold stored in the weights", say.Count(n, "member"))
	}
}
