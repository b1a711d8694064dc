package predict

import (
	"bytes"
	"context"
	"fmt"

	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/engine"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

// network computes the logits of normalized NHWC images. *engine.Engine implements it.
type network interface {
	Predict(ctx context.Context, images, logits []float32) error
}

// loader makes the network of a model from a safetensors file. The network must not keep
// data.
type loader func(a arch.Arch, m *ensemble.Model, data []byte, threads int) (network, error)

// loaderOf returns the loader of networks that need only the given operations.
func loaderOf(ops []engine.Operation) loader {
	return func(a arch.Arch, m *ensemble.Model, data []byte, threads int) (network, error) {
		return loadNetwork(ops, a, m, data, threads)
	}
}

func loadNetwork(ops []engine.Operation, a arch.Arch, m *ensemble.Model, data []byte, threads int) (network, error) {
	file, err := weights.Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	c := m.Config()
	c.Keys = file.Has
	g, err := a.Build(c)
	if err != nil {
		return nil, err
	}
	if err := arch.Check(g, file.Infos()); err != nil {
		return nil, err
	}
	return engine.CompileWith(ops, g, file, engine.Options{Threads: threads})
}

// findArchs returns the architecture of each model.
func findArchs(p *ensemble.Plan, known []arch.Arch) ([]arch.Arch, error) {
	list := make([]arch.Arch, len(p.Models))
	for i, m := range p.Models {
		a, err := arch.Find(known, m.Arch)
		if err != nil {
			return nil, fmt.Errorf("model %s: %w", m.Name, err)
		}
		list[i] = a
	}
	return list, nil
}
