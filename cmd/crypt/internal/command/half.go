package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/deploy-kernel/deploy-kernel/artifact/network"
	"github.com/deploy-kernel/deploy-kernel/artifact/weightfile"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/deploy/shrink"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
)

// checkHalf refuses --dtype for files that are not read as weights.
func checkHalf(h shrink.Half, args []string, raw bool, isWeights map[string]bool) error {
	if !h.Given() {
		return nil
	}
	if raw {
		return cli.Usagef("--dtype converts weights, which --raw leaves alone")
	}
	for _, in := range args {
		if _, err := os.Stat(in); err == nil && !isWeights[in] {
			return cli.Usagef("--dtype converts weights, but %s is not a file of weights", in)
		}
	}
	return nil
}

// fallbackSize is the input size at which predictions are compared if the file does
// not give one. Any size will do, as the networks are convolutional.
const fallbackSize = 224

// halve returns the weights in half the space. It measures and prints how much that
// changes the predictions.
func halve(ctx context.Context, h shrink.Half, f *weightfile.File, progress io.Writer) (*weights.StateDict, error) {
	dict, err := f.StateDict()
	if err != nil {
		return nil, err
	}
	g, _, err := network.Of(f, network.Choice{})
	if errors.Is(err, network.ErrInputSize) {
		g, _, err = network.Of(f, network.Choice{InputSize: fallbackSize})
	}
	if err != nil {
		if h.Limit < 1 {
			return nil, hint.New(fmt.Errorf("storing it as %v: %w", h.DType, err), "--max-change 1 forces it")
		}
		fmt.Fprintf(progress, "crypt: %s as %v: the change of its predictions is unknown: %v\n", f.Path(), h.DType, err)
		return dict.Half(h.DType)
	}
	small, change, err := h.Apply(ctx, g, dict)
	if err == nil {
		fmt.Fprintf(progress, "crypt: %s as %v: %v\n", f.Path(), h.DType, change)
	}
	return small, err
}
