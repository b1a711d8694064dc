package nn_test

import (
	"math"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

// The values are those of PyTorch's functions at -1 and 2, to six digits.
func TestActivationsHaveTheValuesOfPyTorch(t *testing.T) {
	for _, c := range []struct {
		a        nn.Activation
		low, top float64
	}{
		{nn.Activation{Kind: nn.Swish, A: 1}, -0.268941, 1.761594},
		{nn.Activation{Kind: nn.Swish, A: 1.702}, -0.154204, 1.935659},
		{nn.Activation{Kind: nn.GELU}, -0.158655, 1.954500},
		{nn.Activation{Kind: nn.GELUTanh}, -0.158808, 1.954598},
		{nn.Activation{Kind: nn.HardSigmoid, A: 1.0 / 6, B: 0.5}, 0.333333, 0.833333},
		{nn.Activation{Kind: nn.HardSwish}, -0.333333, 1.666667},
		{nn.Activation{Kind: nn.Mish}, -0.303401, 1.943959},
		{nn.Activation{Kind: nn.Clip, A: -0.5, B: 1.5}, -0.5, 1.5},
		{nn.Activation{Kind: nn.LeakyReLU, A: 0.01}, -0.01, 2},
		{nn.Activation{Kind: nn.ELU, A: 1}, -0.632121, 2},
		{nn.Activation{Kind: nn.Tanh}, -0.761594, 0.964028},
		{nn.Activation{Kind: nn.Power, A: 3}, -1, 8},
		{nn.Activation{Kind: nn.Exp}, 0.367879, 7.389056},
		{nn.Activation{Kind: nn.Abs}, 1, 2},
		{nn.Activation{Kind: nn.Erf}, -0.842701, 0.995322},
		{nn.Activation{Kind: nn.Softplus}, 0.313262, 2.126928},
	} {
		if low, top := c.a.Of(-1), c.a.Of(2); math.Abs(low-c.low) > 1e-6 || math.Abs(top-c.top) > 1e-6 {
			t.Errorf("%v is %.6f at -1 and %.6f at 2, want %v and %v", c.a, low, top, c.low, c.top)
		}
	}
}
