package routines

import (
	"fmt"
	"sync"
	"unsafe"

	"github.com/deploy-kernel/deploy-kernel/runtime/amd64"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd/emit"
)

// gradForm distinguishes the routines of GroupedGrad.
type gradForm struct{ channels, cols, stride int }

// gradRoutines generates the routines of GroupedGrad at their first use.
type gradRoutines struct {
	width amd64.Width
	name  string // of the set
	mu    sync.Mutex
	code  map[gradForm]func(*GroupedGrad)
}

// run implements Set.GroupedGrad.
func (r *gradRoutines) run(g *GroupedGrad) {
	reach := ((g.Lines-1)*g.Stride+g.Rows-1)*g.XRow + ((g.Pixels-1)*g.Stride+g.Cols)*lanes
	if g.Lines == 0 || g.Pixels == 0 || g.Rows == 0 {
		return
	}
	if len(g.X) < reach || len(g.Y) < g.Lines*g.Pixels*lanes || len(g.W) < g.Rows*g.Channels*g.Cols*lanes {
		panic("routines: internal error: a job of GroupedGrad has too little memory")
	}
	r.routine(gradForm{g.Channels, g.Cols, g.Stride})(g)
}

func (r *gradRoutines) routine(f gradForm) func(*GroupedGrad) {
	r.mu.Lock()
	defer r.mu.Unlock()
	code, ok := r.code[f]
	if !ok {
		e := &gradEmitter{Emitter: emit.New(r.width), gradForm: f}
		e.emit()
		var err error
		if code, err = emit.Function[GroupedGrad](e.Emitter, fmt.Sprintf("%s-groupedgrad%d-cols%d-stride%d", r.name, f.channels, f.cols, f.stride)); err != nil {
			panic("routines: internal error: " + err.Error())
		}
		if r.code == nil {
			r.code = map[gradForm]func(*GroupedGrad){}
		}
		r.code[f] = code
	}
	return code
}

// gradEmitter writes a routine of GroupedGrad: for each row of the window and input of
// a group, it keeps the sums of the columns in registers while it passes over all
// pixels.
type gradEmitter struct {
	*emit.Emitter
	gradForm
	turns amd64.Mem
}

// The registers of the routine.
const (
	gradX     = amd64.RBX // the first input of the current row of the window
	gradW     = amd64.RDI
	gradRow   = amd64.RCX // bytes from one row of inputs to the next
	gradI     = amd64.RDX // inputs of the group that are done
	gradRows  = amd64.RSI // remaining rows of the window
	gradLines = amd64.R8  // remaining lines
	gradLine  = amd64.R9  // the current line of inputs
	gradY     = amd64.R10
	gradN     = amd64.R11 // remaining pixels
	gradAt    = amd64.R12 // the current pixel's inputs
	gradTurn  = amd64.R13
)

// maxSums is the number of columns whose sums are in registers at once.
const maxSums = 7

func (e *gradEmitter) emit() {
	var g GroupedGrad
	if e.channels > 1 && e.channels < e.Lanes() {
		var words []uint32
		for i := range e.channels {
			for lane := range lanes {
				words = append(words, uint32(lane/e.channels*e.channels+i))
			}
		}
		e.turns = e.Table(words)
	}
	e.MOV(gradX, emit.Field(unsafe.Offsetof(g.X)))
	e.MOV(gradW, emit.Field(unsafe.Offsetof(g.W)))
	e.MOV(gradRow, emit.Field(unsafe.Offsetof(g.XRow)))
	e.SHL(gradRow, amd64.Imm(2))
	e.MOV(gradRows, emit.Field(unsafe.Offsetof(g.Rows)))
	rows, inputs := e.NewLabel(), e.NewLabel()
	e.Bind(rows)
	e.XOR(gradI.Low(), gradI.Low())
	e.Bind(inputs)
	for first := 0; first < e.cols; first += maxSums {
		for part := range e.Parts() {
			e.columns(first, min(maxSums, e.cols-first), part)
		}
	}
	e.ADD(gradW, amd64.Imm(e.cols*emit.Pixel))
	e.INC(gradI)
	e.CMP(gradI, amd64.Imm(e.channels))
	e.JL(inputs)
	e.ADD(gradX, gradRow)
	e.DEC(gradRows)
	e.JNZ(rows)
}

// columns adds to the weights of some columns, for one input of the groups and one
// part of the lanes.
func (e *gradEmitter) columns(first, count, part int) {
	var g GroupedGrad
	bytes := part * e.Width.Bytes()
	sum := func(t int) amd64.Vec { return e.V(3 + t) }
	weight := func(t int) amd64.Mem { return amd64.At(gradW).Plus((first+t)*emit.Pixel + bytes) }
	y, x, turn := e.V(0), e.V(1), e.V(2)
	for t := range count {
		e.VMOVUPS(sum(t), weight(t))
	}
	turned := e.channels > 1 && e.channels < e.Lanes()
	if turned {
		e.MOV(gradAt, gradI)
		e.SHL(gradAt, amd64.Imm(6)) // the size of a permutation
		e.LEA(gradTurn, e.turns.Plus(bytes))
		e.VMOVUPS(turn, amd64.At(gradTurn).Index(gradAt, 1))
	}
	e.MOV(gradLine, gradX)
	e.MOV(gradY, emit.Field(unsafe.Offsetof(g.Y)))
	e.MOV(gradLines, emit.Field(unsafe.Offsetof(g.Lines)))
	lines, pixels := e.NewLabel(), e.NewLabel()
	e.Bind(lines)
	e.MOV(gradAt, gradLine)
	e.MOV(gradN, emit.Field(unsafe.Offsetof(g.Pixels)))
	e.Bind(pixels)
	e.VMOVUPS(y, amd64.At(gradY).Plus(bytes))
	for t := range count {
		at := amd64.At(gradAt).Plus((first + t) * emit.Pixel)
		switch {
		case e.channels == 1:
			e.VFMADD231PS(sum(t), y, at.Plus(bytes))
			continue
		case turned:
			e.VPERMPS(x, turn, at.Plus(bytes))
		default: // one group, or a part of it, fills the register
			group := bytes / (emit.Float * e.channels) * (emit.Float * e.channels)
			e.VBROADCASTSS(x, at.Index(gradI, emit.Float).Plus(group))
		}
		e.VFMADD231PS(sum(t), y, x)
	}
	e.ADD(gradAt, amd64.Imm(e.stride*emit.Pixel))
	e.ADD(gradY, amd64.Imm(emit.Pixel))
	e.DEC(gradN)
	e.JNZ(pixels)
	for range e.stride {
		e.ADD(gradLine, gradRow)
	}
	e.DEC(gradLines)
	e.JNZ(lines)
	for t := range count {
		e.VMOVUPS(weight(t), sum(t))
	}
}
