// Package network builds the network that a file of weights belongs to.
//
//	g, a, err := network.Of(file, network.Choice{})
//
// The caller or the metadata of the file gives the architecture and the input size.
// The shape of the last layer gives the number of classes. Without a known
// architecture, Of takes the first one that the names and shapes match. It refuses
// weights that do not match.
package network

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/internal/nearest"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
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
	known := strings.Join(names, ", ")
	if near, ok := nearest.Name(name, names); ok {
		return arch.Arch{}, fmt.Errorf("unknown architecture %q: did you mean %s? (known: %s)", name, near, known)
	}
	return arch.Arch{}, fmt.Errorf("unknown architecture %q (known: %s)", name, known)
}

// guess returns the first architecture that the weights match.
func guess(infos []weights.Info, size int) (*nn.Graph, arch.Arch, error) {
	var names []string
	for _, a := range arch.All() {
		if g, err := draw(a, infos, size); err == nil {
			return g, a, nil
		}
		names = append(names, a.Name)
	}
	return nil, arch.Arch{}, fmt.Errorf("the weights fit none of %s at %d pixels", strings.Join(names, ", "), size)
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
