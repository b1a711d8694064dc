// Package ensemblefile reads and writes ensemble files: YAML lists of models,
// each with the out-of-fold predictions of its folds and its weight.
//
//   - predicts:
//   - level1_train_2b_se_resnext50_f0_e14_0.5975.npy
//   - level1_train_2b_se_resnext50_f1_e19_0.6006.npy
//     weight: 0.143100754915091
//
// A model may also have an offset, by which the thresholds of its folds are
// raised. Where classes have thresholds of their own, one element of the list is
// not a model but says by how much they are raised:
//
//   - class-offsets:
//     17: 0.0125
//     203: -0.031
//
// Another element names the metric that the weights were found for, where it is not
// one of submissions of labels (f-beta, micro-f-beta):
//
//   - metric: accuracy
//
// Readers that know nothing of these refuse such a file: they are unknown keys.
//
// Reading is strict: unknown keys, missing keys, names that are no
// predictions, doubled folds and classes, and weights and offsets that are no
// finite numbers are errors with file, line and column. Writing gives the same
// bytes for the same ensemble.
package ensemblefile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/internal/textfile"
	"gopkg.in/yaml.v3"
)

// Member is one model of an ensemble.
type Member struct {
	// Predicts are the names of the out-of-fold prediction files, one a fold.
	Predicts []string `yaml:"predicts"`
	// Coefficient multiplies each of them; the file calls it weight.
	Coefficient float64 `yaml:"weight"`
	// Offset is added to the threshold of each of them; 0 is not written.
	Offset float64 `yaml:"offset,omitempty"`
}

// Ensemble is what a file holds.
type Ensemble struct {
	Members []Member
	// ClassOffsets are added to the thresholds of single classes, of all members;
	// those of the other classes stay as they are.
	ClassOffsets map[int]float64
	// Metric is the one that the weights were found for; "" is FBeta or MicroFBeta.
	Metric string
}

// The metrics that weights are found for.
const (
	FBeta      = "f-beta"
	MicroFBeta = "micro-f-beta"
	Accuracy   = "accuracy"
	LogLoss    = "log-loss"
)

// Metrics lists the names of the metrics.
func Metrics() []string { return []string{FBeta, MicroFBeta, Accuracy, LogLoss} }

// OfLabels reports whether the metric scores what a submission of labels has: every
// class above its threshold.
func (e *Ensemble) OfLabels() bool {
	return e.Metric == "" || e.Metric == FBeta || e.Metric == MicroFBeta
}

// Offsets returns the offset of each of so many classes, nil where none has one.
func (e *Ensemble) Offsets(classes int) ([]float64, error) {
	if len(e.ClassOffsets) == 0 {
		return nil, nil
	}
	offsets := make([]float64, classes)
	for _, class := range slices.Sorted(maps.Keys(e.ClassOffsets)) {
		if class < 0 || class >= classes {
			return nil, fmt.Errorf("class-offsets: class %d, but there are %d (0 to %d)", class, classes, classes-1)
		}
		offsets[class] = e.ClassOffsets[class]
	}
	return offsets, nil
}

// Names returns the members' prediction names, parsed. Files that were read
// have names that parse.
func (m Member) Names() ([]Name, error) {
	names := make([]Name, len(m.Predicts))
	for i, p := range m.Predicts {
		n, err := ParseName(p)
		if err != nil {
			return nil, err
		}
		names[i] = n
	}
	return names, nil
}

// Read parses an ensemble file; name is the file's name, for errors.
func Read(name string, data []byte) (*Ensemble, error) {
	if err := textfile.Check(name, "an ensemble", data); err != nil {
		return nil, err
	}
	var doc yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%s: the file is empty; a list of models is needed", name)
		}
		return nil, fmt.Errorf("%s: this is no YAML: %s", name, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	r := reader{name: name, seen: map[string]bool{}}
	list := doc.Content[0]
	if list.Kind == yaml.MappingNode && len(list.Content) > 0 {
		switch list.Content[0].Value {
		case "model", "data", "train":
			return nil, fmt.Errorf("%s: this is the config of a training; an ensemble is a list of models, each with predicts and weight", name)
		case "threshold":
			return nil, fmt.Errorf("%s: this is the threshold file of a model; an ensemble is a list of models, each with predicts and weight", name)
		}
	}
	if list.Kind != yaml.SequenceNode || len(list.Content) == 0 {
		return nil, r.errorf(list, "a list of models is needed, each with predicts and weight")
	}
	e := &Ensemble{}
	for _, n := range list.Content {
		if len(n.Content) == 2 && n.Content[0].Value == classOffsets {
			if err := r.classOffsets(e, n.Content[0], n.Content[1]); err != nil {
				return nil, err
			}
			continue
		}
		if len(n.Content) == 2 && n.Content[0].Value == metricKey {
			if err := r.metric(e, n.Content[0], n.Content[1]); err != nil {
				return nil, err
			}
			continue
		}
		m, err := r.member(n)
		if err != nil {
			return nil, err
		}
		e.Members = append(e.Members, m)
	}
	if len(e.Members) == 0 {
		return nil, r.errorf(list, "a model is needed, with predicts and weight")
	}
	return e, nil
}

// The keys of the elements that are not models.
const (
	classOffsets = "class-offsets"
	metricKey    = "metric"
)

func (r reader) metric(e *Ensemble, key, n *yaml.Node) error {
	switch {
	case e.Metric != "":
		return r.errorf(key, "%s: it is there twice", metricKey)
	case n.Kind != yaml.ScalarNode || !slices.Contains(Metrics(), n.Value):
		return r.errorf(n, "%s: unknown metric %q; there are %s", metricKey, n.Value, strings.Join(Metrics(), ", "))
	}
	e.Metric = n.Value
	return nil
}

func (r reader) classOffsets(e *Ensemble, key, n *yaml.Node) error {
	if e.ClassOffsets != nil {
		return r.errorf(key, "%s: they are there twice", classOffsets)
	}
	if n.Kind != yaml.MappingNode || len(n.Content) == 0 {
		return r.errorf(n, "%s: a list of class: offset is needed", classOffsets)
	}
	e.ClassOffsets = map[int]float64{}
	for i := 0; i < len(n.Content); i += 2 {
		class, err := strconv.ParseUint(n.Content[i].Value, 10, 31)
		if err != nil {
			return r.errorf(n.Content[i], "%s: %q is not the number of a class", classOffsets, textfile.Short(n.Content[i].Value))
		}
		if _, ok := e.ClassOffsets[int(class)]; ok {
			return r.errorf(n.Content[i], "%s: class %d is there twice", classOffsets, class)
		}
		if e.ClassOffsets[int(class)], err = r.number(classOffsets, n.Content[i+1]); err != nil {
			return err
		}
	}
	return nil
}

// reader is what the parsing of one file shares.
type reader struct {
	name string
	seen map[string]bool // predictions named so far
}

func (r reader) errorf(n *yaml.Node, format string, args ...any) error {
	return fmt.Errorf("%s:%d:%d: %s", r.name, n.Line, n.Column, fmt.Sprintf(format, args...))
}

func (r reader) member(n *yaml.Node) (Member, error) {
	var m Member
	if n.Kind != yaml.MappingNode {
		return m, r.errorf(n, "a model needs the keys predicts and weight")
	}
	found := map[string]bool{}
	for i := 0; i < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if found[key.Value] {
			return m, r.errorf(key, "the key %q is there twice", textfile.Short(key.Value))
		}
		found[key.Value] = true
		var err error
		switch key.Value {
		case "predicts":
			m.Predicts, err = r.predicts(value)
		case "weight":
			m.Coefficient, err = r.number(key.Value, value)
		case "offset":
			m.Offset, err = r.number(key.Value, value)
		default:
			err = r.errorf(key, "unknown key %q (a model has predicts, weight and maybe offset)", textfile.Short(key.Value))
		}
		if err != nil {
			return m, err
		}
	}
	for _, key := range []string{"predicts", "weight"} {
		if !found[key] {
			return m, r.errorf(n, "the key %q is missing", key)
		}
	}
	return m, nil
}

func (r reader) number(key string, n *yaml.Node) (float64, error) {
	v, err := strconv.ParseFloat(n.Value, 64)
	if n.Kind != yaml.ScalarNode || err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, r.errorf(n, "%s: %q is not a finite number", key, textfile.Short(n.Value))
	}
	return v, nil
}

func (r reader) predicts(n *yaml.Node) ([]string, error) {
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		return nil, r.errorf(n, "predicts: a list of level1_train_*.npy names is needed")
	}
	var out []string
	folds := map[int]bool{}
	config := ""
	for _, item := range n.Content {
		if item.Kind != yaml.ScalarNode {
			return nil, r.errorf(item, "predicts: a file name is needed")
		}
		p, err := ParseName(item.Value)
		switch {
		case err != nil:
			return nil, r.errorf(item, "%v", err)
		case config != "" && p.Config != config:
			return nil, r.errorf(item, "%s is of %s, the ones above of %s: a model has one config", item.Value, p.Config, config)
		case folds[p.Fold]:
			return nil, r.errorf(item, "fold %d of %s is there twice", p.Fold, p.Config)
		case r.seen[p.Model()]:
			return nil, r.errorf(item, "%s is already in another model", item.Value)
		}
		config, folds[p.Fold], r.seen[p.Model()] = p.Config, true, true
		out = append(out, path.Base(item.Value))
	}
	return out, nil
}

// Write writes the ensemble in the form that Read takes.
func Write(w io.Writer, e *Ensemble) error {
	var b bytes.Buffer
	for _, m := range e.Members {
		b.WriteString("- predicts:\n")
		for _, p := range m.Predicts {
			fmt.Fprintf(&b, "  - %s\n", p)
		}
		fmt.Fprintf(&b, "  weight: %s\n", decimal(m.Coefficient))
		if m.Offset != 0 {
			fmt.Fprintf(&b, "  offset: %s\n", decimal(m.Offset))
		}
	}
	if len(e.ClassOffsets) > 0 {
		fmt.Fprintf(&b, "- %s:\n", classOffsets)
	}
	for _, class := range slices.Sorted(maps.Keys(e.ClassOffsets)) {
		fmt.Fprintf(&b, "    %d: %s\n", class, decimal(e.ClassOffsets[class]))
	}
	if !e.OfLabels() {
		fmt.Fprintf(&b, "- %s: %s\n", metricKey, e.Metric)
	}
	if _, err := Read("ensemble", b.Bytes()); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes())
	return err
}

// decimal is the shortest that reads back as the same bits.
func decimal(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
