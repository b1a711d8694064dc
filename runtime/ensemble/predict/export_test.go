package predict

import (
	"context"

	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
)

// Network is a stand-in for a network.
type Network = network

// SetLoad replaces how networks are made.
func SetLoad(o *Options, load func(a arch.Arch, m *ensemble.Model, data []byte, threads int) (Network, error)) {
	o.load = load
}

// PredictFunc is a network as a function.
type PredictFunc func(ctx context.Context, images, logits []float32) error

// Predict implements Network.
func (f PredictFunc) Predict(ctx context.Context, images, logits []float32) error {
	return f(ctx, images, logits)
}

// LoadNetwork is how networks are made.
var LoadNetwork = func(a arch.Arch, m *ensemble.Model, data []byte, threads int) (Network, error) {
	return loadNetwork(a, m, data, threads)
}
