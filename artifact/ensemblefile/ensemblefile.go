// Package ensemblefile reads and writes ensemble files: YAML lists of models, each
// with the out-of-fold predictions of its folds and its coefficient, called weight.
//
//   - predicts:
//   - level1_train_2b_se_resnext50_f0_e14_0.5975.npy
//   - level1_train_2b_se_resnext50_f1_e19_0.6006.npy
//     weight: 0.143100754915091
//
// A model may also have an offset, which is added to the thresholds of its folds. If
// classes have thresholds of their own, one element of the list is not a model. It
// holds the distance of each from the common threshold:
//
//   - class-offsets:
//     17: 0.0125
//     203: -0.031
//
// Another element names the metric that the ensemble was fitted to, with its
// parameters beta and min-tpr if they are given. Without it, the metric is the f-beta
// or the micro-f-beta of a multilabel ensemble:
//
//   - metric: partial-auc
//     min-tpr: 0.9
//
// The bounds that part neighboring grades, in ascending order, are an element too. They
// belong to the weighted mean of the models' values:
//
//   - grade-bounds: [0.52, 1.47, 2.6]
//
// All these are unknown keys to older readers, which therefore refuse such files.
//
// Reading is strict. Unknown and missing keys, wrong names of predictions, duplicate
// folds and classes, and numbers that are not finite are errors with file, line and
// column. Writing is deterministic.
package ensemblefile

import (
	"bytes"
	"cmp"
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
	"github.com/deploy-kernel/deploy-kernel/metric"
	"gopkg.in/yaml.v3"
)

// Member is one model of an ensemble.
type Member struct {
	// Predicts holds the names of the files of out-of-fold predictions, one per fold.
	Predicts []string `yaml:"predicts"`
	// Coefficient multiplies the predictions of each fold; the file calls it weight.
	Coefficient float64 `yaml:"weight"`
	// Offset is added to the threshold of each fold; 0 is not written.
	Offset float64 `yaml:"offset,omitempty"`
}

// Ensemble is the content of an ensemble file.
type Ensemble struct {
	Members []Member
	// ClassOffsets are added to the thresholds of single classes, for all members.
	// The other classes keep theirs.
	ClassOffsets map[int]float64
	// Metric is the metric that the ensemble was fitted to. An empty name means the
	// default metric of the task. Older files leave out micro-f-beta and beta as well.
	Metric metric.Metric
	// GradeBounds part neighboring grades, in ascending order; nil if there are none.
	GradeBounds []float64
}

// Offsets returns the offset of each of the given number of classes, or nil if there
// are none.
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

// Names returns the parsed names of the member's predictions. It returns no error for
// a member of a file that was read.
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

// ReadFile reads the ensemble file at path.
func ReadFile(path string) (*Ensemble, error) {
	text, err := textfile.Read(path, "an ensemble")
	if err != nil {
		return nil, fmt.Errorf("reading the ensemble: %w", err)
	}
	return Read(path, text)
}

// Read parses an ensemble file. name is the name of the file, for errors.
func Read(name string, data []byte) (*Ensemble, error) {
	if err := textfile.Check(name, "an ensemble", data); err != nil {
		return nil, err
	}
	var doc yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%s: the file is empty; an ensemble is a list of models", name)
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
		return nil, r.errorf(list, "an ensemble is a list of models, each with predicts and weight")
	}
	e := &Ensemble{}
	for _, n := range list.Content {
		if done, err := r.other(e, n); err != nil {
			return nil, err
		} else if done {
			continue
		}
		m, err := r.member(n)
		if err != nil {
			return nil, err
		}
		e.Members = append(e.Members, m)
	}
	if len(e.Members) == 0 {
		return nil, r.errorf(list, "the ensemble has no model; a model has predicts and weight")
	}
	return e, nil
}

// The keys of the elements that are not models.
const (
	classOffsets = "class-offsets"
	metricKey    = "metric"
	betaKey      = "beta"
	minTPRKey    = "min-tpr"
	gradeBounds  = "grade-bounds"
)

// other reads an element that is not a model. It reports whether it was one.
func (r reader) other(e *Ensemble, n *yaml.Node) (done bool, err error) {
	if len(n.Content) < 2 {
		return false, nil
	}
	key, value := n.Content[0], n.Content[1]
	switch {
	case key.Value == metricKey:
		return true, r.metric(e, n)
	case len(n.Content) > 2:
		return false, nil
	case key.Value == classOffsets:
		return true, r.classOffsets(e, key, value)
	case key.Value == gradeBounds:
		return true, r.gradeBounds(e, key, value)
	}
	return false, nil
}

func (r reader) metric(e *Ensemble, n *yaml.Node) error {
	if e.Metric.Name != "" {
		return r.errorf(n.Content[0], "%s: this key appears twice", metricKey)
	}
	for i := 0; i < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		parameter := map[string]*float64{betaKey: &e.Metric.Beta, minTPRKey: &e.Metric.MinTPR}[key.Value]
		switch {
		case i == 0:
			m, err := metric.Parse(value.Value)
			if err != nil || value.Kind != yaml.ScalarNode {
				return r.errorf(value, "%s: unknown metric %q; there are %s", metricKey, textfile.Short(value.Value), strings.Join(metric.Names(), ", "))
			}
			e.Metric = m
		case parameter == nil:
			return r.errorf(key, "unknown key %q (a metric may have %s or %s)", textfile.Short(key.Value), betaKey, minTPRKey)
		case *parameter != 0:
			return r.errorf(key, "the key %q appears twice", key.Value)
		default:
			v, err := r.number(key.Value, value)
			if err != nil {
				return err
			}
			*parameter = v
			if err := e.Metric.CheckParameters(); err != nil || v == 0 {
				return r.errorf(value, "%v", cmp.Or(err, fmt.Errorf("%s: 0 is not allowed", key.Value)))
			}
		}
	}
	return nil
}

func (r reader) gradeBounds(e *Ensemble, key, n *yaml.Node) error {
	if e.GradeBounds != nil {
		return r.errorf(key, "%s: this key appears twice", gradeBounds)
	}
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 || len(n.Content) >= metric.MaxGrades {
		return r.errorf(n, "%s: the value must be a list of 1 to %d numbers", gradeBounds, metric.MaxGrades-1)
	}
	for i, item := range n.Content {
		b, err := r.number(gradeBounds, item)
		if err != nil {
			return err
		}
		if i > 0 && b < e.GradeBounds[i-1] {
			return r.errorf(item, "%s: %s is below the bound before it", gradeBounds, item.Value)
		}
		e.GradeBounds = append(e.GradeBounds, b)
	}
	return nil
}

func (r reader) classOffsets(e *Ensemble, key, n *yaml.Node) error {
	if e.ClassOffsets != nil {
		return r.errorf(key, "%s: this key appears twice", classOffsets)
	}
	if n.Kind != yaml.MappingNode || len(n.Content) == 0 {
		return r.errorf(n, "%s: the value must be a list of class: offset", classOffsets)
	}
	e.ClassOffsets = map[int]float64{}
	for i := 0; i < len(n.Content); i += 2 {
		class, err := strconv.ParseUint(n.Content[i].Value, 10, 31)
		if err != nil {
			return r.errorf(n.Content[i], "%s: %q is not the number of a class", classOffsets, textfile.Short(n.Content[i].Value))
		}
		if _, ok := e.ClassOffsets[int(class)]; ok {
			return r.errorf(n.Content[i], "%s: class %d appears twice", classOffsets, class)
		}
		if e.ClassOffsets[int(class)], err = r.number(classOffsets, n.Content[i+1]); err != nil {
			return err
		}
	}
	return nil
}

// reader is the state of parsing one file.
type reader struct {
	name string
	seen map[string]bool // predictions that came before
}

func (r reader) errorf(n *yaml.Node, format string, args ...any) error {
	return fmt.Errorf("%s:%d:%d: %s", r.name, n.Line, n.Column, fmt.Sprintf(format, args...))
}

func (r reader) member(n *yaml.Node) (Member, error) {
	var m Member
	if n.Kind != yaml.MappingNode {
		return m, r.errorf(n, "a model must have the keys predicts and weight")
	}
	found := map[string]bool{}
	for i := 0; i < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if found[key.Value] {
			return m, r.errorf(key, "the key %q appears twice", textfile.Short(key.Value))
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
		return nil, r.errorf(n, "predicts: the value must be a list of level1_train_*.npy names")
	}
	var out []string
	folds := map[int]bool{}
	config := ""
	for _, item := range n.Content {
		if item.Kind != yaml.ScalarNode {
			return nil, r.errorf(item, "predicts: the value must be a file name")
		}
		p, err := ParseName(item.Value)
		switch {
		case err != nil:
			return nil, r.errorf(item, "%v", err)
		case config != "" && p.Config != config:
			return nil, r.errorf(item, "%s belongs to %s, the names above to %s; a model has one config", item.Value, p.Config, config)
		case folds[p.Fold]:
			return nil, r.errorf(item, "fold %d of %s appears twice", p.Fold, p.Config)
		case r.seen[p.Model()]:
			return nil, r.errorf(item, "%s is already in another model", item.Value)
		}
		config, folds[p.Fold], r.seen[p.Model()] = p.Config, true, true
		out = append(out, path.Base(item.Value))
	}
	return out, nil
}

// Write writes an ensemble in the form that Read parses. It returns an error if Read
// would refuse it.
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
	if len(e.GradeBounds) > 0 {
		var texts []string
		for _, bound := range e.GradeBounds {
			texts = append(texts, decimal(bound))
		}
		fmt.Fprintf(&b, "- %s: [%s]\n", gradeBounds, strings.Join(texts, ", "))
	}
	if m := e.Metric; m.Name != "" {
		fmt.Fprintf(&b, "- %s: %s\n", metricKey, m.Name)
		if m.Beta != 0 {
			fmt.Fprintf(&b, "  %s: %s\n", betaKey, decimal(m.Beta))
		}
		if m.MinTPR != 0 {
			fmt.Fprintf(&b, "  %s: %s\n", minTPRKey, decimal(m.MinTPR))
		}
	}
	if _, err := Read("ensemble", b.Bytes()); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes())
	return err
}

// decimal returns the shortest decimal number that parses as v.
func decimal(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
