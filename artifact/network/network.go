// Package network builds the network that a file of weights belongs to.
//
//	g, a, err := network.Of(file, network.Choice{})
//
// Weights of an imported network hold its graph. For others, the caller or the
// metadata of the file gives the architecture and the input size.
// The shape of the last layer gives the number of classes. Without a known
// architecture, Of takes the one that the names and shapes match. It refuses weights
// that match none or several.
package network

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/artifact/modelspec"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/internal/nearest"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

// Source is an open file of weights.
type Source interface {
	Metadata() map[string]string
	Infos() []weights.Info
}

// Choice is what the caller knows about the network. A zero field leaves it to the
// file.
type Choice struct {
	Arch      string
	InputSize int
}

// ErrInputSize is returned when neither the file nor the caller gives the input size.
var ErrInputSize = errors.New("the weights don't tell the size of the network's input")

// Of builds the network and checks that the weights match it.
func Of(f Source, c Choice) (*nn.Graph, arch.Arch, error) {
	infos := f.Infos()
	metadata := f.Metadata()
	if a, ok, err := Imported(metadata); ok || err != nil {
		if err != nil {
			return nil, a, err
		}
		return imported(a, metadata, infos, c)
	}
	if c.InputSize == 0 {
		n, err := strconv.Atoi(metadata["input_size"])
		if err != nil || n < 1 {
			return nil, arch.Arch{}, ErrInputSize
		}
		c.InputSize = n
	}
	if _, err := Find(arch.All(), metadata["arch"]); c.Arch == "" && (err == nil || metadata["format"] != "pt") {
		c.Arch = metadata["arch"] // checkpoints of other code may name an unknown one
	}
	if c.Arch == "" {
		return guess(infos, c.InputSize)
	}
	a, err := Find(arch.All(), c.Arch)
	if err != nil {
		return nil, arch.Arch{}, err
	}
	g, err := draw(a, infos, c.InputSize)
	if g != nil && err != nil {
		err = Explain(err, g, infos)
	}
	return g, a, err
}

// Imported returns the architecture of imported weights, from their metadata, with the
// normalization that these state or else ImageNet's. ok is false if they are not imported. It returns an error if name and graph do not belong
// together.
func Imported(metadata map[string]string) (a arch.Arch, ok bool, err error) {
	text := metadata["graph"]
	if text == "" {
		if name := metadata["arch"]; arch.IsImported(name) {
			return a, false, fmt.Errorf("the weights of the imported network %s lack its graph", name)
		}
		return a, false, nil
	}
	a = arch.Imported(text)
	if mean, std, ok := normalization(metadata); ok {
		a.Mean, a.Std = mean, std
	}
	if name := metadata["arch"]; name != a.Name {
		return a, true, hint.New(fmt.Errorf("the weights hold the graph of %s under the name %q: it changed since the import", a.Name, name),
			"import the model again: infer import MODEL.onnx")
	}
	return a, true, nil
}

// OfConfig returns the architecture that a config names, among archs, or that imported
// weights hold. metadata are those of the weights. The config and the weights must agree
// on whether the network is imported, and on what its outputs mean.
func OfConfig(m modelspec.Model, archs []arch.Arch, metadata map[string]string) (arch.Arch, error) {
	a, imported, err := Imported(metadata)
	switch {
	case err != nil:
		return a, err
	case imported && m.ONNX == "":
		return a, hint.New(fmt.Errorf("the weights hold an imported network, but the config names the architecture %s", m.Arch),
			"`onnx: MODEL.onnx` takes the place of `arch: %s` in the section model", m.Arch)
	case imported:
		return a, checkActivation(metadata["activation"], m.Task())
	case m.ONNX != "":
		return a, hint.New(errors.New("the config says model.onnx, but the weights hold no imported network"), "`infer import %s` makes weights that do", m.ONNX)
	}
	return Find(archs, m.Arch)
}

// checkActivation refuses a task that does not apply the activation that the importer
// left out of the network.
func checkActivation(activation string, t task.Task) error {
	fits := map[string][]task.Task{
		"sigmoid":     {task.Multilabel, task.Multiclass, task.Ordinal},
		"softmax":     {task.Multiclass},
		"log-softmax": {task.Multiclass},
	}
	if tasks, ok := fits[activation]; ok && !slices.Contains(tasks, t) {
		return hint.New(fmt.Errorf("the imported model ends in a %s, which the task %s does not have", activation, t),
			"set `task: %s` in the section model of the config", tasks[0])
	}
	return nil
}

// WithArch returns the model m of a config with the architecture a. An imported network
// without model.mean in its config has the normalization of a.
func WithArch(m ensemble.Model, a arch.Arch) ensemble.Model {
	m.Arch = a.Name
	if arch.IsImported(a.Name) && m.Std == [3]float32{} {
		m.Mean, m.Std = a.Mean, a.Std
	}
	return m
}

// normalization returns the normalization in the metadata of imported weights. ok is
// false if there is none, or it is not for pixels from 0 to 1.
func normalization(metadata map[string]string) (mean, std [3]float32, ok bool) {
	_, err := fmt.Sscan(metadata["mean"]+" "+metadata["std"], &mean[0], &mean[1], &mean[2], &std[0], &std[1], &std[2])
	for i := range 3 {
		if err != nil || !(mean[i] >= 0 && mean[i] <= 1 && std[i] > 0 && std[i] <= 1) {
			return mean, std, false
		}
	}
	return mean, std, true
}

// imported builds the network of imported weights, at its own size.
func imported(a arch.Arch, metadata map[string]string, infos []weights.Info, c Choice) (*nn.Graph, arch.Arch, error) {
	if c.Arch != "" && c.Arch != a.Name {
		return nil, a, fmt.Errorf("the weights are of the imported network %s, not of %s", a.Name, c.Arch)
	}
	g, err := nn.ParseText(a.Name, metadata["graph"])
	if err != nil {
		return nil, a, err
	}
	if size := g.Input.Shape.H; c.InputSize != 0 && c.InputSize != size {
		return nil, a, hint.New(fmt.Errorf("the network takes images of %d pixels, not of %d", size, c.InputSize),
			"import the model for that size: infer import MODEL.onnx --input-size %d", c.InputSize)
	}
	return g, a, arch.Check(g, infos)
}

// Find returns the architecture of that name among archs. Its error suggests the nearest
// name.
func Find(archs []arch.Arch, name string) (arch.Arch, error) {
	var names []string
	for _, a := range archs {
		if a.Name == name {
			return a, nil
		}
		names = append(names, a.Name)
	}
	if near, ok := nearest.Name(name, names); ok {
		return arch.Arch{}, fmt.Errorf("unknown architecture %q: did you mean %s? (known: %s)", name, near, strings.Join(names, ", "))
	}
	return arch.Arch{}, fmt.Errorf("unknown architecture %q (known: %s)", name, strings.Join(names, ", "))
}

// guess returns the architecture that the weights match.
func guess(infos []weights.Info, size int) (*nn.Graph, arch.Arch, error) {
	all := fits(infos, size)
	switch len(all) {
	case 0:
		var known []string
		for _, a := range arch.All() {
			known = append(known, a.Name)
		}
		return nil, arch.Arch{}, fmt.Errorf("the weights fit none of %s at %d pixels", strings.Join(known, ", "), size)
	case 1:
		return all[0].graph, all[0].arch, nil
	}
	err := fmt.Errorf("the weights fit %s alike", names(all, " and "))
	return nil, arch.Arch{}, hint.New(err, "name the architecture that they are from (model.arch of the config, or --arch)")
}

// fit is an architecture that weights match, and its network.
type fit struct {
	arch  arch.Arch
	graph *nn.Graph
}

// fits returns the architectures that the weights match. Of those that draw the same
// network it returns the first.
func fits(infos []weights.Info, size int) []fit {
	var all []fit
	for _, a := range arch.All() {
		g, err := draw(a, infos, size)
		if err == nil && !slices.ContainsFunc(all, func(f fit) bool { return f.graph.Arch == g.Arch }) {
			all = append(all, fit{a, g})
		}
	}
	return all
}

// names joins the names of the fits.
func names(all []fit, separator string) string {
	var list []string
	for _, f := range all {
		list = append(list, f.arch.Name)
	}
	return strings.Join(list, separator)
}

// draw builds an architecture with as many classes as the weights have.
func draw(a arch.Arch, infos []weights.Info, size int) (*nn.Graph, error) {
	shapes := make(map[string][]int, len(infos))
	for _, info := range infos {
		shapes[info.Name] = info.Shape
	}
	c := arch.Config{InputSize: size, Classes: 1, Keys: func(name string) bool { return shapes[name] != nil }}
	g, err := a.Build(c)
	if err != nil {
		return nil, err
	}
	if head := shapes[g.Output.Name+".weight"]; len(head) == 2 && head[0] > 0 {
		c.Classes = head[0]
		if g, err = a.Build(c); err != nil {
			return nil, err
		}
	}
	return g, arch.Check(g, infos)
}
