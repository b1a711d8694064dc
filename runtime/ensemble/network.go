package ensemble

import "context"

// network computes the logits of normalised NHWC images; engine.Engine is one.
type network interface {
	Predict(ctx context.Context, images, logits []float32) error
}

// loader makes the network of a model from the bytes of its weights.
type loader func(m *Model, weights []byte, threads int) (network, error)
