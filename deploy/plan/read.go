package plan

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/deploy-kernel/deploy-kernel/artifact/modelspec"
	"github.com/deploy-kernel/deploy-kernel/artifact/network"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/internal/say"
	"github.com/deploy-kernel/deploy-kernel/internal/textfile"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/streams"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
	"gopkg.in/yaml.v3"
)

// read opens the weights of j, checks them and sets j.fold and j.model.
func (b *builder) read(ctx context.Context, j *job) error {
	f, err := open(j.path, b.key)
	if err != nil {
		return err
	}
	defer f.Close()
	meta := f.Metadata()
	var errs []error
	c, err := b.config(j, meta)
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
	if j.classes, err = parseClassNames(j.path, meta); err != nil {
		errs = append(errs, err)
	}
	if j.fold.Threshold, err = b.threshold(j, meta); err != nil {
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
	a, err := network.Find(b.options.Archs, c.Model.Arch)
	if err != nil {
		return nil, err
	}
	j.model = c.Ensemble(j.config)
	j.table, j.folds = c.Table, c.Model.NumFolds
	g, err := a.Build(arch.Config{
		InputSize: c.Model.InputSize, Classes: c.Model.NumClasses, Dropout: c.Model.Dropout, Keys: f.Has,
	})
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

// threshold returns the threshold of j, from <model>.yml, which is newer, or from the
// weights.
func (b *builder) threshold(j *job, meta map[string]string) (float64, error) {
	path, ok := b.files.find(j.name+".yml", j.name+".yaml")
	if !ok {
		text, ok := meta["threshold"]
		if !ok {
			return 0, hint.New(fmt.Errorf("%s: no threshold: there is no %s.yml, and the weights carry none", j.path, j.name),
				"`train --predict-oof` writes it, and `infer import-weights` for weights made elsewhere")
		}
		j.stored = true
		return parseThreshold(j.path, text)
	}
	text, err := textfile.Read(path, "a threshold file")
	if err != nil {
		return 0, fmt.Errorf("reading the threshold: %w", err)
	}
	var file struct {
		Threshold yaml.Node `yaml:"threshold"`
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		return 0, fmt.Errorf("%s: %w", path, err)
	}
	if file.Threshold.Kind != yaml.ScalarNode {
		return 0, fmt.Errorf("%s: it has no threshold", path)
	}
	return parseThreshold(fmt.Sprintf("%s:%d:%d", path, file.Threshold.Line, file.Threshold.Column), file.Threshold.Value)
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

func parseThreshold(where, text string) (float64, error) {
	t, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(t) || t < 0 || t > 1 {
		return 0, fmt.Errorf("%s: the threshold %q is not a number from 0 to 1", where, text)
	}
	return t, nil
}
