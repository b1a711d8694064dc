package jpeg

import (
	"encoding/binary"
	"unsafe"

	"github.com/deploy-kernel/deploy-kernel/runtime/amd64"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd/emit"
)

// rowEmitter describes a routine on rows, as a loop over samples.
type rowEmitter struct {
	name string
	// step is the number of samples in a turn, and scale the bytes of output for each.
	step, scale int
	// margin is the number of samples at each end that the scalar routine computes,
	// because they lack a neighbor.
	margin int
	// rows is the number of inputs.
	rows int
	// before comes before the loop, and each is a turn. Both may use the registers that
	// the constants below leave.
	before, each func(e *emit.Emitter)
}

// The registers of a loop.
const (
	rowDst  = amd64.RDI
	rowA    = amd64.RSI
	rowB    = amd64.RBX
	rowC    = amd64.RDX
	rowAt   = amd64.RCX // the current sample
	rowLast = amd64.R8  // the first sample of the last turn
	rowTo   = amd64.R9  // the output of the current sample
)

// emit generates the routine. The last turn may repeat samples of the one before it. The
// scalar routine computes the margins, and rows of less than a turn.
func (r rowEmitter) emit(set string, scalar func(*rowJob)) (func(*rowJob), error) {
	var j rowJob
	e := emit.New(amd64.YMM)
	e.MOV(rowDst, emit.Field(unsafe.Offsetof(j.dst)))
	e.MOV(rowA, emit.Field(unsafe.Offsetof(j.a)))
	e.MOV(rowB, emit.Field(unsafe.Offsetof(j.b)))
	e.MOV(rowC, emit.Field(unsafe.Offsetof(j.c)))
	e.MOV(rowLast, emit.Field(unsafe.Offsetof(j.a)+8)) // the length
	e.SUB(rowLast, amd64.Imm(r.step+r.margin))
	e.MOV(rowAt, amd64.Imm(r.margin))
	if r.before != nil {
		r.before(e)
	}
	turn, done := e.NewLabel(), e.NewLabel()
	e.Align(32)
	e.Bind(turn)
	e.MOV(rowTo, rowDst)
	for range r.scale {
		e.ADD(rowTo, rowAt)
	}
	r.each(e)
	e.CMP(rowAt, rowLast)
	e.JGE(done)
	e.ADD(rowAt, amd64.Imm(r.step))
	e.CMP(rowLast, rowAt)
	e.CMOVL(rowAt, rowLast)
	e.JMP(turn)
	e.Bind(done)
	code, err := emit.Function[rowJob](e, set+"-jpeg-"+r.name)
	return func(j *rowJob) {
		n := len(j.a)
		if n < r.step+2*r.margin {
			scalar(j)
			return
		}
		whole := *j
		whole.check(r)
		if r.margin > 0 {
			*j = whole.part(0, 2*r.margin, r.scale)
			scalar(j)
			*j = whole.part(n-2*r.margin, n, r.scale)
			scalar(j)
			*j = whole
		}
		code(j)
	}, err
}

// check panics if a row is too short.
func (j *rowJob) check(r rowEmitter) {
	n := len(j.a)
	_ = j.dst[:r.scale*n]
	if r.rows > 1 {
		_ = j.b[:n]
	}
	if r.rows > 2 {
		_ = j.c[:n]
	}
}

// part returns the job for the samples from first to end of one or two rows.
func (j *rowJob) part(first, end, scale int) rowJob {
	p := rowJob{dst: j.dst[scale*first : scale*end], a: j.a[first:end]}
	if j.b != nil {
		p.b = j.b[first:end]
	}
	return p
}

// The emitters of upsampling compute words: those of the current samples, and those one
// sample to the left and to the right.
var (
	upsampleHEmitter = rowEmitter{
		name: "upsample-h", step: 16, scale: 2, margin: 1, rows: 1,
		each: func(e *emit.Emitter) {
			for i := range 3 {
				e.VPMOVZXBW(e.V(i), amd64.At(rowA).Index(rowAt, 1).Plus(i-1))
			}
			double(e, 1, 2, 2)
		},
	}
	upsampleHVEmitter = rowEmitter{
		name: "upsample-hv", step: 16, scale: 2, margin: 1, rows: 2,
		each: func(e *emit.Emitter) {
			for i := range 3 {
				e.VPMOVZXBW(e.V(i), amd64.At(rowA).Index(rowAt, 1).Plus(i-1))
				e.VPMOVZXBW(e.V(3), amd64.At(rowB).Index(rowAt, 1).Plus(i-1))
				addTriple(e, e.V(3), e.V(i))
				e.VMOVDQU(e.V(i), e.V(3))
			}
			double(e, 8, 7, 4)
		},
	}
	upsampleVEmitter = rowEmitter{
		name: "upsample-v", step: 32, scale: 1, rows: 2,
		before: func(e *emit.Emitter) {
			e.VPBROADCASTW(e.V(4), emit.Field(unsafe.Offsetof(rowJob{}.bias)))
			e.VMOVDQU(e.V(5), repeatWord(e, 1<<8|3)) // factors of pairs of bytes
		},
		each: func(e *emit.Emitter) {
			near, far, low, high := e.V(0), e.V(1), e.V(2), e.V(3)
			e.VMOVDQU(near, amd64.At(rowA).Index(rowAt, 1))
			e.VMOVDQU(far, amd64.At(rowB).Index(rowAt, 1))
			e.VPUNPCKLBW(low, near, far)
			e.VPUNPCKHBW(high, near, far)
			for _, v := range []amd64.Vec{low, high} {
				e.VPMADDUBSW(v, v, e.V(5))
				e.VPADDW(v, v, e.V(4))
				e.VPSRLW(v, v, 2)
			}
			e.VPACKUSWB(low, low, high)
			e.VMOVDQU(amd64.At(rowTo), low)
		},
	}
)

// addTriple adds 3*x to the words of d.
func addTriple(e *emit.Emitter, d, x amd64.Vec) {
	for range 3 {
		e.VPADDW(d, d, x)
	}
}

// double stores two bytes for each word: 3/4 of it and 1/4 of the word to its left, and
// the same with the word to its right. The biases are added before the sums are shifted.
// The words are in the registers 0 to 2.
func double(e *emit.Emitter, leftBias, rightBias uint16, shift uint8) {
	left, this, right := e.V(0), e.V(1), e.V(2)
	addTriple(e, left, this)
	addTriple(e, right, this)
	e.VPADDW(left, left, repeatWord(e, leftBias))
	e.VPADDW(right, right, repeatWord(e, rightBias))
	e.VPSRLW(left, left, shift)
	e.VPSRLW(right, right, shift)
	e.VPSLLW(right, right, 8)
	e.VPOR(left, left, right)
	e.VMOVDQU(amd64.At(rowTo), left)
}

// repeatWord returns the memory of a register whose words are w.
func repeatWord(e *emit.Emitter, w uint16) amd64.Mem { return e.Repeat(uint32(w) | uint32(w)<<16) }

// pattern returns the memory of bytes that repeat in both halves of a register.
func pattern(e *emit.Emitter, bytes [16]byte) amd64.Mem {
	var table []uint32
	for range 2 {
		for i := 0; i < len(bytes); i += 4 {
			table = append(table, binary.LittleEndian.Uint32(bytes[i:]))
		}
	}
	return e.Table(table)
}
