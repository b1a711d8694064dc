package verb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/internal/network"
	"github.com/deploy-kernel/deploy-kernel/internal/shrink"
	"github.com/deploy-kernel/deploy-kernel/internal/weightfile"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
	"github.com/spf13/cobra"
)

// halving are the flags that say whether weights are stored in half the space.
type halving struct {
	dtype string
	limit float64
}

func (h *halving) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&h.dtype, "dtype", "", "store weights as `TYPE`: f16 or bf16 (default: as they are)")
	cmd.Flags().Float64Var(&h.limit, "max-change", shrink.DefaultLimit, "the largest change of a probability that --dtype may make; 1 forces it")
}

func (h *halving) given() bool { return h.dtype != "" }

func (h *halving) check(args []string, raw bool) error {
	switch strings.ToLower(h.dtype) {
	case "":
		return nil
	case "f16", "bf16":
	default:
		return cli.Usagef("--dtype %s: f16 and bf16 are known", h.dtype)
	}
	if raw {
		return cli.Usagef("--dtype converts weights, which --raw leaves alone")
	}
	for _, in := range args {
		if !isWeights(in) {
			return cli.Usagef("--dtype converts weights, but %s ends in none of %s", in, strings.Join(weightfile.Extensions[:], ", "))
		}
	}
	return nil
}

// fallbackSize is the input size at which predictions are compared where the
// weights don't tell their own; any will do, as the networks are convolutional.
const fallbackSize = 224

// apply returns the weights in half the space, having measured and told what
// that changes.
func (h *halving) apply(ctx context.Context, f *weightfile.File, progress io.Writer) (*weights.StateDict, error) {
	dtype := weights.F16
	if strings.EqualFold(h.dtype, "bf16") {
		dtype = weights.BF16
	}
	dict, err := f.StateDict()
	if err != nil {
		return nil, err
	}
	small, err := dict.Half(dtype)
	if err != nil {
		return nil, err
	}
	change, err := measure(ctx, f, dict, small)
	switch {
	case err == nil:
		fmt.Fprintf(progress, "crypt: %s as %v: %v\n", f.Path(), dtype, change)
		err = change.Check(h.limit)
	case ctx.Err() == nil && h.limit >= 1:
		fmt.Fprintf(progress, "crypt: %s as %v: the change of its predictions is unknown: %v\n", f.Path(), dtype, err)
		return small, nil
	}
	if err != nil && ctx.Err() == nil {
		err = cli.Hint(fmt.Errorf("storing it as %v: %w", dtype, err), "--max-change 1 forces it")
	}
	return small, err
}

// measure compares the predictions of the two forms.
func measure(ctx context.Context, f *weightfile.File, before, after *weights.StateDict) (shrink.Change, error) {
	g, _, err := network.Of(f, network.Choice{})
	if errors.Is(err, network.ErrInputSize) {
		g, _, err = network.Of(f, network.Choice{InputSize: fallbackSize})
	}
	if err != nil {
		return shrink.Change{}, err
	}
	return shrink.Measure(ctx, g, before, after, nil)
}
