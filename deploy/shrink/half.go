package shrink

import (
	"context"
	"fmt"

	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

// Half says in which type of 16 bits to store weights. The zero value keeps their types.
type Half struct {
	// DType is weights.F16 or weights.BF16. Any other value keeps the types.
	DType weights.DType
	// Limit is the largest allowed change of a probability; 1 allows any.
	Limit float64
}

// Given reports whether h converts weights.
func (h Half) Given() bool { return h.DType == weights.F16 || h.DType == weights.BF16 }

// Apply returns the weights of the network g in h.DType, and how much its predictions
// change. It returns an error if the change exceeds h.Limit.
func (h Half) Apply(ctx context.Context, g *nn.Graph, dict *weights.StateDict) (*weights.StateDict, Change, error) {
	small, err := dict.Half(h.DType)
	if err != nil {
		return nil, Change{}, err
	}
	change, err := Measure(ctx, g, dict, small, nil)
	if err != nil {
		return nil, change, err
	}
	if err := change.Check(h.Limit); err != nil {
		return nil, change, hint.New(fmt.Errorf("storing it as %v: %w", h.DType, err), "--max-change 1 forces it")
	}
	return small, change, nil
}
