package simd

import (
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/internal/selftest"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd/emit"
)

func TestTheSelfTestFindsEachWrongRoutine(t *testing.T) {
	selftest.FindsEachWrongRoutine(t, Trouble(), Sets(), Scalar, selfTest)
}

func TestTheSelfTestFindsEachWrongActivation(t *testing.T) {
	for _, s := range Sets() {
		if s.activations == nil {
			continue
		}
		for _, a := range tried {
			wrong := *s
			wrong.activations = &activationRoutines{width: s.activations.width}
			wrong.activations.code.code = map[nn.Activation]any{a: func(*Pixels) {}}
			if err := emit.Test(s.Name, &wrong, Scalar, selfTest); err == nil || !strings.Contains(err.Error(), a.String()) {
				t.Errorf("a wrong %v: %v", a, err)
			}
		}
	}
}

// Every kind with routines is tried at the start.
func TestTheSelfTestTriesEveryKindOfActivation(t *testing.T) {
	for kind := nn.Swish; kind <= nn.Softplus; kind++ {
		has := false
		for _, a := range tried {
			has = has || a.Kind == kind
		}
		if emits := emitted(nn.Activation{Kind: kind, A: 2, B: 2}); emits != has {
			t.Errorf("%v: generated %t, tried %t", nn.Activation{Kind: kind}, emits, has)
		}
	}
}
