package config

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/internal/yamlfile"
	"gopkg.in/yaml.v3"
)

// Set changes one value: "train.batch_size=8". The value is YAML. A new name of an
// optimizer, schedule or loss drops the parameters that it does not take. If the name
// needs others, give all at once: "scheduler={name: step, params: {step_size: 3}}".
// After an error the config is unchanged.
func (c *Config) Set(assignment string) error { return c.set(assignment, true) }

// set is Set; without check, it leaves the checks to the caller.
func (c *Config) set(text string, check bool) error {
	a, err := parseAssignment(text)
	if err != nil {
		return err
	}
	var root yaml.Node
	if err := root.Encode(c); err != nil {
		return fmt.Errorf("setting %s: %w", text, err)
	}
	a.put(&root)
	if c.Loss.Name == defaultLoss(c.Model.Task()) && len(a.path) > 1 && a.path[1] == "task" {
		dropKey(&root, "loss") // another task has another default
	}
	d := decoder(a.name())
	next := Default()
	err = d.Decode(&root, next)
	if err == nil && check {
		err = next.check(d)
	}
	if err != nil {
		if e := new(yamlfile.Error); errors.As(err, &e) {
			e.Line = 0 // places in the encoded config mean nothing to the user
		}
		return err
	}
	*c = *next
	return nil
}

// assignment is a parsed "key=value".
type assignment struct {
	text  string
	path  []string
	value *yaml.Node
}

// name returns what errors call the assignment.
func (a *assignment) name() string { return "--set " + a.text }

func parseAssignment(text string) (*assignment, error) {
	a := &assignment{text: text, value: &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str"}}
	key, value, ok := strings.Cut(text, "=")
	if !ok {
		return nil, &yamlfile.Error{File: a.name(), Message: "the form is key=value"}
	}
	a.path = strings.Split(strings.TrimSpace(key), ".")
	if err := known(a.name(), a.path); err != nil {
		return nil, err
	}
	if strings.TrimSpace(value) == "" {
		return a, nil
	}
	var err error
	a.value, err = yamlfile.Document(a.name(), "config", []byte(value))
	return a, err
}

// known refuses a path that names no key.
func known(file string, path []string) error {
	t := reflect.TypeFor[Config]()
	for i, part := range path {
		where := strings.Join(path[:i], ".")
		if t.Kind() != reflect.Struct {
			return &yamlfile.Error{File: file, Message: fmt.Sprintf("%s is a value and has no key %q", where, part)}
		}
		field, ok := yamlfile.Field(reflect.New(t).Elem(), part)
		if !ok {
			return &yamlfile.Error{File: file, Message: yamlfile.Unknown("key", part, where, yamlfile.Keys(t))}
		}
		t = field.Type()
	}
	return nil
}

// put sets the value in the tree of a config. It makes sections that are missing or
// empty.
func (a *assignment) put(n *yaml.Node) {
	for i, part := range a.path {
		if i == len(a.path)-1 {
			if part == "name" {
				dropParams(n, a.value.Value)
			}
			setKey(n, part, a.value)
			return
		}
		child := section(yamlfile.Find(n, part))
		setKey(n, part, child)
		n = child
	}
}

// section returns n if it is a mapping, a copy of the mapping that it is an alias
// of, or else an empty mapping.
func section(n *yaml.Node) *yaml.Node {
	switch {
	case n == nil:
	case n.Kind == yaml.MappingNode:
		return n
	case n.Kind == yaml.AliasNode:
		m := *section(n.Alias)
		m.Content = slices.Clone(m.Content)
		return &m
	}
	return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
}

func setKey(n *yaml.Node, key string, value *yaml.Node) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			n.Content[i+1] = value
			return
		}
	}
	n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}, value)
}

func dropKey(n *yaml.Node, key string) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			n.Content = slices.Delete(n.Content, i, i+2)
			return
		}
	}
}

// dropParams removes the parameters that the new name of a section does not take.
func dropParams(section *yaml.Node, name string) {
	params := yamlfile.Find(section, "params")
	if params == nil {
		return
	}
	var allowed []string
	for _, table := range []map[string][]string{optimizerParams, schedulerParams, lossParams} {
		allowed = append(allowed, table[name]...)
	}
	var kept []*yaml.Node
	for i := 0; i+1 < len(params.Content); i += 2 {
		if slices.Contains(allowed, params.Content[i].Value) {
			kept = append(kept, params.Content[i], params.Content[i+1])
		}
	}
	params.Content = kept
}

// Marshal returns the config as YAML, defaults included. Parse reads it back to an
// equal config.
func (c *Config) Marshal() ([]byte, error) {
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(c); err != nil {
		return nil, fmt.Errorf("writing the config: %w", err)
	}
	return b.Bytes(), nil
}

// MarshalYAML writes only the parameters that the name takes.
func (o Optimizer) MarshalYAML() (any, error) {
	return named(o.Name, o.Params, optimizerParams[o.Name])
}

// MarshalYAML writes only the parameters that the name takes.
func (s Scheduler) MarshalYAML() (any, error) {
	return named(s.Name, s.Params, schedulerParams[s.Name])
}

// MarshalYAML writes only the parameters that the name takes.
func (l Loss) MarshalYAML() (any, error) { return named(l.Name, l.Params, lossParams[l.Name]) }

// named returns the section {name, params} with the parameters of these keys.
func named(name string, params any, keys []string) (*yaml.Node, error) {
	var n, all yaml.Node
	if err := all.Encode(params); err != nil {
		return nil, err
	}
	if err := n.Encode(struct {
		Name string `yaml:"name"`
	}{name}); err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		return &n, nil
	}
	chosen := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	for i := 0; i+1 < len(all.Content); i += 2 {
		if slices.Contains(keys, all.Content[i].Value) {
			chosen.Content = append(chosen.Content, all.Content[i], all.Content[i+1])
		}
	}
	if len(chosen.Content) > 0 {
		setKey(&n, "params", chosen)
	}
	return &n, nil
}
