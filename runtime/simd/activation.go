package simd

import (
	"math"
	"strings"
	"unsafe"

	"github.com/deploy-kernel/deploy-kernel/runtime/amd64"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd/emit"
)

// Pixels is one job of a routine of Set.Activation. It applies a function f to pixels
// of some planes,
//
//	Y[Out[p]+plane*YStep+c] = f(X[In[p]+plane*XStep+c]), First <= p < End, plane < Planes
//
// where c < Lanes. X and Y may be the same memory if the offsets are the same too.
type Pixels struct {
	X, Y         []float32
	In, Out      []int32
	XStep, YStep int
	First, End   int // pixels
	Planes       int

	// What generated code keeps here: the end of the call's pixels and of those that
	// it computes in groups, the remaining planes, and steps in bytes.
	end, groupsEnd, left int
	stepX, stepY         int
}

// Activation returns the routine of an activation. Its error is at most 1e-6 of the
// largest of 1, |x| and the result. Exp takes larger numbers than 87 as 87. A set of
// generated code makes the routine at its first use.
func (s *Set) Activation(a nn.Activation) func(*Pixels) {
	if s.activations == nil || !emitted(a) {
		return func(p *Pixels) { activationScalar(p, a) }
	}
	code := generated(&s.activations.code, a, func() (func(*Pixels), error) {
		return emitActivation(s.activations.width, s.Name, a)
	})
	return func(p *Pixels) { p.run(code) }
}

// activationRoutines holds the generated routines of a set.
type activationRoutines struct {
	width amd64.Width
	code  routines[nn.Activation]
}

func activationScalar(p *Pixels, a nn.Activation) {
	for plane := range p.Planes {
		for i := p.First; i < p.End; i++ {
			y := p.Y[plane*p.YStep+int(p.Out[i]):][:Lanes]
			for c, v := range p.X[plane*p.XStep+int(p.In[i]):][:Lanes] {
				y[c] = float32(a.Of(float64(v)))
			}
		}
	}
}

// maxActivated is the number of pixels, over all planes, that one call of a routine
// takes. It limits the time of a call to about 50 microseconds.
const maxActivated = 8192

// run calls a routine for parts of the job.
func (p *Pixels) run(code func(*Pixels)) {
	if p.Planes == 0 || p.First >= p.End {
		return
	}
	if p.End > min(len(p.In), len(p.Out)) {
		panic("simd: internal error: a job of an activation has too few pixels")
	}
	first := p.First
	for ; p.First < p.End; p.First = p.end {
		p.end = min(p.End, p.First+max(1, maxActivated/p.Planes))
		p.left, p.stepX, p.stepY = p.Planes, emit.Float*p.XStep, emit.Float*p.YStep
		code(p)
	}
	p.First = first
}

// emitted reports whether routines are generated for an activation. Its constants must
// neither overflow nor vanish in float32.
func emitted(a nn.Activation) bool {
	usual := func(v float64) bool { return math.Abs(v) > 1e-3 && math.Abs(v) < 1e3 }
	switch a.Kind {
	case nn.Swish:
		return usual(a.A)
	case nn.HardSigmoid, nn.LeakyReLU, nn.ELU:
		return math.Abs(a.A) < 1e3 && math.Abs(a.B) < 1e3
	case nn.Power:
		return a.A == 2 || a.A == 0.5 || a.A == -1
	case nn.GELU, nn.GELUTanh, nn.HardSwish, nn.Mish, nn.Clip, nn.Tanh, nn.Exp, nn.Abs:
		return true
	}
	return false // rare
}

// activationEmitter writes the routine of an activation:
//
//	for each plane {
//		for each group of pixels, and each remaining pixel {
//			load, apply, store
//		}
//	}
//
// The instructions of a group's registers alternate, because each depends on the one
// before it.
type activationEmitter struct {
	*emit.Emitter
	nn.Activation
	held []float32 // constants in registers, from the last register down
}

// chain holds the registers of one value: the value and three to work with.
type chain struct{ x, t, n, p amd64.Vec }

const chainRegisters = 4

// The registers of the routine.
const (
	activationX    = amd64.RBX // the plane's inputs and results
	activationY    = amd64.RDI
	activationIn   = amd64.RSI
	activationOut  = amd64.RDX
	activationP    = amd64.RCX // the current pixel
	activationFrom = amd64.R8
)

// activationTo holds the addresses of the results of a group's pixels.
var activationTo = [...]amd64.Reg{amd64.R9, amd64.R10, amd64.R11, amd64.R12}

func emitActivation(width amd64.Width, set string, a nn.Activation) (func(*Pixels), error) {
	draft := &activationEmitter{Emitter: emit.New(width), Activation: a}
	draft.apply(draft.chains(1))
	e := &activationEmitter{Emitter: emit.New(width), Activation: a, held: draft.held}
	e.emit()
	return emit.Function[Pixels](e.Emitter, set+"-"+strings.NewReplacer("(", "-", ", ", "-", ")", "").Replace(a.String()))
}

// chains returns the registers of so many pixels.
func (e *activationEmitter) chains(pixels int) []chain {
	all := make([]chain, pixels*e.Parts())
	for i := range all {
		r := chainRegisters * i
		all[i] = chain{e.V(r), e.V(r + 1), e.V(r + 2), e.V(r + 3)}
	}
	return all
}

// hold returns a register with the constant v in all lanes.
func (e *activationEmitter) hold(v float32) amd64.Vec {
	for i, h := range e.held {
		if h == v {
			return e.V(e.Registers() - 1 - i)
		}
	}
	e.held = append(e.held, v)
	return e.hold(v)
}

// load loads the constants that registers hold.
func (e *activationEmitter) load() {
	for i, v := range e.held {
		e.VMOVUPS(e.V(e.Registers()-1-i), e.Constant(v))
	}
}

func (e *activationEmitter) emit() {
	var p Pixels
	group := len(activationTo)
	if e.Width == amd64.YMM {
		group = 1
	}
	e.load()
	e.MOV(activationX, emit.Field(unsafe.Offsetof(p.X)))
	e.MOV(activationY, emit.Field(unsafe.Offsetof(p.Y)))
	e.MOV(activationIn, emit.Field(unsafe.Offsetof(p.In)))
	e.MOV(activationOut, emit.Field(unsafe.Offsetof(p.Out)))
	e.MOV(activationFrom, emit.Field(unsafe.Offsetof(p.end)))
	e.SUB(activationFrom, amd64.Imm(group-1))
	e.MOV(emit.Field(unsafe.Offsetof(p.groupsEnd)), activationFrom)
	plane := e.NewLabel()
	e.Bind(plane)
	e.MOV(activationP, emit.Field(unsafe.Offsetof(p.First)))
	e.pixels(group, unsafe.Offsetof(p.groupsEnd))
	if group > 1 {
		e.pixels(1, unsafe.Offsetof(p.end))
	}
	e.ADD(activationX, emit.Field(unsafe.Offsetof(p.stepX)))
	e.ADD(activationY, emit.Field(unsafe.Offsetof(p.stepY)))
	e.MOV(activationFrom, emit.Field(unsafe.Offsetof(p.left)))
	e.DEC(activationFrom)
	e.MOV(emit.Field(unsafe.Offsetof(p.left)), activationFrom)
	e.JNZ(plane)
}

// pixels computes groups of n pixels while the first one is before an end.
func (e *activationEmitter) pixels(n int, end uintptr) {
	loop, done := e.NewLabel(), e.NewLabel()
	chains := e.chains(n)
	e.Bind(loop)
	e.CMP(activationP, emit.Field(end))
	e.JGE(done)
	for i := range n {
		e.MOVSLQ(activationFrom, amd64.At(activationIn).Index(activationP, 4).Plus(4*i))
		e.MOVSLQ(activationTo[i], amd64.At(activationOut).Index(activationP, 4).Plus(4*i))
		for part := range e.Parts() {
			e.VMOVUPS(chains[i*e.Parts()+part].x, amd64.At(activationX).Index(activationFrom, emit.Float).Plus(part*e.Width.Bytes()))
		}
	}
	e.apply(chains)
	for i, c := range chains {
		e.VMOVUPS(amd64.At(activationY).Index(activationTo[i/e.Parts()], emit.Float).Plus(i%e.Parts()*e.Width.Bytes()), c.x)
	}
	e.ADD(activationP, amd64.Imm(n))
	e.JMP(loop)
	e.Bind(done)
}

// apply computes x = f(x). The comparing instructions return their last operand if one
// is NaN, so it is the value.
func (e *activationEmitter) apply(chains []chain) {
	each := every(chains)
	a, b := float32(e.A), float32(e.B)
	switch e.Kind {
	case nn.Swish:
		e.exp(chains, -a, maxExponent)
		each(func(c chain) { e.VADDPS(c.p, c.p, e.hold(1)) })
		each(func(c chain) { e.VDIVPS(c.x, c.x, c.p) })
	case nn.GELU:
		e.gelu(chains, erfTerms[:])
	case nn.GELUTanh:
		e.gelu(chains, tanhTerms[:])
	case nn.HardSigmoid:
		each(func(c chain) { e.VMOVAPS(c.t, e.hold(a)) })
		each(func(c chain) { e.VFMADD213PS(c.x, c.t, e.Constant(b)) })
		e.limit(chains, 0, 1, func(c chain) amd64.Vec { return c.x })
	case nn.HardSwish:
		each(func(c chain) { e.VMOVUPS(c.t, e.Constant(1./6)) })
		each(func(c chain) { e.VFMADD213PS(c.t, c.x, e.Constant(0.5)) })
		e.limit(chains, 0, 1, func(c chain) amd64.Vec { return c.t })
		each(func(c chain) { e.VMULPS(c.x, c.x, c.t) })
	case nn.Clip:
		e.limit(chains, a, b, func(c chain) amd64.Vec { return c.x })
	case nn.LeakyReLU:
		each(func(c chain) { e.VMINPS(c.t, e.hold(0), c.x) })
		each(func(c chain) { e.VMAXPS(c.x, e.hold(0), c.x) })
		each(func(c chain) { e.VFMADD231PS(c.x, c.t, e.Constant(a)) })
	case nn.ELU:
		e.exp(chains, 1, 0)
		each(func(c chain) { e.VSUBPS(c.p, c.p, e.hold(1)) })
		each(func(c chain) { e.VMAXPS(c.x, e.hold(0), c.x) })
		each(func(c chain) { e.VFMADD231PS(c.x, c.p, e.Constant(a)) })
	case nn.Mish:
		// tanh(log(1 + u)) = (u*u + 2u) / (u*u + 2u + 2)
		const most = 30 // its square is finite
		e.exp(chains, 1, most)
		each(func(c chain) { e.VADDPS(c.t, c.p, e.hold(2)) })
		each(func(c chain) { e.VMULPS(c.t, c.t, c.p) })
		each(func(c chain) { e.VADDPS(c.n, c.t, e.hold(2)) })
		each(func(c chain) { e.VDIVPS(c.t, c.t, c.n) })
		each(func(c chain) { e.VMULPS(c.x, c.x, c.t) })
	case nn.Power:
		switch e.A {
		case 2:
			each(func(c chain) { e.VMULPS(c.x, c.x, c.x) })
		case 0.5:
			each(func(c chain) { e.VSQRTPS(c.x, c.x) })
		case -1:
			each(func(c chain) { e.VDIVPS(c.x, e.hold(1), c.x) })
		}
	case nn.Exp:
		e.exp(chains, 1, maxExponent)
		each(func(c chain) { e.VMOVAPS(c.x, c.p) })
	case nn.Abs:
		each(func(c chain) { e.VANDPS(c.x, c.x, e.Repeat(math.MaxInt32)) })
	case nn.Tanh:
		// 1 - 2 / (1 + exp(2x))
		e.exp(chains, 2, maxExponent)
		each(func(c chain) { e.VADDPS(c.p, c.p, e.hold(1)) })
		each(func(c chain) { e.VDIVPS(c.p, e.hold(2), c.p) })
		each(func(c chain) { e.VSUBPS(c.x, e.hold(1), c.p) })
	}
}

// every returns a function that calls another one with each chain.
func every(chains []chain) func(func(chain)) {
	return func(f func(c chain)) {
		for _, c := range chains {
			f(c)
		}
	}
}

// limit computes v = min(max(v, low), high).
func (e *activationEmitter) limit(chains []chain, low, high float32, v func(c chain) amd64.Vec) {
	for _, c := range chains {
		e.VMINPS(v(c), e.hold(high), v(c))
	}
	for _, c := range chains {
		e.VMAXPS(v(c), e.hold(low), v(c))
	}
}

// maxExponent bounds the arguments of exp: 2^n*exp(r) stays a normal number.
const maxExponent = 87

// expTerms is the polynomial of degree 5 with the smallest relative error, 7.5e-8, for
// exp(r) with |r| <= ln(2)/2.
var expTerms = [...]float64{
	1.0000000716546766, 0.9999996919912318, 0.49998894851252645,
	0.1666757472972052, 0.04191538198869524, 0.008297655014662177,
}

// exp computes p = exp(factor*x), with the argument limited to [-maxExponent, most]. The
// exponential is 2^n * exp(r) with a whole n (Cody and Waite, "Software Manual for the
// Elementary Functions", chapter 6). It keeps x, and computes with r/factor instead of
// r, so that no instruction multiplies by the factor.
func (e *activationEmitter) exp(chains []chain, factor, most float32) {
	each := every(chains)
	f := float64(factor)
	low, high := float32(-maxExponent/f), float32(float64(most)/f)
	if f < 0 {
		low, high = high, low
	}
	each(func(c chain) { e.VMAXPS(c.t, e.hold(low), c.x) })
	each(func(c chain) { e.VMINPS(c.t, e.hold(high), c.t) })
	each(func(c chain) { e.VMULPS(c.n, c.t, e.hold(float32(f*math.Log2E))) })
	each(func(c chain) {
		if e.Width == amd64.ZMM {
			e.VRNDSCALEPS(c.n, c.n, 0)
		} else {
			e.VROUNDPS(c.n, c.n, 0)
		}
	})
	each(func(c chain) { e.VFNMADD231PS(c.t, c.n, e.Constant(float32(math.Ln2/f))) })
	terms := make([]float64, len(expTerms))
	for i, v := range expTerms {
		terms[i] = v * math.Pow(f, float64(i))
	}
	e.polynomial(chains, terms)
	if e.Width == amd64.ZMM {
		each(func(c chain) { e.VSCALEFPS(c.p, c.p, c.n) })
		return
	}
	each(func(c chain) { e.VCVTPS2DQ(c.n, c.n) })
	each(func(c chain) { e.VPSLLD(c.n, c.n, 23) }) // to the exponent
	each(func(c chain) { e.VPADDD(c.p, c.p, c.n) })
}

// polynomial computes p from its terms, the constant first, at t.
func (e *activationEmitter) polynomial(chains []chain, terms []float64) {
	last := len(terms) - 1
	for _, c := range chains {
		e.VMOVUPS(c.p, e.Constant(float32(terms[last])))
	}
	for i := last - 1; i >= 0; i-- {
		for _, c := range chains {
			e.VFMADD213PS(c.p, c.t, e.Constant(float32(terms[i])))
		}
	}
}

// maxGELU is the value from which x*(0.5 + z*P(u)) is x or 0, up to the error.
const maxGELU = 5

// The polynomials P(u) of the smallest error |x| * |z*P(u) - g(z)| for |x| <= maxGELU:
// 4e-7 with g = erf(z/√2)/2, and 2e-7 with g = tanh(√(2/π)*(z + 0.044715*z³))/2. Here
// z is x limited to ±maxGELU and u = 2*(z/maxGELU)² - 1, which keeps the rounding
// errors of a high degree small.
var (
	erfTerms = [...]float64{
		0.14136378467082977, -0.07029665261507034, 0.0515214204788208, -0.040432948619127274, 0.03142622858285904,
		-0.023336730897426605, 0.0164976567029953, -0.010973232798278332, 0.006165430415421724, -0.0029156720265746117,
		0.0020018601790070534, -0.001514154369942844, 0.0004929696442559361,
	}
	tanhTerms = [...]float64{
		0.1413785219192505, -0.07036592811346054, 0.051656730473041534, -0.04053853079676628, 0.0313551239669323,
		-0.02304188162088394, 0.015991171821951866, -0.010371155105531216, 0.005912464577704668, -0.0032324388157576323,
		0.0024625074584037066, -0.0018389965407550335, 0.000715862785000354, -0.00008345193782588467,
	}
)

// gelu computes x = x * (0.5 + z*P(u)).
func (e *activationEmitter) gelu(chains []chain, terms []float64) {
	each := every(chains)
	each(func(c chain) { e.VMAXPS(c.n, e.hold(-maxGELU), c.x) })
	each(func(c chain) { e.VMINPS(c.n, e.hold(maxGELU), c.n) })
	each(func(c chain) { e.VMULPS(c.t, c.n, c.n) })
	each(func(c chain) { e.VMOVAPS(c.p, e.hold(2./(maxGELU*maxGELU))) })
	each(func(c chain) { e.VFMADD213PS(c.t, c.p, e.Constant(-1)) })
	e.polynomial(chains, terms)
	each(func(c chain) { e.VFMADD213PS(c.p, c.n, e.Constant(0.5)) })
	each(func(c chain) { e.VMULPS(c.x, c.x, c.p) })
}
