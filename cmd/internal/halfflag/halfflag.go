// Package halfflag adds the flags that store weights in 16 bits.
package halfflag

import (
	"strings"

	"github.com/deploy-kernel/deploy-kernel/deploy/shrink"
	"github.com/deploy-kernel/deploy-kernel/internal/nearest"
	"github.com/deploy-kernel/deploy-kernel/runtime/weights"
	"github.com/spf13/pflag"
)

// Add adds --dtype and --max-change, which set h.
func Add(fs *pflag.FlagSet, h *shrink.Half) {
	fs.Var((*dtypeFlag)(h), "dtype", "store weights as `TYPE`: f16 or bf16 (default: unchanged)")
	fs.Float64Var(&h.Limit, "max-change", shrink.DefaultLimit, "largest allowed change of a probability by --dtype; 1 allows any")
}

// dtypeFlag sets the type of a Half by its name.
type dtypeFlag shrink.Half

func (f *dtypeFlag) Set(text string) error {
	for _, d := range []weights.DType{weights.F16, weights.BF16} {
		if strings.EqualFold(text, d.String()) {
			f.DType = d
			return nil
		}
	}
	return nearest.Unknown(text, f.Choices())
}

// Choices lists the types, for messages and for shells.
func (*dtypeFlag) Choices() []string { return []string{"f16", "bf16"} }

func (f *dtypeFlag) String() string {
	if !shrink.Half(*f).Given() {
		return ""
	}
	return strings.ToLower(f.DType.String())
}

// Type names the value in the usage text.
func (f *dtypeFlag) Type() string { return "TYPE" }
