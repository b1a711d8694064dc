package onnx

import (
	"math"

	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

// activation adds the nodes of an activation of x. Swish, Mish and GELU have no operator
// in the opset that the package writes.
func (l *lowering) activation(a nn.Activation, out, x string) {
	step := func(part, op string, in ...string) string {
		name := out + "." + part
		l.emit(op, name, in)
		return name
	}
	number := func(part string, v float64) string { return l.scalar(out+"."+part, v) }
	switch a.Kind {
	case nn.Swish:
		scaled := x
		if a.A != 1 {
			scaled = step("scaled", "Mul", x, number("scale", a.A))
		}
		l.emit("Mul", out, []string{x, step("sigmoid", "Sigmoid", scaled)})
	case nn.GELU:
		erf := step("erf", "Erf", step("scaled", "Div", x, number("scale", math.Sqrt2)))
		l.half(out, x, erf)
	case nn.GELUTanh:
		cube := step("cube", "Mul", step("square", "Mul", x, x), x)
		sum := step("sum", "Add", x, step("cubic", "Mul", cube, number("factor", 0.044715)))
		tanh := step("tanh", "Tanh", step("scaled", "Mul", sum, number("scale", math.Sqrt(2/math.Pi))))
		l.half(out, x, tanh)
	case nn.Mish:
		l.emit("Mul", out, []string{x, step("tanh", "Tanh", step("softplus", "Softplus", x))})
	case nn.HardSigmoid:
		l.emit("HardSigmoid", out, []string{x}, float("alpha", a.A), float("beta", a.B))
	case nn.HardSwish:
		l.emit("HardSwish", out, []string{x})
	case nn.Clip:
		l.emit("Clip", out, []string{x, number("low", a.A), number("high", a.B)})
	case nn.LeakyReLU:
		l.emit("LeakyRelu", out, []string{x}, float("alpha", a.A))
	case nn.ELU:
		l.emit("Elu", out, []string{x}, float("alpha", a.A))
	case nn.Tanh:
		l.emit("Tanh", out, []string{x})
	}
}

// half adds x * (1 + y) / 2.
func (l *lowering) half(out, x, y string) {
	l.emit("Add", out+".gate", []string{y, l.scalar(out+".one", 1)})
	l.emit("Mul", out+".product", []string{x, out + ".gate"})
	l.emit("Mul", out, []string{out + ".product", l.scalar(out+".half", 0.5)})
}
