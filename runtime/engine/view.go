package engine

import (
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
)

// movesPixels reports whether a node only moves whole pixels.
func movesPixels(n *nn.Node) bool {
	if n.Op != nn.Rearrange {
		return false
	}
	a, c := n.Arrangement, n.In[0].Shape.C
	channels := a.Digits[nn.AxisC]
	inOrder := c == 1 && len(channels) == 0 || len(channels) == 1 && channels[0] == nn.Digit{Size: c, Axis: nn.AxisC, Step: 1}
	if !inOrder || a.First[nn.AxisC] != 0 {
		return false
	}
	for _, axis := range []nn.Axis{nn.AxisH, nn.AxisW} {
		for _, d := range a.Digits[axis] {
			if d.Axis == nn.AxisC && d.Step > 0 {
				return false
			}
		}
	}
	return true
}

// pointwise reports whether each output pixel of a unit depends on the input pixel at
// the same place only. Such a unit may move the pixels before or after it.
func (u *unit) pointwise() bool {
	return u.first.Op == nn.Conv && u.first.Window == nn.Square(1) && u.first.Groups == 1 && u.stride == nn.Square(1) && u.offset == nn.HW{} &&
		u.first.In[0].Shape.C >= simd.Lanes/2
}

// gatherMoves makes a pointwise unit read the input of the moves before it.
func (f *fusion) gatherMoves(u *unit) {
	for u.pointwise() && movesPixels(u.in[0]) && f.same[u.in[0].ID] == nil {
		u.moves = append([]*nn.Node{u.in[0]}, u.moves...)
		u.in[0] = u.in[0].In[0]
	}
}

// takeMoves adds the moves behind a pointwise unit to it.
func (f *fusion) takeMoves(u *unit, take func(*nn.Node) *nn.Node) {
	for u.pointwise() {
		n := f.only(u.last, nn.Rearrange)
		if n == nil || !movesPixels(n) {
			return
		}
		u.moves = append(u.moves, take(n))
	}
}

// inputs returns the offset in a plane of t of the first input pixel of each output
// pixel of a unit.
func (comp *compiler) inputs(u *unit, t *tensor, stride, offset nn.HW) []int32 {
	if len(u.moves) == 0 {
		return comp.table(t, u.last.Shape, stride, offset)
	}
	var places []int32
	for y := range u.last.Shape.H {
		for x := range u.last.Shape.W {
			at := [3]int{0, y, x}
			for i := len(u.moves) - 1; i >= 0; i-- {
				at = u.moves[i].Arrangement.From(u.moves[i].In[0].Shape, at)
			}
			places = append(places, int32(t.index(at[nn.AxisH], at[nn.AxisW])))
		}
	}
	return places
}

// drops reports whether a node drops whole planes of channels, so that its output is a
// part of its input.
func drops(n *nn.Node) bool {
	if n.Op != nn.PadChannels {
		return false
	}
	before, after := n.Channels[0], n.Channels[1]
	return before <= 0 && after <= 0 && before%simd.Lanes == 0 && (after == 0 || n.Shape.C%simd.Lanes == 0)
}

// isView reports whether the output of n is a part of its input's planes. Inputs of a
// Concat may be computed in place, so they are neither views nor parts of one.
func (f *fusion) isView(n *nn.Node) bool {
	return drops(n) && n != f.graph.Output && !f.joined(n) && !f.joined(n.In[0]) && n.In[0].Op != nn.Input && n.In[0].Op != nn.Concat && f.same[n.In[0].ID] == nil
}

// joined reports whether a Concat uses a node.
func (f *fusion) joined(n *nn.Node) bool {
	for _, user := range f.users[n.ID] {
		if user.Op == nn.Concat || f.same[user.ID] == n && f.joined(user) {
			return true
		}
	}
	return false
}

// view returns the tensor of a view of x.
func view(n *nn.Node, x *tensor) *tensor {
	return &tensor{area: x.area, shape: n.Shape, first: x.first - n.Channels[0]/simd.Lanes}
}
