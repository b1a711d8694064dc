package engine

import (
	"math"

	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

// move is a step of plain Go: what only moves values, or is too small to be
// worth a kernel.
type move struct {
	in []*tensor
	y  *tensor
	// pixel writes the channels of output pixel (y, x).
	pixel func(arena, dst []float32, y, x int)
}

func (m *move) parts() int { return rowParts(m.y) }

func (m *move) run(arena []float32, _ *scratch, part int) {
	first, end := rows(m.y, part)
	for y := first; y < end; y++ {
		line := m.y.line(arena, y)
		for x := range m.y.shape.W {
			dst := line[x*m.y.pixel:][:m.y.pixel]
			m.pixel(arena, dst[:m.y.shape.C], y, x)
			clear(dst[m.y.shape.C:])
		}
	}
	if part == 0 {
		m.y.clearBorder(arena)
	}
}

// at returns the channels of pixel (y, x) of t.
func (t *tensor) channels(arena []float32, y, x int) []float32 {
	return arena[t.at+t.index(y, x):][:t.shape.C]
}

// movement returns the step of a node that is no convolution or pooling.
func movement(n *nn.Node, in []*tensor, y *tensor) *move {
	m := &move{in: in, y: y}
	switch n.Op {
	case nn.Sigmoid:
		m.pixel = func(arena, dst []float32, y, x int) {
			for c, v := range in[0].channels(arena, y, x) {
				dst[c] = float32(1 / (1 + math.Exp(-float64(v))))
			}
		}
	case nn.Concat:
		m.pixel = func(arena, dst []float32, y, x int) {
			for _, t := range in {
				dst = dst[copy(dst, t.channels(arena, y, x)):]
			}
		}
	case nn.Pad, nn.PadChannels, nn.Subsample:
		m.pixel = rearranged(n, in[0])
	case nn.ChannelMean:
		m.pixel = func(arena, dst []float32, y, x int) {
			sum := 0.0
			for _, v := range in[0].channels(arena, y, x) {
				sum += float64(v)
			}
			dst[0] = float32(sum / float64(in[0].shape.C))
		}
	case nn.ChannelMax:
		m.pixel = func(arena, dst []float32, y, x int) {
			best := float32(math.Inf(-1))
			for _, v := range in[0].channels(arena, y, x) {
				best = max(best, v)
			}
			dst[0] = best
		}
	default:
		panic("engine: internal error: no step for " + n.Op.String())
	}
	return m
}

// rearranged returns the pixels of Pad, PadChannels and Subsample.
func rearranged(n *nn.Node, t *tensor) func(arena, dst []float32, y, x int) {
	stride := nn.Square(1)
	if n.Op == nn.Subsample {
		stride = n.Stride
	}
	return func(arena, dst []float32, y, x int) {
		clear(dst)
		iy, ix := y*stride.H-n.Border.Top, x*stride.W-n.Border.Left
		if iy >= 0 && iy < t.shape.H && ix >= 0 && ix < t.shape.W {
			copy(dst[n.Channels[0]:], t.channels(arena, iy, ix))
		}
	}
}
