package nn

import (
	"fmt"
	"math"
)

// Activation is a function of one number, with its constants.
type Activation struct {
	Kind ActivationKind
	// A and B are the constants of the kinds that have some.
	A, B float64
}

// ActivationKind is the form of an [Activation].
type ActivationKind uint8

// The kinds of activations.
const (
	Swish       ActivationKind = iota // x * sigmoid(A*x); SiLU if A is 1
	GELU                              // x * (1 + erf(x/√2)) / 2
	GELUTanh                          // x * (1 + tanh(√(2/π) * (x + 0.044715*x³))) / 2
	HardSigmoid                       // A*x + B, limited to [0, 1]
	HardSwish                         // x * (x/6 + 1/2 limited to [0, 1])
	Mish                              // x * tanh(log(1 + exp(x)))
	Clip                              // x limited to [A, B]
	LeakyReLU                         // x, or A*x if x is negative
	ELU                               // x, or A*(exp(x) - 1) if x is negative
	Tanh                              // tanh(x)
	Power                             // x to the power of A
	Exp                               // exp(x)
	Log                               // the natural logarithm
	Abs                               // the absolute value
	Erf                               // the error function
	Softplus                          // log(1 + exp(x))
)

var activationNames = [...]string{
	"Swish", "GELU", "GELUTanh", "HardSigmoid", "HardSwish", "Mish", "Clip", "LeakyReLU", "ELU", "Tanh",
	"Power", "Exp", "Log", "Abs", "Erf", "Softplus",
}

// String returns the activation with its constants, e.g. "Clip(0, 6)".
func (a Activation) String() string {
	name := activationNames[a.Kind]
	switch a.Kind {
	case Swish, LeakyReLU, ELU, Power:
		return fmt.Sprintf("%s(%v)", name, a.A)
	case HardSigmoid, Clip:
		return fmt.Sprintf("%s(%v, %v)", name, a.A, a.B)
	}
	return name
}

// Of returns the value of the activation at x. It defines what the activation means.
func (a Activation) Of(x float64) float64 {
	switch a.Kind {
	case Swish:
		return x / (1 + math.Exp(-a.A*x))
	case GELU:
		return 0.5 * x * (1 + math.Erf(x/math.Sqrt2))
	case GELUTanh:
		return 0.5 * x * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
	case HardSigmoid:
		return max(0, min(1, a.A*x+a.B))
	case HardSwish:
		return x * max(0, min(1, x/6+0.5))
	case Mish:
		return x * math.Tanh(max(x, 0)+math.Log1p(math.Exp(-math.Abs(x))))
	case Clip:
		return max(a.A, min(a.B, x))
	case LeakyReLU:
		if x < 0 {
			return a.A * x
		}
		return x
	case ELU:
		if x < 0 {
			return a.A * math.Expm1(x)
		}
		return x
	case Tanh:
		return math.Tanh(x)
	case Power:
		return math.Pow(x, a.A)
	case Exp:
		return math.Exp(x)
	case Log:
		return math.Log(x)
	case Abs:
		return math.Abs(x)
	case Erf:
		return math.Erf(x)
	case Softplus:
		return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x)))
	}
	panic(fmt.Sprintf("nn: internal error: activation %d", a.Kind))
}
