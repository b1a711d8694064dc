package config

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Set changes one value: "train.batch_size=8". The value is YAML. A new name of
// an optimiser, schedule or loss drops the parameters that don't go with it;
// where it needs others, give all at once: "scheduler={name: step, params:
// {step_size: 3}}". After an error the config is unchanged.
func (c *Config) Set(assignment string) error { return c.set(assignment, true) }

// set is Set, which may leave the checks to the caller.
func (c *Config) set(assignment string, check bool) error {
	file := "--set " + assignment
	key, text, ok := strings.Cut(assignment, "=")
	if !ok {
		return &Error{File: file, Message: "the form is key=value"}
	}
	path := strings.Split(strings.TrimSpace(key), ".")
	if err := known(file, path); err != nil {
		return err
	}
	value := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str"}
	if strings.TrimSpace(text) != "" {
		var err error
		if value, err = document(file, []byte(text)); err != nil {
			return err
		}
	}
	var root yaml.Node
	if err := root.Encode(c); err != nil {
		return fmt.Errorf("setting %s: %w", assignment, err)
	}
	put(&root, path, value)
	d := &decoder{file: file, at: map[string]*yaml.Node{}}
	next := Default()
	err := d.decode(&root, reflect.ValueOf(next).Elem(), "")
	if err == nil && check {
		err = next.check(d)
	}
	if err != nil {
		if e := new(Error); errors.As(err, &e) {
			e.Line = 0 // places in the config as it would be mean nothing
		}
		return err
	}
	*c = *next
	return nil
}

// known refuses a path that names no key.
func known(file string, path []string) error {
	t := reflect.TypeFor[Config]()
	for i, part := range path {
		where := strings.Join(path[:i], ".")
		if t.Kind() != reflect.Struct {
			return &Error{File: file, Message: fmt.Sprintf("%s is a value and has no key %q", where, part)}
		}
		field, ok := fieldOf(reflect.New(t).Elem(), part)
		if !ok {
			return &Error{File: file, Message: unknown("key", part, where, keysOf(t))}
		}
		t = field.Type()
	}
	return nil
}

// put sets the value at a path of mappings, which are made where they lack.
func put(n *yaml.Node, path []string, value *yaml.Node) {
	for i, part := range path {
		if i == len(path)-1 {
			if part == "name" {
				dropParams(n, value.Value)
			}
			setKey(n, part, value)
			return
		}
		child := find(n, part)
		if child == nil {
			child = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
			setKey(n, part, child)
		}
		n = child
	}
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

// dropParams removes the parameters that don't go with a new name.
func dropParams(section *yaml.Node, name string) {
	params := find(section, "params")
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

// Marshal returns the config as YAML that Parse reads back to the same.
func (c *Config) Marshal() ([]byte, error) {
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(c); err != nil {
		return nil, fmt.Errorf("writing the config: %w", err)
	}
	return b.Bytes(), nil
}

// MarshalYAML writes only the parameters that go with the name.
func (o Optimizer) MarshalYAML() (any, error) {
	return named(o.Name, o.Params, optimizerParams[o.Name])
}

// MarshalYAML writes only the parameters that go with the name.
func (s Scheduler) MarshalYAML() (any, error) {
	return named(s.Name, s.Params, schedulerParams[s.Name])
}

// MarshalYAML writes only the parameters that go with the name.
func (l Loss) MarshalYAML() (any, error) { return named(l.Name, l.Params, lossParams[l.Name]) }

// named is a section {name, params} with some of the parameters.
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
	setKey(&n, "params", chosen)
	return &n, nil
}
