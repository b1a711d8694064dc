package modelspec

import (
	"reflect"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/internal/yamlfile"
	"gopkg.in/yaml.v3"
)

// Document returns the top node of a config. It refuses YAML files of other kinds by
// name, before their keys are reported as unknown.
func Document(name string, data []byte) (*yaml.Node, error) {
	root, err := yamlfile.Document(name, "config", data)
	if err != nil {
		return nil, err
	}
	d := yamlfile.NewDecoder(name)
	switch {
	case root.Kind == yaml.SequenceNode && len(root.Content) > 0 && yamlfile.Find(root.Content[0], "predicts") != nil:
		return nil, d.FileErrorf("this is an ensemble file, not the config of a training")
	case root.Kind == yaml.SequenceNode:
		return nil, d.FileErrorf("this is a list, not a config: a config has the sections %s", sections())
	case root.Kind == yaml.ScalarNode && root.Tag != "!!null":
		return nil, d.FileErrorf("this is no config: a config has the sections %s", sections())
	case yamlfile.Find(root, "threshold") != nil && yamlfile.Find(root, "model") == nil:
		return nil, d.FileErrorf("this is the threshold file of a model, not a config")
	}
	if inputs := yamlfile.Find(yamlfile.Find(root, "data"), "inputs"); inputs != nil {
		return nil, d.Errorf(inputs, "this is the config of a second-level model, which trains on the predictions of others; only models that train on images are supported (blend combines predictions)")
	}
	return root, nil
}

func sections() string { return strings.Join(yamlfile.Keys(reflect.TypeFor[file]()), ", ") }
