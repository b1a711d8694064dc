package simd

import (
	"fmt"
	"unsafe"

	"github.com/deploy-kernel/deploy-kernel/runtime/amd64"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd/emit"
)

// rowKind is what a routine of rows computes.
type rowKind uint8

const (
	depthwise rowKind = iota
	maxPool
	grouped
)

// rowForm distinguishes the routines that compute a row of one plane.
type rowForm struct {
	kind           rowKind
	pixels, stride int
	cols           int // of a window
	channels       int // of a group
}

func (f rowForm) String() string {
	name := [...]string{"depthwise", "maxpool", "grouped"}[f.kind]
	if f.kind == grouped {
		name += fmt.Sprint(f.channels)
	}
	return fmt.Sprintf("%s-%d-stride%d-cols%d", name, f.pixels, f.stride, f.cols)
}

// rowEmitter writes a routine of rows. The pixels of a tile have an accumulator each.
// An input is loaded once and multiplied for all pixels whose windows contain it:
//
//	for each tile {
//		sums = bias
//		for each row of the window, and each input i of a group {
//			for q := range (tile-1)*stride + cols {
//				for each column t with a pixel p = (q-t)/stride {
//					sums[p] += x[q] * w[t]
//				}
//			}
//		}
//		y = max(sums, floor)
//	}
type rowEmitter struct {
	*emit.Emitter
	rowForm
	turns   amd64.Mem // permutations
	weights int       // columns of weights in registers; the others are in memory
}

// The registers of the routine.
const (
	rowX       = amd64.RBX // the tile's inputs and results
	rowY       = amd64.RDI
	rowStep    = amd64.RCX // bytes from one row of inputs to the next
	rowTiles   = amd64.R8
	rowTurn    = amd64.R9  // permutations
	rowCount   = amd64.R10 // remaining rows
	rowInput   = amd64.RSI // inputs of the current row
	rowWeights = amd64.R11
	rowI       = amd64.R12 // remaining inputs of a group
	rowGroup   = amd64.R13 // the current input of a group
)

// maxTile is the number of pixels of a tile from which more do not help: that many
// sums hide the latency of multiply-adds.
const maxTile = 14

// rowMarks is the register for lanes that are NaN. The permutation of a group is
// there as well.
const rowMarks = 2

// plan chooses the registers. The sums come last, after the weights, two inputs and a
// permutation.
func (e *rowEmitter) plan() (tile int) {
	const others = 3
	if e.kind != maxPool && e.cols <= 7 {
		e.weights = e.cols
	}
	return min(maxTile, e.Registers()-others-e.weights)
}

func (e *rowEmitter) sum(p int) amd64.Vec { return e.V(e.Registers() - 1 - p) }

func (e *rowEmitter) weight(t int) amd64.Vec { return e.V(3 + t) }

func (e *rowEmitter) emit() {
	var w Windows
	if e.kind == grouped {
		e.makeTurns()
	}
	most := e.plan()
	e.MOV(rowX, emit.Field(unsafe.Offsetof(w.X)))
	e.MOV(rowY, emit.Field(unsafe.Offsetof(w.Y)))
	e.MOV(rowStep, emit.Field(unsafe.Offsetof(w.Row)))
	e.SHL(rowStep, amd64.Imm(2))
	tiles := (e.pixels + most - 1) / most
	e.tiles(e.pixels/tiles+1, e.pixels%tiles)
	e.tiles(e.pixels/tiles, tiles-e.pixels%tiles)
}

// makeTurns appends the permutations, for each input i of a group: every lane gets
// input i of the group that its channel belongs to.
func (e *rowEmitter) makeTurns() {
	var words []uint32
	for i := range e.channels {
		for lane := range Lanes {
			words = append(words, uint32(lane/e.channels*e.channels+i))
		}
	}
	e.turns = e.Table(words)
}

// tiles computes so many tiles of n pixels.
func (e *rowEmitter) tiles(n, count int) {
	if count == 0 {
		return
	}
	e.MOV(rowTiles, amd64.Imm(count))
	loop := e.NewLabel()
	e.Bind(loop)
	for part := range e.Parts() {
		e.tile(n, part*e.Width.Bytes())
	}
	e.ADD(rowX, amd64.Imm(n*e.stride*emit.Pixel))
	e.ADD(rowY, amd64.Imm(n*emit.Pixel))
	e.DEC(rowTiles)
	e.JNZ(loop)
}

// tile computes n pixels, in the register of each that begins at part bytes.
func (e *rowEmitter) tile(n, part int) {
	var w Windows
	if e.kind == maxPool {
		e.VMOVUPS(e.sum(0), e.Constant(None))
	} else {
		e.MOV(rowTurn, emit.Field(unsafe.Offsetof(w.Bias)))
		e.VMOVUPS(e.sum(0), amd64.At(rowTurn).Plus(part))
	}
	for p := 1; p < n; p++ {
		e.VMOVAPS(e.sum(p), e.sum(0))
	}
	e.LEA(rowInput, amd64.At(rowX).Plus(part))
	if e.kind != maxPool {
		e.MOV(rowWeights, emit.Field(unsafe.Offsetof(w.W)))
		e.ADD(rowWeights, amd64.Imm(part))
	}
	e.MOV(rowCount, emit.Field(unsafe.Offsetof(w.Rows)))
	row, done := e.NewLabel(), e.NewLabel()
	e.TEST(rowCount, rowCount)
	e.JZ(done)
	e.Bind(row)
	if e.kind == grouped {
		e.groups(n, part)
	} else {
		e.slide(n, func(q int) amd64.Vec {
			x := e.V(q % 2)
			e.VMOVUPS(x, amd64.At(rowInput).Plus(q*emit.Pixel))
			return x
		})
	}
	e.ADD(rowInput, rowStep)
	e.DEC(rowCount)
	e.JNZ(row)
	e.Bind(done)
	least := e.V(0)
	if e.kind != maxPool {
		e.VBROADCASTSS(least, emit.Field(e.floorAt()))
	}
	for p := range n {
		if e.kind != maxPool {
			e.Above(e.sum(p), least)
		}
		e.VMOVUPS(amd64.At(rowY).Plus(p*emit.Pixel+part), e.sum(p))
	}
}

// floorAt returns the offset of the job's floor.
func (e *rowEmitter) floorAt() uintptr {
	if e.kind == grouped {
		return unsafe.Offsetof(Grouped{}.Floor)
	}
	return unsafe.Offsetof(Windows{}.Floor)
}

// groups adds a row of the window, for each input of a group. If a register holds no
// more than one group, its lanes read the same value, which is broadcast from memory.
// Otherwise a permutation gives every lane the input of its own group.
func (e *rowEmitter) groups(n, part int) {
	wide := e.channels >= e.Lanes()
	e.MOV(rowI, amd64.Imm(e.channels))
	if wide {
		// The group of the part begins at a multiple of its channels.
		e.LEA(rowGroup, amd64.At(rowInput).Plus(part/(emit.Float*e.channels)*(emit.Float*e.channels)-part))
	} else {
		e.LEA(rowTurn, e.turns.Plus(part))
	}
	loop := e.NewLabel()
	e.Bind(loop)
	if !wide {
		e.VMOVUPS(e.V(rowMarks), amd64.At(rowTurn))
		e.ADD(rowTurn, amd64.Imm(emit.Pixel))
	}
	e.slide(n, func(q int) amd64.Vec {
		x := e.V(q % 2)
		if wide {
			e.VBROADCASTSS(x, amd64.At(rowGroup).Plus(q*emit.Pixel))
		} else {
			e.VPERMPS(x, e.V(rowMarks), amd64.At(rowInput).Plus(q*emit.Pixel))
		}
		return x
	})
	if wide {
		e.ADD(rowGroup, amd64.Imm(emit.Float))
	}
	e.DEC(rowI)
	e.JNZ(loop)
}

// slide adds the products, or takes the maxima, of the inputs that load returns and
// one row of weights. It advances the weights.
func (e *rowEmitter) slide(n int, load func(q int) amd64.Vec) {
	weight := func(t int) amd64.Mem { return amd64.At(rowWeights).Plus(t * emit.Pixel) }
	for t := range e.weights {
		e.VMOVUPS(e.weight(t), weight(t))
	}
	for q := range (n-1)*e.stride + e.cols {
		var x amd64.Vec
		loaded := false
		for t := range e.cols {
			p := (q - t) / e.stride
			if q < t || (q-t)%e.stride != 0 || p >= n {
				continue
			}
			if !loaded {
				x, loaded = load(q), true
				if e.kind == maxPool {
					e.FindNaN(x, e.V(rowMarks))
				}
			}
			switch {
			case e.kind == maxPool:
				e.Larger(e.sum(p), x, e.V(rowMarks))
			case t < e.weights:
				e.VFMADD231PS(e.sum(p), x, e.weight(t))
			default:
				e.VFMADD231PS(e.sum(p), x, weight(t))
			}
		}
	}
	if e.kind != maxPool {
		e.ADD(rowWeights, amd64.Imm(e.cols*emit.Pixel))
	}
}

// rowRoutines generates the routines of rows at their first use.
type rowRoutines struct {
	width amd64.Width
	name  string // of the set
	code  routines[rowForm]
}

// depthwise implements Set.Depthwise.
func (r *rowRoutines) depthwise(w *Windows) { r.windows(w, depthwise) }

// maxPool implements Set.MaxPool.
func (r *rowRoutines) maxPool(w *Windows) { r.windows(w, maxPool) }

func (r *rowRoutines) windows(w *Windows, kind rowKind) {
	if w.Pixels == 0 {
		return
	}
	form := rowForm{kind: kind, pixels: w.Pixels, stride: w.Stride, cols: w.Cols}
	reach := (w.Rows-1)*w.Row + ((w.Pixels-1)*w.Stride+w.Cols)*Lanes
	if w.Rows > 0 && len(w.X) < reach || len(w.Y) < w.Pixels*Lanes ||
		kind == depthwise && (len(w.W) < w.Rows*w.Cols*Lanes || len(w.Bias) < Lanes) {
		panic("simd: internal error: a job of windows has too little memory")
	}
	if w.code == nil || w.form != form {
		w.form, w.code = form, generated(&r.code, form, func() (func(*Windows), error) { return emitRow[Windows](r, form) })
	}
	w.code(w)
}

// grouped implements Set.Grouped.
func (r *rowRoutines) grouped(g *Grouped) {
	if g.Pixels == 0 {
		return
	}
	form := rowForm{kind: grouped, pixels: g.Pixels, stride: g.Stride, cols: 3, channels: g.Channels}
	reach := (g.Rows-1)*g.Row + ((g.Pixels-1)*g.Stride+3)*Lanes
	if g.Rows > 0 && len(g.X) < reach || len(g.Y) < g.Pixels*Lanes || len(g.W) < g.Rows*g.Channels*3*Lanes || len(g.Bias) < Lanes {
		panic("simd: internal error: a job of groups has too little memory")
	}
	if g.code == nil || g.form != form {
		g.form, g.code = form, generated(&r.code, form, func() (func(*Grouped), error) { return emitRow[Grouped](r, form) })
	}
	g.code(g)
}

// emitRow generates a routine. The fields that it reads have the same offsets in
// Windows and Grouped, but for the floor.
func emitRow[T any](r *rowRoutines, form rowForm) (func(*T), error) {
	e := &rowEmitter{Emitter: emit.New(r.width), rowForm: form}
	e.emit()
	return emit.Function[T](e.Emitter, r.name+"-"+form.String())
}
