package vector

import (
	"math"
	"sync"
	"unsafe"

	"github.com/deploy-kernel/deploy-kernel/runtime/amd64"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd/emit"
)

// vectorSets returns the sets of machine code that this CPU can run, the fastest first,
// and why there are none where there could be.
var vectorSets = sync.OnceValues(func() ([]*Set, error) { return emit.Sets(Scalar, generate, selfTest) })

// job is the argument of the routines.
type job struct {
	x, y      *float64   // of Dot the sums, of Positive and Cross the inputs
	columns   *[]float32 // slices
	count     int        // columns
	at        int        // the first element of the columns
	w         *float64
	some, all *uint64 // the results of Positive, Split and Cross
	of        *uint32
	n         int // elements
	found     int // words of Cross
	bias      float64
	low, high float32
	bad       [16]float32 // zeros, or NaN, in the lanes of a register
}

// jobs holds unused jobs: code keeps its argument in the heap.
var jobs = sync.Pool{New: func() any { return new(job) }}

// run calls a routine with a job that set has filled in, and then result, which may be
// nil.
func run(code func(*job), set, result func(*job)) {
	j := jobs.Get().(*job)
	set(j)
	code(j)
	if result != nil {
		result(j)
	}
	*j = job{}
	jobs.Put(j)
}

// maxElements is the number of elements that one call of a routine takes. It limits
// the time of a call: a garbage collection waits for it.
const maxElements = 1 << 12

func generate(name string, width amd64.Width) (*Set, error) {
	s := &Set{Name: name, Cross: cross}
	dot, err := emitDot(width, name)
	if err != nil {
		return nil, err
	}
	s.Dot = func(dst []float64, columns [][]float32, at int, w []float64, bias float64) {
		for len(dst) > 0 {
			n := min(len(dst), maxElements)
			for _, c := range columns {
				_ = c[at : at+n]
			}
			run(dot, func(j *job) {
				j.x, j.n, j.at, j.bias = unsafe.SliceData(dst), n, at, bias
				j.columns, j.count, j.w = unsafe.SliceData(columns), len(columns), unsafe.SliceData(w[:len(columns)])
			}, nil)
			dst, at = dst[n:], at+n
		}
	}
	positive, err := emitPositive(width, name)
	if err != nil {
		return nil, err
	}
	s.Positive = func(bits []uint64, x []float64) {
		x = x[:len(bits)*Lanes]
		for at := 0; at < len(x); at += maxElements {
			run(positive, func(j *job) {
				j.x, j.some, j.n = &x[at], &bits[at/Lanes], min(maxElements, len(x)-at)
			}, nil)
		}
	}
	split, err := emitSplit(width, name)
	if err != nil {
		return nil, err
	}
	s.Split = func(some, all []uint64, columns [][]float32, low, high float32) bool {
		n, finite := len(some)*Lanes, true
		all = all[:len(some)]
		for _, c := range columns {
			_ = c[:n]
		}
		for at := 0; at < n && finite; at += maxElements {
			run(split, func(j *job) {
				j.some, j.all, j.at, j.n = &some[at/Lanes], &all[at/Lanes], at, min(maxElements, n-at)
				j.columns, j.count, j.low, j.high = unsafe.SliceData(columns), len(columns), low, high
			}, func(j *job) {
				for _, v := range j.bad {
					finite = finite && v == 0
				}
			})
		}
		return finite
	}
	if width != amd64.ZMM {
		return s, nil
	}
	crossing, err := emitCross(name)
	if err != nil {
		return nil, err
	}
	s.Cross = func(dst []uint64, a, b []float64, of []uint32) int {
		const step = 8
		found := 0
		for n := min(len(of), maxElements) / step * step; n > 0; n = min(len(of), maxElements) / step * step {
			run(crossing, func(j *job) {
				j.x, j.y, j.of, j.n = unsafe.SliceData(a[:n]), unsafe.SliceData(b[:n]), unsafe.SliceData(of), n
				j.all = unsafe.SliceData(dst[found:][:n])
			}, func(j *job) { found += j.found })
			a, b, of = a[n:], b[n:], of[n:]
		}
		return found + cross(dst[found:], a, b, of)
	}
	return s, nil
}

// Registers that several routines use.
const (
	elements = amd64.RCX // remaining
	offset   = amd64.R8  // of the current elements in a column, in bytes
	next     = amd64.R9  // the next column's slice
	columnAt = amd64.R10 // its data
	columns  = amd64.R11 // remaining

	sliceSize = int(unsafe.Sizeof([]float32{}))
	double    = 8
)

// firstColumn points to the first column.
func firstColumn(e *emit.Emitter) {
	var j job
	e.MOV(next, emit.Field(unsafe.Offsetof(j.columns)))
	e.MOV(columns, emit.Field(unsafe.Offsetof(j.count)))
}

// nextColumn loads the address of the next column's current elements.
func nextColumn(e *emit.Emitter) {
	e.MOV(columnAt, amd64.At(next))
	e.ADD(columnAt, offset)
	e.ADD(next, amd64.Imm(sliceSize))
}

// emitDot writes Set.Dot. Each turn computes four registers of sums.
func emitDot(width amd64.Width, set string) (func(*job), error) {
	const sums = 4
	var j job
	e := emit.New(width)
	dst, w := amd64.RBX, amd64.RDI
	e.MOV(dst, emit.Field(unsafe.Offsetof(j.x)))
	e.MOV(elements, emit.Field(unsafe.Offsetof(j.n)))
	e.MOV(offset, emit.Field(unsafe.Offsetof(j.at)))
	e.SHL(offset, amd64.Imm(2))
	turn, column, done := e.NewLabel(), e.NewLabel(), e.NewLabel()
	e.Bind(turn)
	for i := range sums {
		e.VBROADCASTSD(e.V(i), emit.Field(unsafe.Offsetof(j.bias)))
	}
	firstColumn(e)
	e.MOV(w, emit.Field(unsafe.Offsetof(j.w)))
	e.Bind(column)
	e.DEC(columns)
	e.JS(done)
	nextColumn(e)
	factor, v := e.V(sums), e.V(sums+1)
	e.VBROADCASTSD(factor, amd64.At(w))
	e.ADD(w, amd64.Imm(double))
	for i := range sums {
		e.VCVTPS2PD(v, amd64.At(columnAt).Plus(i*width.Bytes()/2))
		e.VMULPD(v, v, factor)
		e.VADDPD(e.V(i), e.V(i), v)
	}
	e.JMP(column)
	e.Bind(done)
	for i := range sums {
		e.VMOVUPD(amd64.At(dst).Plus(i*width.Bytes()), e.V(i))
	}
	e.ADD(dst, amd64.Imm(sums*width.Bytes()))
	e.ADD(offset, amd64.Imm(sums*width.Bytes()/2))
	e.SUB(elements, amd64.Imm(sums*width.Bytes()/double))
	e.JNZ(turn)
	return emit.Function[job](e, set+"-blend-dot")
}

// emitPositive writes Set.Positive, one word of bits a turn.
func emitPositive(width amd64.Width, set string) (func(*job), error) {
	var j job
	e := emit.New(width)
	bits, x, word, part := amd64.RBX, amd64.RDI, amd64.RSI, amd64.RDX
	e.MOV(bits, emit.Field(unsafe.Offsetof(j.some)))
	e.MOV(x, emit.Field(unsafe.Offsetof(j.x)))
	e.MOV(elements, emit.Field(unsafe.Offsetof(j.n)))
	zero := e.V(0)
	e.Zero(zero)
	turn := e.NewLabel()
	e.Bind(turn)
	per := width.Bytes() / double
	e.XOR(word.Low(), word.Low())
	for i := 0; i < Lanes; i += per {
		values := amd64.At(x).Plus(i * double)
		if width == amd64.ZMM {
			e.VCMPPD(amd64.K1, zero, values, amd64.Less)
			e.KMOVB(amd64.At(bits).Plus(i/8), amd64.K1)
			continue
		}
		e.VCMPPD(e.V(1), zero, values, amd64.Less)
		e.VMOVMSKPD(part, e.V(1))
		if i > 0 {
			e.SHL(part, amd64.Imm(i))
		}
		e.OR(word, part)
	}
	if width != amd64.ZMM {
		e.MOV(amd64.At(bits), word)
	}
	e.ADD(bits, amd64.Imm(8))
	e.ADD(x, amd64.Imm(Lanes*double))
	e.SUB(elements, amd64.Imm(Lanes))
	e.JNZ(turn)
	return emit.Function[job](e, set+"-blend-positive")
}

// emitSplit writes Set.Split. Each turn passes over the columns with four registers
// of elements.
func emitSplit(width amd64.Width, set string) (func(*job), error) {
	const groups = 4
	var j job
	e := emit.New(width)
	some, all, part := amd64.RBX, amd64.RDI, amd64.RDX
	most := func(i int) amd64.Vec { return e.V(i) }
	least := func(i int) amd64.Vec { return e.V(groups + i) }
	bad, low, high, v, t := e.V(8), e.V(9), e.V(10), e.V(11), e.V(12)
	e.MOV(some, emit.Field(unsafe.Offsetof(j.some)))
	e.MOV(all, emit.Field(unsafe.Offsetof(j.all)))
	e.MOV(elements, emit.Field(unsafe.Offsetof(j.n)))
	e.MOV(offset, emit.Field(unsafe.Offsetof(j.at)))
	e.SHL(offset, amd64.Imm(2))
	e.Zero(bad)
	e.VBROADCASTSS(low, emit.Field(unsafe.Offsetof(j.low)))
	e.VBROADCASTSS(high, emit.Field(unsafe.Offsetof(j.high)))
	turn, column, done := e.NewLabel(), e.NewLabel(), e.NewLabel()
	e.Bind(turn)
	firstColumn(e)
	nextColumn(e)
	for i := range groups {
		e.VMOVUPS(most(i), amd64.At(columnAt).Plus(i*width.Bytes()))
		e.VMOVAPS(least(i), most(i))
		e.VSUBPS(t, most(i), most(i))
		e.VADDPS(bad, bad, t)
	}
	e.Bind(column)
	e.DEC(columns)
	e.JZ(done)
	nextColumn(e)
	for i := range groups {
		e.VMOVUPS(v, amd64.At(columnAt).Plus(i*width.Bytes()))
		e.VSUBPS(t, v, v)
		e.VADDPS(bad, bad, t)
		e.VMAXPS(most(i), most(i), v)
		e.VMINPS(least(i), least(i), v)
	}
	e.JMP(column)
	e.Bind(done)
	above := func(limit, x amd64.Vec, d amd64.Mem) {
		if width == amd64.ZMM {
			e.VCMPPS(amd64.K1, limit, x, amd64.Less)
			e.KMOVW(d, amd64.K1)
			return
		}
		e.VCMPPS(t, limit, x, amd64.Less)
		e.VMOVMSKPS(part, t)
		e.MOVB(d, part)
	}
	bytes := e.Lanes() / 8 // of bits
	for i := range groups {
		above(low, most(i), amd64.At(some).Plus(i*bytes))
		above(high, least(i), amd64.At(all).Plus(i*bytes))
	}
	e.ADD(some, amd64.Imm(groups*bytes))
	e.ADD(all, amd64.Imm(groups*bytes))
	e.ADD(offset, amd64.Imm(groups*width.Bytes()))
	e.SUB(elements, amd64.Imm(groups*e.Lanes()))
	e.JNZ(turn)
	e.VMOVUPS(emit.Field(unsafe.Offsetof(j.bad)), bad)
	return emit.Function[job](e, set+"-blend-split")
}

// emitCross writes Set.Cross for AVX-512, eight elements a turn.
func emitCross(set string) (func(*job), error) {
	const step = 8
	var j job
	e := emit.New(amd64.ZMM)
	dst, a, b, of, moved := amd64.RBX, amd64.RDI, amd64.RSI, amd64.RDX, amd64.R8
	zero, units, most, one := e.V(0), e.V(1), e.V(2), e.V(3)
	u, v, place, what := e.V(4), e.V(5), e.V(6), e.V(7)
	e.MOV(dst, emit.Field(unsafe.Offsetof(j.all)))
	e.MOV(a, emit.Field(unsafe.Offsetof(j.x)))
	e.MOV(b, emit.Field(unsafe.Offsetof(j.y)))
	e.MOV(of, emit.Field(unsafe.Offsetof(j.of)))
	e.MOV(elements, emit.Field(unsafe.Offsetof(j.n)))
	e.Zero(zero)
	fill := func(d amd64.Vec, bits uint64) {
		e.MOV(moved, amd64.Imm(int64(bits)))
		e.VPBROADCASTQ(d, moved)
	}
	fill(units, math.Float64bits(Unit))
	fill(most, math.Float64bits(Unit-1))
	fill(one, 1)
	turn := e.NewLabel()
	e.Bind(turn)
	e.VMOVUPD(u, amd64.At(a))
	e.VMOVUPD(v, amd64.At(b))
	e.VCMPPD(amd64.K1, zero, v, amd64.Less)
	e.VCMPPD(amd64.K2, zero, u, amd64.Less)
	e.KXORW(amd64.K2, amd64.K1, amd64.K2)
	e.VSUBPD(place, u, v)
	e.VDIVPD(place, u, place)
	e.VMULPD(place, place, units)
	e.VMINPD(place, place, most)
	e.VCVTTPD2UQQ(place, place)
	e.VPSLLQ(place, place, 32)
	e.VPMOVZXDQ(what, amd64.At(of))
	e.VPSLLQ(what, what, 1)
	e.VPORD(place, place, what)
	e.VMOVDQU64(what.Zero(amd64.K1), one)
	e.VPORD(place, place, what)
	e.VPCOMPRESSQ(place.Zero(amd64.K2), place)
	e.VMOVDQU64(amd64.At(dst), place)
	e.KMOVW(moved, amd64.K2)
	e.POPCNT(moved, moved)
	e.LEA(dst, amd64.At(dst).Index(moved, double))
	e.ADD(a, amd64.Imm(step*double))
	e.ADD(b, amd64.Imm(step*double))
	e.ADD(of, amd64.Imm(step*4))
	e.SUB(elements, amd64.Imm(step))
	e.JNZ(turn)
	e.SUB(dst, emit.Field(unsafe.Offsetof(j.all)))
	e.SHR(dst, amd64.Imm(3))
	e.MOV(emit.Field(unsafe.Offsetof(j.found)), dst)
	return emit.Function[job](e, set+"-blend-cross")
}
