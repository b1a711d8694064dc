package engine

import (
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
)

// winograd is a convolution with a 3x3, 1x3 or 3x1 window by Winograd's minimal
// filtering F(4,3) (Lavin and Gray, arXiv 1509.09308, section 4). For each input and
// output channel, a tile of 4x4 outputs takes 36 products instead of 144, and one
// of 1x4 takes 6 instead of 12.
//
// The inputs of many tiles are transformed. Each position of a transformed tile is
// then a matrix product over all tiles. The products are transformed back.
type winograd struct {
	set          *simd.Set
	x, y, res    *tensor
	in, out      nn.HW // pixels of a tile: 6 and 4, or 1 and 1 along a window side of 1
	tiles        nn.HW
	offset       nn.HW
	w, bias      []float32 // w is [position][panel][input][column]
	zero         []float32
	rows         []int32 // offsets of the tiles in a plane of transformed tiles
	segments     []simd.Segment
	tilesPerPart int
	floor        float32
	after        *activation
	firsts       []int // the pixel of after that each tile begins with
}

const (
	tileIn, tileOut = 6, 4
	// winogradFloats is the maximum size of a part's transformed tiles. It exceeds
	// the L2 cache a little, because every part reads all weights.
	winogradFloats = 400_000
	// minTiles is the number of tiles from which reading the weights pays off:
	// there are four times, or twice, as many as in a direct convolution.
	minTiles = 16
	// minTilesPerPart keeps parts for many workers from reading the weights too often.
	minTilesPerPart = 10
)

// along returns a tile's input and output pixels along a side with so many taps.
func along(taps int) (in, out int) {
	if taps == 3 {
		return tileIn, tileOut
	}
	return 1, 1
}

// winograd returns the step of a convolution, or nil if another algorithm is faster.
func (comp *compiler) winograd(u *unit, x, y *tensor, floor float32) (*winograd, error) {
	n, k := u.first, u.first.Window
	square := k == nn.Square(3)
	if !square && k != (nn.HW{H: 1, W: 3}) && k != (nn.HW{H: 3, W: 1}) || u.stride != nn.Square(1) ||
		n.Groups > 1 || x.pixel != simd.Lanes || min(n.Shape.C, n.In[0].Shape.C) < 2*simd.Lanes {
		return nil, nil
	}
	wg := &winograd{set: comp.set, x: x, y: y, offset: u.offset, floor: floor}
	wg.in.H, wg.out.H = along(k.H)
	wg.in.W, wg.out.W = along(k.W)
	wg.tiles = nn.HW{H: round(y.h, wg.out.H) / wg.out.H, W: round(y.w, wg.out.W) / wg.out.W}
	tiles := wg.tiles.H * wg.tiles.W
	direct, ours := y.h*y.w*k.H*k.W, tiles*wg.in.H*wg.in.W
	if tiles < minTiles || 2*direct < 3*ours {
		return nil, nil
	}
	w, bias, err := comp.folded(u, y)
	if err != nil {
		return nil, err
	}
	if r := u.residual(); r != nil {
		wg.res = comp.of(r)
	}
	wg.finish(comp.epilogue(u, y))
	wg.bias, wg.zero = bias, make([]float32, comp.set.Panel)
	wg.segments = []simd.Segment{{K: x.count() * simd.Lanes}}
	wg.pack(n, w)
	perTile := wg.places() * (x.count() + y.count()) * simd.Lanes
	wg.tilesPerPart = max(20, winogradFloats/perTile)
	parts := (tiles + wg.tilesPerPart - 1) / wg.tilesPerPart
	wg.tilesPerPart = (tiles + parts - 1) / parts
	for i := range wg.tilesPerPart {
		wg.rows = append(wg.rows, int32(i*simd.Lanes))
	}
	comp.mu.Lock()
	defer comp.mu.Unlock()
	comp.scratch = max(comp.scratch, wg.tilesPerPart*perTile+winogradTemporary+simd.Slack)
	return wg, nil
}

// finish applies an activation to the tiles of each part: its pixels are in the order
// of the tiles.
func (wg *winograd) finish(a *activation) {
	if wg.after = a; a == nil {
		return
	}
	var places []int32
	for tile := range wg.tiles.H * wg.tiles.W {
		wg.firsts = append(wg.firsts, len(places))
		top, left := tile/wg.tiles.W*wg.out.H, tile%wg.tiles.W*wg.out.W
		for y := top; y < min(top+wg.out.H, wg.y.h); y++ {
			for x := left; x < min(left+wg.out.W, wg.y.w); x++ {
				places = append(places, int32(wg.y.index(y, x)))
			}
		}
	}
	wg.firsts = append(wg.firsts, len(places))
	a.in, a.out = places, places
}

// winogradTemporary is the memory for one tile: half transformed, and copies of
// input, output and residual at an edge.
const winogradTemporary = 4 * tileIn * tileIn * simd.Lanes

// places returns the number of positions in a transformed tile.
func (wg *winograd) places() int { return wg.in.H * wg.in.W }

// weightTransform is the matrix G of the paper's section 4.2.
var weightTransform = [tileIn][3]float64{
	{1. / 4, 0, 0},
	{-1. / 6, -1. / 6, -1. / 6},
	{-1. / 6, 1. / 6, -1. / 6},
	{1. / 24, 1. / 12, 1. / 6},
	{1. / 24, -1. / 12, 1. / 6},
	{0, 0, 1},
}

// factor returns the coefficient of tap i at position p, along one side.
func factor(taps, p, i int) float64 {
	if taps == 3 {
		return weightTransform[p][i]
	}
	return 1
}

// pack transforms the weights, (out, in, kh, kw).
func (wg *winograd) pack(n *nn.Node, w []float32) {
	inputs, columns := wg.x.count()*simd.Lanes, wg.y.count()*simd.Lanes
	wg.w = newFloats(wg.places() * inputs * columns)
	taps := n.Window.H * n.Window.W
	for out := range n.Shape.C {
		first := out / wg.set.Panel * wg.set.Panel
		wide := min(wg.set.Panel, columns-first)
		for k := range inputs {
			channel := wg.x.holds(k)
			if channel < 0 {
				continue
			}
			g := w[(out*n.In[0].Shape.C+channel)*taps:][:taps]
			for p := range wg.places() {
				sum := 0.0
				for tap, v := range g {
					sum += float64(v) * factor(n.Window.H, p/wg.in.W, tap/n.Window.W) * factor(n.Window.W, p%wg.in.W, tap%n.Window.W)
				}
				wg.w[p*inputs*columns+first*inputs+k*wide+out-first] = float32(sum)
			}
		}
	}
}

// parts returns the number of parts: groups of tiles that fit the temporary memory,
// or fewer tiles for many workers.
func (wg *winograd) parts(workers int) int {
	tiles := wg.tiles.H * wg.tiles.W
	parts := (tiles + wg.tilesPerPart - 1) / wg.tilesPerPart
	if workers > 1 {
		parts = max(parts, min(workers, tiles/minTilesPerPart))
	}
	return parts
}

func (wg *winograd) run(arena []float32, s *scratch, part, parts int) {
	tiles := wg.tiles.H * wg.tiles.W
	first, end := part*tiles/parts, (part+1)*tiles/parts
	step := wg.tilesPerPart * simd.Lanes
	v := s.floats[winogradTemporary:]
	m := v[wg.places()*wg.x.count()*step:]
	for plane := range wg.x.count() {
		for tile := first; tile < end; tile++ {
			wg.enter(arena, s, plane, tile, v[plane*step+(tile-first)*simd.Lanes:])
		}
	}
	wg.multiply(s, v, m, end-first)
	for plane := range wg.y.count() {
		for tile := first; tile < end; tile++ {
			wg.leave(arena, s, plane, tile, m[plane*step+(tile-first)*simd.Lanes:])
		}
		if wg.after != nil {
			wg.after.pixels(arena, s, plane, 1, wg.firsts[first], wg.firsts[end])
		}
		if part == 0 {
			wg.y.clearBorder(arena, plane)
		}
	}
}

// multiply computes m, (position, output plane, tile), from v, (position, input
// plane, tile).
func (wg *winograd) multiply(s *scratch, v, m []float32, tiles int) {
	step, inputs := wg.tilesPerPart*simd.Lanes, wg.x.count()*simd.Lanes
	g := &s.gemm
	g.First, g.End, g.In, g.Out = 0, tiles, wg.rows, wg.rows
	g.Segments, g.XStep, g.YStep = wg.segments, step, step
	g.Accumulate, g.Bias, g.Residual, g.Floor = false, wg.zero, nil, simd.None
	g.Partials = [2][]float32{}
	w := wg.w
	for p := range wg.places() {
		g.X = v[p*wg.x.count()*step:]
		for plane := 0; plane < wg.y.count(); {
			planes := min(wg.set.Panel/simd.Lanes, wg.y.count()-plane)
			n := inputs * planes * simd.Lanes
			g.Y = m[(p*wg.y.count()+plane)*step:]
			g.W, w = w[:n], w[n:]
			g.Ahead = w
			wg.set.Multiply(g, planes*simd.Lanes)
			plane += planes
		}
	}
	g.Ahead = nil
}

// enter transforms the input of one tile in one plane to v. Positions lie as far
// apart in v as the planes of one product together.
func (wg *winograd) enter(arena []float32, s *scratch, plane, tile int, v []float32) {
	half, patch := s.floats[:winogradTemporary/4], s.floats[winogradTemporary/4:][:winogradTemporary/4]
	y, x := tile/wg.tiles.W*wg.out.H-wg.offset.H, tile%wg.tiles.W*wg.out.W-wg.offset.W
	b := wg.x.border
	in, row := patch, wg.in.W*simd.Lanes
	if y >= -b && x >= -b && y+wg.in.H <= wg.x.h+b && x+wg.in.W <= wg.x.w+b {
		in, row = arena[wg.x.base(plane)+wg.x.index(y, x):], wg.x.row()
	} else {
		clear(patch)
		copyPixels(patch, row, arena, wg.x, plane, y, x, wg.in)
	}
	t := &s.transform
	t.Bias, t.Residual, t.Floor = nil, nil, simd.None
	step := wg.x.count() * wg.tilesPerPart * simd.Lanes
	if wg.in.H > 1 {
		// Vertically, into temporary memory, or into v if this is the only direction.
		t.X, t.XStep, t.XNext, t.Count = in, row, simd.Lanes, wg.in.W
		t.Y, t.YStep, t.YNext = half, wg.in.W*simd.Lanes, simd.Lanes
		if wg.in.W == 1 {
			t.Y, t.YStep = v, step
		}
		wg.set.ToWinograd(t)
		in, row = half, wg.in.W*simd.Lanes
	}
	if wg.in.W > 1 {
		t.X, t.XStep, t.XNext, t.Count = in, simd.Lanes, row, wg.in.H
		t.Y, t.YStep, t.YNext = v, step, wg.in.W*step
		wg.set.ToWinograd(t)
	}
}

// copyPixels copies the part of a size.H x size.W rectangle at (y, x) that lies in t.
func copyPixels(dst []float32, row int, arena []float32, t *tensor, plane, y, x int, size nn.HW) {
	from, to := max(x, 0), min(x+size.W, t.w)
	for r := range size.H {
		if y+r >= 0 && y+r < t.h && from < to {
			copy(dst[r*row+(from-x)*simd.Lanes:][:(to-from)*simd.Lanes], t.line(arena, plane, y+r)[from*simd.Lanes:])
		}
	}
}

// leave transforms the products of one tile in one plane to the output.
func (wg *winograd) leave(arena []float32, s *scratch, plane, tile int, m []float32) {
	quarter := winogradTemporary / 4
	half, patch, others := s.floats[:quarter], s.floats[quarter:][:quarter], s.floats[2*quarter:][:quarter]
	y, x := tile/wg.tiles.W*wg.out.H, tile%wg.tiles.W*wg.out.W
	whole := y+wg.out.H <= wg.y.h && x+wg.out.W <= wg.y.w
	out, row := patch, wg.out.W*simd.Lanes
	var res []float32
	resRow := row
	if whole {
		out, row = arena[wg.y.base(plane)+wg.y.index(y, x):], wg.y.row()
	}
	if wg.res != nil {
		if res = others; whole {
			res, resRow = arena[wg.res.base(plane)+wg.res.index(y, x):], wg.res.row()
		} else {
			copyPixels(res, resRow, arena, wg.res, plane, y, x, wg.out)
		}
	}
	t := &s.transform
	t.Bias, t.Residual, t.Floor = nil, nil, simd.None
	last := func() {
		t.Bias, t.Residual, t.Floor = wg.bias[plane*simd.Lanes:], res, wg.floor
	}
	step := wg.y.count() * wg.tilesPerPart * simd.Lanes
	if wg.in.W > 1 {
		// Horizontally, into temporary memory, or to the output if this is the only
		// direction.
		t.X, t.XStep, t.XNext, t.Count = m, step, wg.in.W*step, wg.in.H
		t.Y, t.YStep, t.YNext = half, simd.Lanes, wg.out.W*simd.Lanes
		if wg.in.H == 1 {
			last()
			t.Y, t.ResidualStep = out, simd.Lanes
		}
		wg.set.FromWinograd(t)
		m, step = half, wg.out.W*simd.Lanes
	}
	if wg.in.H > 1 {
		last()
		t.X, t.XStep, t.XNext, t.Count = m, step, simd.Lanes, wg.out.W
		t.Y, t.YStep, t.YNext = out, row, simd.Lanes
		t.ResidualStep, t.ResidualNext = resRow, simd.Lanes
		wg.set.FromWinograd(t)
	}
	if whole {
		return
	}
	n := min(wg.out.W, wg.y.w-x) * simd.Lanes
	for r := range min(wg.out.H, wg.y.h-y) {
		copy(wg.y.line(arena, plane, y+r)[x*simd.Lanes:], patch[r*wg.out.W*simd.Lanes:][:n])
	}
}
