package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"

	"gopkg.in/yaml.v3"
)

// ReadFile parses the file at path.
func ReadFile(path string) (*Config, []Warning, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the config: %w", err)
	}
	return Parse(path, data)
}

// Parse reads a config; name is what errors call it. The result has passed all
// checks.
func Parse(name string, data []byte) (*Config, []Warning, error) {
	root, err := document(name, data)
	if err != nil {
		return nil, nil, err
	}
	d := &decoder{file: name, at: map[string]*yaml.Node{}}
	if err := refuseSecondLevel(d, root); err != nil {
		return nil, nil, err
	}
	c, err := d.config(root)
	return c, d.warnings, err
}

// config decodes and checks a whole config.
func (d *decoder) config(root *yaml.Node) (*Config, error) {
	c := Default()
	if err := d.decode(root, reflect.ValueOf(c).Elem(), ""); err != nil {
		return nil, err
	}
	if err := c.check(d); err != nil {
		return nil, err
	}
	return c, nil
}

// document returns the top node of the one document in data.
func document(name string, data []byte) (*yaml.Node, error) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, &Error{File: name, Message: "the config is empty"}
	case err != nil:
		return nil, &Error{File: name, Message: strings.TrimPrefix(err.Error(), "yaml: ")}
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, &Error{File: name, Message: "there is more than one YAML document"}
	}
	if len(doc.Content) != 1 {
		return nil, &Error{File: name, Message: "the config is empty"}
	}
	return doc.Content[0], nil
}

// refuseSecondLevel tells of models that train on predictions, before their
// keys are called unknown.
func refuseSecondLevel(d *decoder, root *yaml.Node) error {
	data := find(root, "data")
	if inputs := find(data, "inputs"); inputs != nil {
		return d.errorf(inputs, "this is the config of a second-level model, which trains on the predictions of others; only models that train on images are supported (blend combines predictions)")
	}
	return nil
}

// find returns the value of a key, nil where there is none.
func find(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}
