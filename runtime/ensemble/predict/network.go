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

// network computes the logits of normalised NHWC images; engine.Engine is one.
type network interface {
	Predict(ctx context.Context, images, logits []float32) error
}

// loader makes the network of a model from the bytes of its weights, which it
// must not keep.
type loader func(a arch.Arch, m *ensemble.Model, data []byte, threads int) (network, error)

// loadNetwork is the loader of real networks.
func loadNetwork(a arch.Arch, m *ensemble.Model, data []byte, threads int) (network, error) {
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

// archs resolves the architecture of every model.
func archsOf(p *ensemble.Plan, known []arch.Arch) ([]arch.Arch, error) {
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
