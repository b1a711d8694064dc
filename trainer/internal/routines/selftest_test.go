package routines

import (
	"testing"

	"github.com/deploy-kernel/deploy-kernel/internal/selftest"
)

func TestTheSelfTestFindsEachWrongRoutine(t *testing.T) {
	selftest.FindsEachWrongRoutine(t, Trouble(), Sets(), Scalar, selfTest)
}
