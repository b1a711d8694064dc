package simd

import (
	"errors"
	"runtime"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/internal/nocode"
	"github.com/deploy-kernel/deploy-kernel/runtime/machinecode"
)

// Where the system denies executable memory, the scalar set serves, and the reason is
// known.
func TestTheScalarSetServesWhereCodeIsDenied(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("this processor has no machine code of ours")
	}
	nocode.Run(t, func() {
		set, err := Select("")
		if err != nil || set != Scalar {
			t.Errorf("the set is %v, %v", set, err)
		}
		if err := Trouble(); !errors.Is(err, machinecode.ErrDenied) {
			t.Errorf("the trouble is %v", err)
		}
		if _, err := Select("avx2"); err == nil {
			t.Error("avx2 was selected")
		}
	})
}
