package vector

import (
	"testing"

	"github.com/deploy-kernel/deploy-kernel/internal/selftest"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd/emit"
)

func TestTheSelfTestFindsEachWrongRoutine(t *testing.T) {
	if err := Trouble(); err != nil {
		t.Error(err)
	}
	for _, s := range Sets() {
		if s == Scalar {
			continue
		}
		t.Run(s.Name, func(t *testing.T) {
			selftest.FindsEachWrongRoutine(t, s, func(wrong *Set) error { return emit.Test(s.Name, wrong, Scalar, selfTest) })
		})
	}
}
