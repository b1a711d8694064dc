package graph

import (
	"math"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

func TestSlopesAreTheDerivativesOfActivations(t *testing.T) {
	const h = 1e-6
	for _, a := range []nn.Activation{
		{Kind: nn.GELUTanh},
		{Kind: nn.HardSigmoid, A: 0.2, B: 0.5},
		{Kind: nn.HardSwish},
		{Kind: nn.Mish},
		{Kind: nn.Clip, A: -0.5, B: 0.7},
		{Kind: nn.LeakyReLU, A: 0.01},
		{Kind: nn.ELU, A: 0.8},
		{Kind: nn.Tanh},
	} {
		for _, x := range []float64{-30, -3.1, -1.4, -0.6, -0.1, 0.1, 0.6, 1.4, 3.1, 30} {
			want := (a.Of(x+h) - a.Of(x-h)) / (2 * h)
			if got := slope(a, x); math.Abs(got-want) > 1e-8 {
				t.Errorf("%v: the slope at %v is %.9g, the difference's %.9g", a, x, got, want)
			}
		}
	}
}
