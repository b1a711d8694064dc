package predict

import (
	"context"

	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/engine"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
)

// Network is the interface of networks.
type Network = network

// SetLoad replaces the function that makes networks.
func SetLoad(o *Options, load func(a arch.Arch, m *ensemble.Model, data []byte, threads int) (Network, error)) {
	o.load = load
}

// PredictFunc is a function that is a network.
type PredictFunc func(ctx context.Context, images, logits []float32) error

// Predict implements Network.
func (f PredictFunc) Predict(ctx context.Context, images, logits []float32) error {
	return f(ctx, images, logits)
}

// LoadNetwork makes real networks.
var LoadNetwork = func(a arch.Arch, m *ensemble.Model, data []byte, threads int) (Network, error) {
	return loadNetwork(engine.Operations(), a, m, data, threads)
}
