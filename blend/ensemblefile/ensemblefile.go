// Package ensemblefile reads and writes ensemble files: YAML lists of models,
// each with the out-of-fold predictions of its folds and its weight.
//
//   - predicts:
//   - level1_train_2b_se_resnext50_f0_e14_0.5975.npy
//   - level1_train_2b_se_resnext50_f1_e19_0.6006.npy
//     weight: 0.143100754915091
//
// A model may also have an offset, by which the thresholds of its folds are
// raised.
//
// Reading is strict: unknown keys, missing keys, names that are no
// predictions, doubled folds and weights that are no finite numbers are errors
// with file, line and column. Writing gives the same bytes for the same list.
package ensemblefile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"strconv"

	"gopkg.in/yaml.v3"
)

// Member is one model of an ensemble.
type Member struct {
	// Predicts are the names of the out-of-fold prediction files, one a fold.
	Predicts []string `yaml:"predicts"`
	// Weight is the coefficient of each of them.
	Weight float64 `yaml:"weight"`
	// Offset is added to the threshold of each of them; 0 is not written.
	Offset float64 `yaml:"offset,omitempty"`
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
func Read(name string, data []byte) ([]Member, error) {
	var doc yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%s: the file is empty; a list of models is needed", name)
		}
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	r := reader{name: name, seen: map[string]bool{}}
	list := doc.Content[0]
	if list.Kind != yaml.SequenceNode || len(list.Content) == 0 {
		return nil, r.errorf(list, "a list of models is needed, each with predicts and weight")
	}
	var members []Member
	for _, n := range list.Content {
		m, err := r.member(n)
		if err != nil {
			return nil, err
		}
		members = append(members, m)
	}
	return members, nil
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
			return m, r.errorf(key, "the key %q is there twice", key.Value)
		}
		found[key.Value] = true
		var err error
		switch key.Value {
		case "predicts":
			m.Predicts, err = r.predicts(value)
		case "weight":
			m.Weight, err = r.number(key.Value, value)
		case "offset":
			m.Offset, err = r.number(key.Value, value)
		default:
			err = r.errorf(key, "unknown key %q (a model has predicts, weight and maybe offset)", key.Value)
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
		return 0, r.errorf(n, "%s: %q is not a finite number", key, n.Value)
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

// Write writes the list in the form that Read takes.
func Write(w io.Writer, members []Member) error {
	var b bytes.Buffer
	for _, m := range members {
		b.WriteString("- predicts:\n")
		for _, p := range m.Predicts {
			fmt.Fprintf(&b, "  - %s\n", p)
		}
		fmt.Fprintf(&b, "  weight: %s\n", strconv.FormatFloat(m.Weight, 'g', -1, 64))
		if m.Offset != 0 {
			fmt.Fprintf(&b, "  offset: %s\n", strconv.FormatFloat(m.Offset, 'g', -1, 64))
		}
	}
	if _, err := Read("ensemble", b.Bytes()); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes())
	return err
}
