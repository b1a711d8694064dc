package engine

import (
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
)

// Depthwise computes convolutions of single channels.
var Depthwise = Operation{
	func(_ *fusion, u *unit) bool { return depthwise(u.first) },
	func(comp *compiler, s *site) (step, error) { return comp.depthwise(s.unit, s.in[0], s.y, s.floor) },
}

// Grouped computes convolutions of small groups of channels.
var Grouped = Operation{
	func(_ *fusion, u *unit) bool { return smallGroups(u.first) && !depthwise(u.first) },
	func(comp *compiler, s *site) (step, error) { return comp.grouped(s.unit, s.in[0], s.y, s.floor) },
}

// Pooling computes maxima and means of windows.
var Pooling = Operation{of(nn.MaxPool, nn.AvgPool), func(comp *compiler, s *site) (step, error) {
	return newPool(comp.set, s.unit, s.in[0], s.y), nil
}}

// rowConv is a convolution that a routine of rows computes: depthwise, or with
// small groups of channels.
type rowConv struct {
	set     *simd.Set
	x, y    *tensor
	window  nn.HW
	stride  nn.HW
	offset  nn.HW
	group   int // channels of a group; 1 for depthwise
	w, bias []float32
	perPart int // floats of one plane's weights
	floor   float32
	after   *activation
}

func (comp *compiler) depthwise(u *unit, x, y *tensor, floor float32) (*rowConv, error) {
	d, w, err := comp.rowConv(u, x, y, floor)
	if err != nil {
		return nil, err
	}
	taps := d.window.H * d.window.W
	d.group, d.perPart = 1, taps*simd.Lanes
	d.w = make([]float32, y.count()*d.perPart)
	for i := range y.count() * simd.Lanes {
		if c := y.holds(i); c >= 0 {
			for t := range taps {
				d.w[i/simd.Lanes*d.perPart+t*simd.Lanes+i%simd.Lanes] = w[c*taps+t]
			}
		}
	}
	return d, nil
}

// grouped packs the weights, (out, in/groups, kh, 3), as [plane][window row][input
// of the group][window column][output].
func (comp *compiler) grouped(u *unit, x, y *tensor, floor float32) (*rowConv, error) {
	d, w, err := comp.rowConv(u, x, y, floor)
	if err != nil {
		return nil, err
	}
	h, wide := d.window.H, d.window.W
	d.group = u.first.Shape.C / u.first.Groups
	d.perPart = h * d.group * wide * simd.Lanes
	d.w = make([]float32, 0, y.count()*d.perPart)
	for plane := range y.count() {
		for r := range h {
			for i := range d.group {
				for t := range wide {
					for lane := range simd.Lanes {
						c := plane*simd.Lanes + lane
						d.w = append(d.w, w[((c*d.group+i)*h+r)*wide+t])
					}
				}
			}
		}
	}
	return d, nil
}

func (comp *compiler) rowConv(u *unit, x, y *tensor, floor float32) (*rowConv, []float32, error) {
	w, bias, err := comp.folded(u, y)
	return &rowConv{
		set: comp.set, x: x, y: y, window: u.first.Window, stride: u.stride, offset: u.offset,
		bias: bias, floor: floor, after: comp.epilogue(u, y),
	}, w, err
}

func (d *rowConv) parts(int) int { return d.y.count() }

func (d *rowConv) run(arena []float32, s *scratch, plane, _ int) {
	w, bias := d.w[plane*d.perPart:][:d.perPart], d.bias[plane*simd.Lanes:][:simd.Lanes]
	done := 0
	for y := range d.y.h {
		in := arena[d.x.base(plane)+d.x.index(y*d.stride.H-d.offset.H, -d.offset.W):]
		out := d.y.line(arena, plane, y)
		if d.group == 1 {
			s.windows.X, s.windows.Y, s.windows.W, s.windows.Bias = in, out, w, bias
			s.windows.Row, s.windows.Rows, s.windows.Cols = d.x.row(), d.window.H, d.window.W
			s.windows.Pixels, s.windows.Stride, s.windows.Floor = d.y.w, d.stride.W, d.floor
			d.set.Depthwise(&s.windows)
		} else {
			s.grouped.X, s.grouped.Y, s.grouped.W, s.grouped.Bias = in, out, w, bias
			s.grouped.Row, s.grouped.Rows, s.grouped.Channels = d.x.row(), d.window.H, d.group
			s.grouped.Pixels, s.grouped.Stride, s.grouped.Floor = d.y.w, d.stride.W, d.floor
			d.set.Grouped(&s.grouped)
		}
		done = d.after.rows(arena, s, plane, done, y+1)
	}
	d.y.clearBorder(arena, plane)
}

// pool is a maximum or mean over windows, as interpreter.pool defines it. Windows
// are clipped to the input.
type pool struct {
	set    *simd.Set
	node   *nn.Node
	offset nn.HW
	x, y   *tensor
	// The pixels of a row with unclipped windows.
	first, end int
	weights    map[int][]float32 // of a mean, by the number of averaged pixels
	zero       []float32
}

func newPool(set *simd.Set, u *unit, x, y *tensor) *pool {
	n := u.first
	p := &pool{set: set, node: n, offset: u.offset, x: x, y: y, weights: map[int][]float32{}, zero: make([]float32, simd.Lanes)}
	for p.first < y.w && p.first*n.Stride.W < p.offset.W {
		p.first++
	}
	p.end = p.first
	for p.end < y.w && p.end*n.Stride.W-p.offset.W+n.Window.W <= x.w {
		p.end++
	}
	if !smallStride(n) {
		p.end = p.first
	}
	if n.Op == nn.AvgPool {
		for count := 1; count <= n.Window.H*n.Window.W; count++ {
			w := make([]float32, n.Window.H*n.Window.W*simd.Lanes)
			for i := range w {
				w[i] = 1 / float32(count)
			}
			p.weights[count] = w
		}
	}
	return p
}

func (p *pool) parts(int) int { return p.y.count() }

func (p *pool) run(arena []float32, s *scratch, plane, _ int) {
	for y := range p.y.h {
		for x := 0; x < p.y.w; {
			next := x + 1
			if x == p.first && p.end > p.first {
				next = p.end
			}
			p.window(arena, s, plane, y, x, next-x)
			x = next
		}
	}
	p.y.clearBorder(arena, plane)
}

// window computes so many pixels from (y, x) on. Their windows are clipped to the
// same columns.
func (p *pool) window(arena []float32, s *scratch, plane, y, x, pixels int) {
	n, w := p.node, &s.windows
	top, left := y*n.Stride.H-p.offset.H, x*n.Stride.W-p.offset.W
	bottom, right := min(top+n.Window.H, p.x.h+n.Pad.H), min(left+n.Window.W, p.x.w+n.Pad.W)
	count := (bottom - top) * (right - left)
	top, left, bottom, right = max(top, 0), max(left, 0), min(bottom, p.x.h), min(right, p.x.w)
	if !n.CountIncludePad {
		count = (bottom - top) * (right - left)
	}
	w.X = arena[p.x.base(plane)+p.x.index(top, left):]
	w.Y = p.y.line(arena, plane, y)[x*simd.Lanes:]
	w.Row, w.Rows, w.Cols, w.Pixels = p.x.row(), bottom-top, right-left, pixels
	w.Stride, w.Floor = 1, simd.None
	if pixels > 1 {
		w.Stride = n.Stride.W
	}
	if n.Op == nn.MaxPool {
		p.set.MaxPool(w)
		return
	}
	w.W, w.Bias = p.weights[count], p.zero
	p.set.Depthwise(w)
}
