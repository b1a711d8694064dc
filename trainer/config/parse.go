package config

import (
	"fmt"

	"github.com/deploy-kernel/deploy-kernel/artifact/modelspec"
	"github.com/deploy-kernel/deploy-kernel/internal/textfile"
	"github.com/deploy-kernel/deploy-kernel/internal/yamlfile"
	"gopkg.in/yaml.v3"
)

// ReadFile parses the file at path.
func ReadFile(path string) (*Config, []yamlfile.Warning, error) {
	data, err := textfile.Read(path, "a config")
	if err != nil {
		return nil, nil, fmt.Errorf("reading the config: %w", err)
	}
	return Parse(path, data)
}

// Parse reads a config, then makes the assignments as [Config.Set] does. They may give
// keys that the text lacks. name is what errors call the text. The result has passed
// all checks.
func Parse(name string, data []byte, assignments ...string) (*Config, []yamlfile.Warning, error) {
	root, err := modelspec.Document(name, data)
	if err != nil {
		return nil, nil, err
	}
	d := decoder(name)
	c := Default()
	if err := d.Decode(root, c); err != nil {
		return nil, nil, err
	}
	wrong := c.check(d)
	for _, s := range assignments {
		if err := c.set(s, wrong == nil); err != nil {
			return nil, nil, err
		}
	}
	if wrong == nil {
		return c, d.Warnings, nil
	}
	if c, err = mended(name, root, assignments); err != nil {
		return nil, nil, err
	}
	return c, d.Warnings, nil
}

// mended returns the config of a text that fails the checks on its own. It puts the
// assignments into the text, because only a text shows which keys are given and which
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
	c, d := Default(), decoder(name)
	if err := d.Decode(root, c); err != nil {
		return nil, err
	}
	return c, c.check(d)
}

// decoder returns a decoder for the config that errors call name.
func decoder(name string) *yamlfile.Decoder {
	d := yamlfile.NewDecoder(name)
	d.Ignored = ignored
	return d
}
