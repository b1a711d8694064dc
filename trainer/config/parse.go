package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"

	"github.com/deploy-kernel/deploy-kernel/internal/textfile"
	"gopkg.in/yaml.v3"
)

// ReadFile parses the file at path.
func ReadFile(path string) (*Config, []Warning, error) {
	data, err := textfile.Read(path, "a config")
	if err != nil {
		return nil, nil, fmt.Errorf("reading the config: %w", err)
	}
	return Parse(path, data)
}

// Parse reads a config and then makes the assignments, as [Config.Set] does; they
// may give what the text lacks. name is what errors call the text. The result
// has passed all checks.
func Parse(name string, data []byte, assignments ...string) (*Config, []Warning, error) {
	root, err := document(name, data)
	if err != nil {
		return nil, nil, err
	}
	d := &decoder{file: name, at: map[string]*yaml.Node{}}
	if err := refuseOthers(d, root); err != nil {
		return nil, nil, err
	}
	c := Default()
	if err := d.decode(root, reflect.ValueOf(c).Elem(), ""); err != nil {
		return nil, nil, err
	}
	wrong := c.check(d)
	for _, s := range assignments {
		if err := c.set(s, wrong == nil); err != nil {
			return nil, nil, err
		}
	}
	if wrong == nil {
		return c, d.warnings, nil
	}
	if c, err = mended(name, root, assignments); err != nil {
		return nil, nil, err
	}
	return c, d.warnings, nil
}

// mended returns the config of a text that fails the checks on its own, with the
// assignments put into the text: there, keys that are given differ from those that
// have a default.
func mended(name string, root *yaml.Node, assignments []string) (*Config, error) {
	root = section(root)
	for _, text := range assignments {
		a, err := parseAssignment(text)
		if err != nil {
			return nil, err
		}
		a.value.Line = 0 // it has no place in the text
		a.put(root)
	}
	c, d := Default(), &decoder{file: name, at: map[string]*yaml.Node{}}
	if err := d.decode(root, reflect.ValueOf(c).Elem(), ""); err != nil {
		return nil, err
	}
	return c, c.check(d)
}

// document returns the top node of the one document in data.
func document(name string, data []byte) (*yaml.Node, error) {
	if err := textfile.Check(name, "a config", data); err != nil {
		return nil, err
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, &Error{File: name, Message: "the config is empty"}
	case err != nil:
		return nil, syntaxError(name, data, err)
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, &Error{File: name, Message: "there is more than one YAML document"}
	}
	if len(doc.Content) != 1 {
		return nil, &Error{File: name, Message: "the config is empty"}
	}
	return doc.Content[0], nil
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
