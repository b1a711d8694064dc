package simd

import (
	"fmt"
	"math/bits"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/deploy-kernel/deploy-kernel/runtime/amd64"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd/emit"
)

// The tile of GEMM: so many pixels by one panel. Its accumulators fill the registers,
// but for a row of the panel and two broadcast inputs. Each input is broadcast from
// memory, which occupies a load port only. A broadcast from a register is a shuffle,
// and on Intel a shuffle takes a port that multiply-adds need.
//
//	AVX-512: 14 pixels x 32 columns = 28 accumulators, 2 weights, 2 inputs
//	AVX2:     6 pixels x 16 columns = 12 accumulators, 2 weights, 2 inputs
const (
	gemmRowsZMM = 14
	gemmRowsYMM = 6
)

// gemmForm distinguishes the routines of GEMM for one number of columns.
type gemmForm struct {
	rows       int // pixels of a tile
	accumulate bool
	partials   int
	residual   bool
	floor      bool
	// ahead is the number of lines of the next panel that the routine prefetches
	// for every 16 values of a pixel: 0, or 2 to the power of 0 to 4.
	ahead int
}

// forms is the number of forms with the same rows.
const forms = 24 * 6

// index returns the form's place among those with the same rows.
func (f gemmForm) index() int {
	i := f.partials
	if f.accumulate {
		i = 3
	}
	i *= 2
	if f.residual && !f.accumulate {
		i++
	}
	i *= 2
	if f.floor {
		i++
	}
	return i*6 + bits.Len(uint(f.ahead))
}

// gemmRoutines generates the routines of GEMM for panels of one width at their first
// use.
type gemmRoutines struct {
	width   amd64.Width
	columns int
	name    string // of the set
	mu      sync.Mutex
	code    [gemmRowsZMM + 1][forms]atomic.Pointer[func(*GEMM)]
}

// maxRows returns the number of pixels in the largest tile.
func (r *gemmRoutines) maxRows() int {
	if r.width == amd64.ZMM {
		return gemmRowsZMM
	}
	return gemmRowsYMM
}

// run implements Set.GEMM. Pixels whose inputs are equally far apart form a run,
// which is divided into tiles of nearly the same size.
func (r *gemmRoutines) run(g *GEMM) {
	form := gemmForm{accumulate: g.Accumulate, residual: g.Residual != nil, floor: g.Floor != None}
	for _, part := range g.Partials {
		if part != nil {
			form.partials++
		}
	}
	k := g.check(r.columns)
	g.stepX, g.stepY = emit.Float*step(g.XStep), emit.Float*step(g.YStep)
	g.stepPartial, g.stepResidual = emit.Float*step(g.PartialStep), emit.Float*step(g.ResidualStep)
	g.tile = g.First
	form.ahead = r.ahead(g)
	if form.ahead > 0 {
		g.ahead = &g.Ahead[0]
	}
	for g.tile < g.End {
		n, distance := equallySpaced(g.In[g.tile:g.End])
		g.stepPixel = emit.Float * distance
		tiles := (n + r.maxRows() - 1) / r.maxRows()
		form.rows = n/tiles + 1
		r.row(g, form, n%tiles, k)
		form.rows--
		r.row(g, form, tiles-n%tiles, k)
	}
}

// maxAhead is the greatest number of lines that are prefetched for 16 values of a
// pixel. More would take the ports of loads from the product.
const maxAhead = 16

// ahead returns how many lines of the next panel the tiles prefetch for every 16
// values of a pixel, so that they read a panel's worth in all: a power of 2. With
// many tiles, the caches' own prefetchers keep up.
func (r *gemmRoutines) ahead(g *GEMM) int {
	tiles := (g.End - g.First + r.maxRows() - 1) / r.maxRows()
	lines := Lanes * r.columns * emit.Float / line // of weights for 16 values
	if len(g.Ahead) == 0 || tiles == 0 || tiles > lines {
		return 0
	}
	return min(maxAhead, 1<<bits.Len(uint((lines-1)/tiles)))
}

// line is the number of bytes in a cache line.
const line = 64

// maxSteps limits the values of all pixels that one call of a routine multiplies, and
// so its time to about 100 microseconds. A garbage collection waits for the call.
const maxSteps = 300_000

// row computes so many tiles of a form.
func (r *gemmRoutines) row(g *GEMM, f gemmForm, tiles, k int) {
	for tiles > 0 {
		g.tiles = min(tiles, 1+maxSteps/(1+f.rows*k))
		tiles -= g.tiles
		r.routine(f)(g)
	}
}

// check returns the number of values of a pixel. It panics if the job's tables or
// weights are too short.
func (g *GEMM) check(columns int) int {
	k := 0
	for _, s := range g.Segments {
		k += s.K
	}
	if k*columns > len(g.W) || g.End > min(len(g.In), len(g.Out)) || g.Residual != nil && g.End > len(g.ResidualAt) {
		panic("simd: internal error: a job of GEMM has too few weights or pixels")
	}
	return k
}

// equallySpaced returns the length of the longest start of places whose elements are
// equally far apart, and the distance.
func equallySpaced(places []int32) (n, distance int) {
	if len(places) < 2 {
		return len(places), 0
	}
	d := places[1] - places[0]
	for n = 2; n < len(places) && places[n]-places[n-1] == d; n++ {
	}
	return n, int(d)
}

// routine returns the routine of a form.
func (r *gemmRoutines) routine(f gemmForm) func(*GEMM) {
	place := &r.code[f.rows][f.index()]
	if code := place.Load(); code != nil {
		return *code
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if code := place.Load(); code != nil {
		return *code
	}
	code, err := r.generate(f)
	if err != nil {
		panic("simd: internal error: " + err.Error())
	}
	place.Store(&code)
	return code
}

func (r *gemmRoutines) generate(f gemmForm) (func(*GEMM), error) {
	e := &gemmEmitter{Emitter: emit.New(r.width), gemmForm: f, columns: r.columns}
	e.emit()
	name := fmt.Sprintf("%s-gemm-%dx%d", r.name, f.rows, r.columns)
	switch {
	case f.accumulate:
		name += "-accumulate"
	case f.partials > 0:
		name += fmt.Sprintf("-partials%d", f.partials)
	}
	if f.residual && !f.accumulate {
		name += "-residual"
	}
	if f.floor {
		name += "-floor"
	}
	if f.ahead > 0 {
		name += fmt.Sprintf("-ahead%d", f.ahead)
	}
	return emit.Function[GEMM](e.Emitter, name)
}

// gemmEmitter writes a routine that computes a row of tiles, as GEMM defines them:
//
//	for ; g.tiles > 0; g.tiles-- {
//		sums = start
//		for each segment, and each 16 values of it {
//			prefetch lines of the next panel
//			for each value, unrolled {
//				sums[r][j] += x[r] * w[j]
//			}
//		}
//		for each value that remains {
//			sums[r][j] += x[r] * w[j]
//		}
//		y = max(sums, floor)
//		g.tile += rows
//	}
type gemmEmitter struct {
	*emit.Emitter
	gemmForm
	columns int
}

// The registers of the routine. The inputs of pixel r are at x + r*distance, those from
// lower on at xLower + (r-lower)*distance. Multiples of the distance are in registers.
const (
	gemmX       = amd64.RBX
	gemmXLower  = amd64.R11
	gemmW       = amd64.RDI
	gemmK       = amd64.RSI
	gemmSegment = amd64.RDX
	gemmStep    = amd64.RCX
	gemmAhead   = amd64.R12
)

// lower is the first pixel that xLower serves.
const lower = gemmRowsZMM / 2

// odd holds the registers of 1, 3 and 5 distances. Scales make the other multiples
// below lower.
var odd = [...]amd64.Reg{gemmStep, amd64.R8, amd64.R9}

// input returns the address of value u of pixel r.
func (e *gemmEmitter) input(r, u int) amd64.Mem {
	m := amd64.At(gemmX).Plus(emit.Float * u)
	if r >= lower {
		m = amd64.At(gemmXLower).Plus(emit.Float * u)
		r -= lower
	}
	scale := 1
	for r > 0 && r%2 == 0 && scale < 8 {
		r, scale = r/2, scale*2
	}
	if r == 0 {
		return m
	}
	return m.Index(odd[r/2], scale)
}

// width of a row of the panel in registers.
func (e *gemmEmitter) panel() int { return e.columns / e.Lanes() }

// sum returns the accumulator of pixel r and register j of the panel. Weights and
// inputs are in the registers before.
func (e *gemmEmitter) sum(r, j int) amd64.Vec {
	return e.V(e.Registers() - 1 - r*e.panel() - j)
}

// each calls f with every accumulator, and the offset of its columns in their plane.
// It calls next before the columns of the next plane.
func (e *gemmEmitter) each(r int, next func(), f func(sum amd64.Vec, bytes int)) {
	for j := range e.panel() {
		bytes := j * e.Width.Bytes()
		if bytes > 0 && bytes%emit.Pixel == 0 {
			next()
		}
		f(e.sum(r, j), bytes%emit.Pixel)
	}
}

func (e *gemmEmitter) emit() {
	var g GEMM
	e.MOV(gemmStep, emit.Field(unsafe.Offsetof(g.stepPixel)))
	e.LEA(odd[1], amd64.At(gemmStep).Index(gemmStep, 2)) // 3 distances
	e.LEA(odd[2], amd64.At(gemmStep).Index(gemmStep, 4)) // 5 distances
	if e.ahead > 0 {
		e.MOV(gemmAhead, emit.Field(unsafe.Offsetof(g.ahead)))
	}
	tile := e.NewLabel()
	e.Bind(tile)
	e.start()
	e.product()
	e.finish()
	e.JNZ(tile)
}

// start sets the accumulators.
func (e *gemmEmitter) start() {
	var g GEMM
	p, at, from, table := gemmX, gemmK, gemmW, gemmSegment
	if e.accumulate {
		for r := range e.rows {
			e.each(r, func() {}, func(sum amd64.Vec, _ int) { e.Zero(sum) })
		}
		return
	}
	e.MOV(from, emit.Field(unsafe.Offsetof(g.Bias)))
	for j := range e.panel() {
		e.VMOVUPS(e.sum(0, j), amd64.At(from).Plus(j*e.Width.Bytes()))
		for r := 1; r < e.rows; r++ {
			e.VMOVAPS(e.sum(r, j), e.sum(0, j))
		}
	}
	e.MOV(p, emit.Field(unsafe.Offsetof(g.tile)))
	for i := range e.partials {
		e.MOV(at, p)
		e.SHL(at, amd64.Imm(6)) // emit.Pixel
		e.ADD(at, emit.Field(unsafe.Offsetof(g.Partials)+uintptr(i)*unsafe.Sizeof(g.Bias)))
		for plane := range e.columns / Lanes {
			if plane > 0 {
				e.ADD(at, emit.Field(unsafe.Offsetof(g.stepPartial)))
			}
			for r := range e.rows {
				for part := range e.Parts() {
					sum := e.sum(r, plane*e.Parts()+part)
					e.VADDPS(sum, sum, amd64.At(at).Plus(r*emit.Pixel+part*e.Width.Bytes()))
				}
			}
		}
	}
	if !e.residual {
		return
	}
	e.MOV(from, emit.Field(unsafe.Offsetof(g.Residual)))
	e.MOV(table, emit.Field(unsafe.Offsetof(g.ResidualAt)))
	for r := range e.rows {
		e.MOVSLQ(at, amd64.At(table).Index(p, 4).Plus(4*r))
		e.LEA(at, amd64.At(from).Index(at, emit.Float))
		e.each(r, func() { e.ADD(at, emit.Field(unsafe.Offsetof(g.stepResidual))) }, func(sum amd64.Vec, bytes int) {
			e.VADDPS(sum, sum, amd64.At(at).Plus(bytes))
		})
	}
}

// product adds the products of all segments.
func (e *gemmEmitter) product() {
	var g GEMM
	var s Segment
	// The address of the tile's first input, and the end of the segments.
	e.MOV(gemmX, emit.Field(unsafe.Offsetof(g.tile)))
	e.MOV(gemmK, emit.Field(unsafe.Offsetof(g.In)))
	e.MOVSLQ(gemmX, amd64.At(gemmK).Index(gemmX, 4))
	e.SHL(gemmX, amd64.Imm(2))
	e.ADD(gemmX, emit.Field(unsafe.Offsetof(g.X)))
	e.MOV(emit.Field(unsafe.Offsetof(g.tileX)), gemmX)
	e.MOV(gemmSegment, emit.Field(unsafe.Offsetof(g.Segments)))
	e.MOV(gemmK, emit.Field(unsafe.Offsetof(g.Segments)+unsafe.Sizeof(uintptr(0))))
	e.SHL(gemmK, amd64.Imm(4)) // the size of a segment
	e.ADD(gemmK, gemmSegment)
	e.MOV(emit.Field(unsafe.Offsetof(g.segmentsEnd)), gemmK)
	e.MOV(gemmW, emit.Field(unsafe.Offsetof(g.W)))

	segment, values, rest, value, done := e.NewLabel(), e.NewLabel(), e.NewLabel(), e.NewLabel(), e.NewLabel()
	e.Bind(segment)
	e.CMP(gemmSegment, emit.Field(unsafe.Offsetof(g.segmentsEnd)))
	e.JE(done)
	e.MOV(gemmX, amd64.At(gemmSegment).Plus(int(unsafe.Offsetof(s.Offset))))
	e.SHL(gemmX, amd64.Imm(2))
	e.ADD(gemmX, emit.Field(unsafe.Offsetof(g.tileX)))
	e.MOV(gemmK, amd64.At(gemmSegment).Plus(int(unsafe.Offsetof(s.K))))
	e.ADD(gemmSegment, amd64.Imm(unsafe.Sizeof(s)))
	if e.rows > lower {
		e.LEA(gemmXLower, amd64.At(gemmX).Index(odd[1], 2))
		e.ADD(gemmXLower, gemmStep) // 7 distances
	}
	e.SUB(gemmK, amd64.Imm(Lanes))
	e.JB(rest)
	e.Align(32)
	e.Bind(values)
	for i := range e.ahead {
		e.PREFETCHT1(amd64.At(gemmAhead).Plus(line * i))
	}
	if e.ahead > 0 {
		e.ADD(gemmAhead, amd64.Imm(line*e.ahead))
	}
	for u := range Lanes {
		e.step(u)
	}
	e.advance(emit.Field(unsafe.Offsetof(g.stepX)), Lanes)
	e.SUB(gemmK, amd64.Imm(Lanes))
	e.JAE(values)
	e.Bind(rest)
	e.ADD(gemmK, amd64.Imm(Lanes))
	e.JZ(segment)
	e.Bind(value)
	e.step(0)
	e.advance(amd64.Imm(emit.Float), 1)
	e.DEC(gemmK)
	e.JNZ(value)
	e.JMP(segment)
	e.Bind(done)
}

// advance moves the inputs by a number of bytes, and the weights by rows of the panel.
func (e *gemmEmitter) advance(bytes amd64.Operand, rows int) {
	e.ADD(gemmX, bytes)
	if e.rows > lower {
		e.ADD(gemmXLower, bytes)
	}
	e.ADD(gemmW, amd64.Imm(rows*e.columns*emit.Float))
}

// step adds the products of one value of each pixel and one row of the panel.
func (e *gemmEmitter) step(u int) {
	panel := e.panel()
	for j := range panel {
		e.VMOVUPS(e.V(j), amd64.At(gemmW).Plus((u*panel+j)*e.Width.Bytes()))
	}
	inputs := min(4, e.Registers()-panel-e.rows*panel)
	for r := range e.rows {
		x := e.V(panel + r%inputs)
		e.VBROADCASTSS(x, e.input(r, u))
		for j := range panel {
			e.VFMADD231PS(e.sum(r, j), x, e.V(j))
		}
	}
}

// finish stores the tile and counts it. It sets ZF after the last tile.
func (e *gemmEmitter) finish() {
	var g GEMM
	p, at, from, table := gemmX, gemmK, gemmW, gemmSegment
	e.MOV(p, emit.Field(unsafe.Offsetof(g.tile)))
	e.MOV(table, emit.Field(unsafe.Offsetof(g.Out)))
	e.MOV(from, emit.Field(unsafe.Offsetof(g.Y)))
	least := e.V(0)
	if e.floor {
		e.VBROADCASTSS(least, emit.Field(unsafe.Offsetof(g.Floor)))
	}
	for r := range e.rows {
		e.MOVSLQ(at, amd64.At(table).Index(p, 4).Plus(4*r))
		e.LEA(at, amd64.At(from).Index(at, emit.Float))
		e.each(r, func() { e.ADD(at, emit.Field(unsafe.Offsetof(g.stepY))) }, func(sum amd64.Vec, bytes int) {
			y := amd64.At(at).Plus(bytes)
			if e.accumulate {
				e.VADDPS(sum, sum, y)
			}
			if e.gemmForm.floor {
				e.Above(sum, least)
			}
			e.VMOVUPS(y, sum)
		})
	}
	e.ADD(p, amd64.Imm(e.rows))
	e.MOV(emit.Field(unsafe.Offsetof(g.tile)), p)
	e.MOV(at, emit.Field(unsafe.Offsetof(g.tiles)))
	e.DEC(at)
	e.MOV(emit.Field(unsafe.Offsetof(g.tiles)), at)
}
