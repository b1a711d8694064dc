package engine

import (
	"math"

	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
)

// ChannelStatistics computes maxima and means over the channels of each pixel. One step
// computes a Concat of them.
var ChannelStatistics = Operation{
	func(f *fusion, u *unit) bool { return f.statisticsOf(u) != nil },
	func(comp *compiler, s *site) (step, error) {
		nodes := []*nn.Node{s.n}
		if s.n.Op == nn.Concat {
			nodes = s.n.In
		}
		return comp.statistics(nodes, s.in[0], s.y), nil
	},
}

// Copy copies values to other pixels or channels.
var Copy = Operation{
	func(f *fusion, u *unit) bool {
		return of(nn.Concat, nn.Pad, nn.PadChannels, nn.Subsample)(f, u) && f.statisticsOf(u) == nil
	},
	func(_ *compiler, s *site) (step, error) { return newMove(s.n, s.in, s.y), nil },
}

// move copies values: Concat, Pad, PadChannels and Subsample. The output's pixel
// (y, x) is the inputs' pixel (y, x)*stride - offset, or zero outside of them.
type move struct {
	y      *tensor
	stride nn.HW
	offset nn.HW
	runs   [][]run // by output plane
}

// run is a range of channels that are copied from one input plane.
type run struct {
	x           *tensor
	plane, from int // plane of x, and first position in its pixels
	to, n       int // first position in the output's pixels, and number
}

func newMove(n *nn.Node, in []*tensor, y *tensor) *move {
	m := &move{y: y, stride: nn.Square(1), runs: make([][]run, y.count())}
	channel := 0
	switch n.Op {
	case nn.Concat:
	case nn.Pad:
		m.offset = nn.HW{H: n.Border.Top, W: n.Border.Left}
	case nn.Subsample:
		m.stride = n.Stride
	case nn.PadChannels:
		channel = n.Channels[0]
	default:
		panic("engine: internal error: no step for " + n.Op.String())
	}
	for _, x := range in {
		for i := range x.count() * simd.Lanes {
			if x.holds(i) < 0 {
				continue
			}
			if channel >= 0 && channel < n.Shape.C { // PadChannels may drop the others
				m.add(x, i, channel)
			}
			channel++
		}
	}
	return m
}

// add copies position i of x's pixels to a channel of the output.
func (m *move) add(x *tensor, i, channel int) {
	to := channel / simd.Lanes
	r := run{x, i / simd.Lanes, i % simd.Lanes, channel % simd.Lanes, 1}
	if runs := m.runs[to]; len(runs) > 0 {
		last := &runs[len(runs)-1]
		if last.x == x && last.plane == r.plane && last.from+last.n == r.from && last.to+last.n == r.to {
			last.n++
			return
		}
	}
	m.runs[to] = append(m.runs[to], r)
}

func (m *move) parts(int) int { return m.y.count() }

func (m *move) run(arena []float32, _ *scratch, plane, _ int) {
	for y := range m.y.h {
		line := m.y.line(arena, plane, y)
		clear(line)
		for _, r := range m.runs[plane] {
			iy := y*m.stride.H - m.offset.H
			if iy < 0 || iy >= r.x.h {
				continue
			}
			src := r.x.line(arena, r.plane, iy)
			for x := range m.y.w {
				ix := x*m.stride.W - m.offset.W
				if ix >= 0 && ix < r.x.w {
					copy(line[x*simd.Lanes+r.to:][:r.n], src[ix*simd.Lanes+r.from:])
				}
			}
		}
	}
	m.y.clearBorder(arena, plane)
}

// statistics computes maxima and means over the channels of each pixel, as adjacent
// channels of the output.
type statistics struct {
	set  *simd.Set
	ops  []nn.Op // of the output's channels
	x, y *tensor
}

func (comp *compiler) statistics(nodes []*nn.Node, x, y *tensor) *statistics {
	s := &statistics{set: comp.set, x: x, y: y}
	for _, n := range nodes {
		s.ops = append(s.ops, n.Op)
	}
	comp.mu.Lock()
	defer comp.mu.Unlock()
	comp.scratch = max(comp.scratch, 2*x.w*simd.Lanes)
	return s
}

// rowsPerPart is the number of pixel rows in a part.
const rowsPerPart = 8

func (s *statistics) parts(int) int { return (s.y.h + rowsPerPart - 1) / rowsPerPart }

func (s *statistics) run(arena []float32, sc *scratch, part, _ int) {
	n := s.x.w * simd.Lanes
	peaks, sums := sc.floats[:n], sc.floats[n:][:n]
	for y := part * rowsPerPart; y < min((part+1)*rowsPerPart, s.y.h); y++ {
		for i := range peaks {
			peaks[i] = simd.None
		}
		clear(sums)
		for plane := range s.x.count() {
			line := s.x.line(arena, plane, y)
			s.set.AddScaled(sums, sums, line, 1, simd.None)
			if s.x.holds(plane*simd.Lanes+simd.Lanes-1) >= 0 {
				s.set.Max(peaks, line)
				continue
			}
			for i, v := range line {
				if s.x.holds(plane*simd.Lanes+i%simd.Lanes) >= 0 {
					peaks[i] = max(peaks[i], v)
				}
			}
		}
		s.finish(s.y.line(arena, 0, y), peaks, sums)
	}
	if part == 0 {
		s.y.clearBorder(arena, 0)
	}
}

// finish reduces each pixel's lanes of maxima and sums to one value.
func (s *statistics) finish(line, peaks, sums []float32) {
	clear(line)
	for x := range s.x.w {
		for i, op := range s.ops {
			var v float32
			if op == nn.ChannelMax {
				v = float32(math.Inf(-1))
				for _, p := range peaks[x*simd.Lanes:][:simd.Lanes] {
					v = max(v, p)
				}
			} else {
				for _, p := range sums[x*simd.Lanes:][:simd.Lanes] {
					v += p
				}
				v /= float32(s.x.shape.C)
			}
			line[x*s.y.pixel+i] = v
		}
	}
}
