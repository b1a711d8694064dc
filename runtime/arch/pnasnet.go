package arch

import (
	"fmt"

	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

// PNASNet5Large is the network that Liu et al. (arXiv 1712.00559) found by search, with
// pytorchcv's keys. Like PyTorch, it refuses sizes that leave an odd map before its
// third reduction.
var PNASNet5Large = Arch{"pnasnet5large", half, half, pnasNet5Large}

func pnasNet5Large(c Config) (*nn.Graph, error) {
	if c.InputSize > 0 && pnasOdd(c.InputSize) {
		lower, upper := c.InputSize, c.InputSize
		for pnasOdd(lower) {
			lower--
		}
		for pnasOdd(upper) {
			upper++
		}
		return nil, fmt.Errorf("drawing pnasnet5large: its reductions don't fit an input of %d pixels; %d and %d do", c.InputSize, lower, upper)
	}
	b := begin("pnasnet5large", c)
	f := b.Scope("features")
	s := f.Scope("init_block")
	before := s.Mark("", s.BatchNorm("bn", s.Conv("conv", b.Input(), square(96, 3, 2, 0)), pnasNorm()))
	x := pnasStem(f.Scope("stem1_unit"), before)
	for stage, units := range [3]int{5, 4, 4} {
		for i := range units {
			// Each stage doubles the channels. The first stage has one more unit,
			// with half of its channels.
			u := pnasUnit{mid: 216 << stage, stride: 1}
			if i == 0 {
				u.stride = 2
				u.extra = stage == 1
			}
			if stage == 0 && i == 0 {
				u.mid = 108
			}
			// After a reduction, the input before the last has twice the size of
			// the last one.
			u.halve = i == 1 || stage == 0 && i == 0
			before, x = x, u.draw(f.Scope("stage%d.unit%d", stage+1, i+1), x, before)
		}
		f.Scope("stage%d", stage+1).Mark("", x)
	}
	x = f.Mark("activ", f.ReLU(x))
	return output(b, "features.final_pool", x, c)
}

// pnasOdd reports whether an input leaves an odd map before the reduction of stage 2,
// which pads and crops on one side only.
func pnasOdd(size int) bool {
	size = (size-3)/2 + 1
	for range 2 {
		size = (size + 1) / 2
	}
	return size%2 == 1
}

func pnasNorm() nn.BatchNorm2d { return nn.BatchNorm2d{Eps: 1e-3} }

// pnasBorder is the border that an extra-padded operation adds on the top and left, and
// then crops from its result.
func pnasBorder(n int) nn.Border { return nn.Border{Top: n, Left: n} }

// pnasConv is a ReLU, a 1x1 convolution and a batch norm.
func pnasConv(b *nn.Builder, name string, x *nn.Node, out, stride int) *nn.Node {
	return normedEps(b.Scope("%s", name), b.ReLU(x), "conv", conv1x1(out, stride), "bn", pnasNorm(), affine)
}

// pnasHalve halves the size. One 1x1 convolution reads the even pixels, another the odd
// ones; each computes half of the channels.
func pnasHalve(b *nn.Builder, name string, x *nn.Node, out int) *nn.Node {
	s := b.Scope("%s", name)
	x = s.ReLU(x)
	even := s.Conv("path1.conv", s.Subsample(x, nn.Square(2)), conv1x1(out/2, 1))
	odd := s.Subsample(s.Pad(x, nn.Border{Top: -1, Bottom: 1, Left: -1, Right: 1}), nn.Square(2))
	return s.BatchNorm("bn", s.Concat(even, s.Conv("path2.conv", odd, conv1x1(out/2, 1))), pnasNorm())
}

// pnasBranch is two separable convolutions, each between a ReLU and a batch norm. The
// first one has the stride.
func pnasBranch(b *nn.Builder, name string, x *nn.Node, out, window, stride int, extra bool) *nn.Node {
	s := b.Scope("%s", name)
	mid := x.Shape.C
	if x.Shape.C != out { // in the stem
		mid = out
	}
	x = s.ReLU(x)
	if extra {
		x = s.Pad(x, pnasBorder(1))
	}
	x = separable(s, "conv1.conv", x, mid, window, stride)
	if extra {
		x = s.Pad(x, pnasBorder(-1))
	}
	x = s.ReLU(s.BatchNorm("conv1.bn", x, pnasNorm()))
	return s.BatchNorm("conv2.bn", separable(s, "conv2.conv", x, out, window, 1), pnasNorm())
}

// pnasPool is a 3x3 maximum.
func pnasPool(b *nn.Builder, x *nn.Node, stride int, extra bool) *nn.Node {
	if extra {
		x = b.Pad(x, pnasBorder(1))
	}
	x = b.MaxPool(x, pool3x3(stride, 1))
	if extra {
		x = b.Pad(x, pnasBorder(-1))
	}
	return x
}

// pnasStem is the first unit. Its left input is not projected to the cell's channels.
func pnasStem(b *nn.Builder, left *nn.Node) *nn.Node {
	u := pnasUnit{mid: 54, stride: 2}
	right := pnasConv(b, "conv_1x1", left, u.mid, 1)
	s := b.Scope("comb0_right")
	pooled := s.BatchNorm("bn", s.Conv("conv", pnasPool(b, left, 2, false), conv1x1(u.mid, 1)), pnasNorm())
	return u.cell(b, left, right, pooled)
}

// pnasUnit describes one cell of the network.
type pnasUnit struct {
	mid    int // channels of each of the five combinations
	stride int
	halve  bool // the left input has twice the size
	extra  bool // operations with a stride pad and crop on the top and left
}

// draw draws a unit that reads the two outputs before it; x is the last one.
func (u pnasUnit) draw(b *nn.Builder, x, before *nn.Node) *nn.Node {
	var left *nn.Node
	if u.halve {
		left = pnasHalve(b, "conv_prev_1x1", before, u.mid)
	} else {
		left = pnasConv(b, "conv_prev_1x1", before, u.mid, 1)
	}
	right := pnasConv(b, "conv_1x1", x, u.mid, 1)
	return u.cell(b, left, right, pnasPool(b, left, u.stride, u.extra))
}

// cell is figure 1 of the paper: five sums of two operations each. pooled is the right
// operand of the first sum.
func (u pnasUnit) cell(b *nn.Builder, left, right, pooled *nn.Node) *nn.Node {
	branch := func(name string, x *nn.Node, window int) *nn.Node {
		return pnasBranch(b, name, x, u.mid, window, u.stride, u.extra)
	}
	pool := func() *nn.Node { return pnasPool(b, right, u.stride, u.extra) }
	x0 := b.Add(branch("comb0_left", left, 5), pooled)
	x1 := b.Add(branch("comb1_left", right, 7), pool())
	x2 := b.Add(branch("comb2_left", right, 5), branch("comb2_right", right, 3))
	x3 := b.Add(pnasBranch(b, "comb3_left", x2, u.mid, 3, 1, false), pool())
	same := right
	if u.stride != 1 {
		same = pnasConv(b, "comb4_right", right, u.mid, u.stride)
	}
	x4 := b.Add(branch("comb4_left", left, 3), same)
	return b.Mark("", b.Concat(x0, x1, x2, x3, x4))
}
