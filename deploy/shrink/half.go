package shrink

import (
	"context"
	"fmt"

	"github.com/deploy-kernel/deploy-kernel/internal/hint"

	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

// Half says how weights are stored; the zero value leaves them as they are.
type Half struct {
	// DType is the type to store them in, F16 or BF16; any other is none.
	DType weights.DType
	// Limit is the largest change of a probability that is taken; 1 takes all.
	Limit float64
}

// Given reports whether weights are to be stored in half the space.
func (h Half) Given() bool { return h.DType == weights.F16 || h.DType == weights.BF16 }

// Apply returns the weights of the network g in half the space, and what that
// changes of its predictions. It is an error where that is above the limit.
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
