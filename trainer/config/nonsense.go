package config

import (
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// refuseOthers refuses YAML files of other kinds by name, before their keys are
// reported as unknown.
func refuseOthers(d *decoder, root *yaml.Node) error {
	switch {
	case root.Kind == yaml.SequenceNode && len(root.Content) > 0 && find(root.Content[0], "predicts") != nil:
		return d.whole("this is an ensemble file, not the config of a training")
	case root.Kind == yaml.SequenceNode:
		return d.whole("this is a list, not a config: a config has the sections " + sections())
	case root.Kind == yaml.ScalarNode && root.Tag != "!!null":
		return d.whole("this is no config: a config has the sections " + sections())
	case find(root, "threshold") != nil && find(root, "model") == nil:
		return d.whole("this is the threshold file of a model, not a config")
	}
	if inputs := find(find(root, "data"), "inputs"); inputs != nil {
		return d.errorf(inputs, "this is the config of a second-level model, which trains on the predictions of others; only models that train on images are supported (blend combines predictions)")
	}
	return nil
}

// whole is an error of a file, not of a place in it.
func (d *decoder) whole(message string) error { return &Error{File: d.file, Message: message} }

func sections() string { return strings.Join(Keys(""), ", ") }

// yamlLine finds the line in an error of the YAML package.
var yamlLine = regexp.MustCompile(`^(?:yaml: )?line (\d+): (.*)$`)

// syntaxError returns the place and the cause of a YAML error.
func syntaxError(name string, data []byte, err error) error {
	e := &Error{File: name, Message: strings.TrimPrefix(err.Error(), "yaml: ")}
	m := yamlLine.FindStringSubmatch(err.Error())
	if m == nil {
		e.Message = "this is no YAML: " + e.Message
		return e
	}
	e.Line, _ = strconv.Atoi(m[1]) // the pattern matches digits only
	e.Message = "this is no YAML: " + m[2]
	lines := strings.Split(string(data), "\n")
	for n := max(e.Line-1, 1); n <= min(e.Line+1, len(lines)); n++ {
		if strings.HasPrefix(strings.TrimLeft(lines[n-1], " "), "\t") {
			e.Line, e.Message = n, "the line begins with a tab; YAML wants spaces"
			break
		}
	}
	return e
}
