package ensemble

import (
	"bytes"
	"context"

	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/engine"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

// network computes the logits of normalised NHWC images; engine.Engine is one.
type network interface {
	Predict(ctx context.Context, images, logits []float32) error
}

// loader makes the network of a model from the bytes of its weights, which it
// must not keep.
type loader func(a arch.Arch, m *Model, data []byte, threads int) (network, error)

// loadNetwork is the loader of real networks.
func loadNetwork(a arch.Arch, m *Model, data []byte, threads int) (network, error) {
	file, err := weights.Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	g, err := a.Build(arch.Config{InputSize: m.InputSize, Classes: m.Classes, Dropout: m.Dropout, Keys: file.Has})
	if err != nil {
		return nil, err
	}
	if err := arch.Check(g, file.Infos()); err != nil {
		return nil, err
	}
	return engine.Compile(g, file, engine.Options{Threads: threads})
}

// Operations counts the multiplications that the model, of architecture a, does
// for one view of an image, as a measure of its cost.
func (m *Model) Operations(a arch.Arch) (float64, error) {
	g, err := a.Build(arch.Config{InputSize: m.InputSize, Classes: m.Classes, Dropout: m.Dropout})
	if err != nil {
		return 0, err
	}
	n := 0.0
	for _, node := range g.Nodes {
		n += float64(node.Shape.Len())
		switch node.Op {
		case nn.Conv:
			n += float64(node.Shape.Len()) * float64(node.In[0].Shape.C/node.Groups*node.Kernel.H*node.Kernel.W)
		case nn.Linear:
			n += float64(node.Shape.C) * float64(node.In[0].Shape.Len())
		}
	}
	return n, nil
}
