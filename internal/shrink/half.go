package shrink

import (
	"context"
	"fmt"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
	"github.com/spf13/pflag"
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
		return nil, change, cli.Hint(fmt.Errorf("storing it as %v: %w", h.DType, err), "--max-change 1 forces it")
	}
	return small, change, nil
}

// AddFlags adds --dtype and --max-change, which set h.
func (h *Half) AddFlags(fs *pflag.FlagSet) {
	fs.Var((*dtypeFlag)(h), "dtype", "store weights as `TYPE`: f16 or bf16 (default: as they are)")
	fs.Float64Var(&h.Limit, "max-change", DefaultLimit, "the largest change of a probability that --dtype may make; 1 forces it")
}

// dtypeFlag sets the type of a Half by its name.
type dtypeFlag Half

func (f *dtypeFlag) Set(text string) error {
	for _, d := range []weights.DType{weights.F16, weights.BF16} {
		if strings.EqualFold(text, d.String()) {
			f.DType = d
			return nil
		}
	}
	return cli.UnknownName(text, f.Choices())
}

// Choices lists the types, for messages and for shells.
func (*dtypeFlag) Choices() []string { return []string{"f16", "bf16"} }

func (f *dtypeFlag) String() string {
	if !Half(*f).Given() {
		return ""
	}
	return strings.ToLower(f.DType.String())
}

func (f *dtypeFlag) Type() string { return "TYPE" }
