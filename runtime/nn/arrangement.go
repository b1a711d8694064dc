package nn

// Axis is an axis of an activation.
type Axis uint8

// The axes, in the order of a [Shape].
const (
	AxisC Axis = iota
	AxisH
	AxisW
)

// Side returns the length of the axis.
func (a Axis) Side(s Shape) int { return [...]int{s.C, s.H, s.W}[a] }

// Digit is a digit of an index in a mixed radix. Its value v, less than Size, adds
// v*Step to a coordinate of the input.
type Digit struct {
	Size int
	Axis Axis // of the input
	Step int
}

// Arrangement describes which value of the input each value of the output is. An index
// along an axis of the output consists of digits, the most significant one first. The
// digits of all three indices add to the coordinates of the input, which start at
// First and wrap around at the input's sides.
//
// Slices, transposes, cyclic shifts, windows, channel shuffles and repetitions are
// such arrangements. A window partition of an 8x8 map into windows of 4x4 has the
// digits
//
//	C: {C 16 1}   H: {2 H 4} {2 W 4}   W: {4 H 1} {4 W 1}
type Arrangement struct {
	First  [3]int     // by axis of the input
	Digits [3][]Digit // by axis of the output
}

// Shape returns the shape of the output.
func (a *Arrangement) Shape() Shape {
	var sides [3]int
	for i, digits := range a.Digits {
		sides[i] = 1
		for _, d := range digits {
			sides[i] *= d.Size
		}
	}
	return Shape{sides[AxisC], sides[AxisH], sides[AxisW]}
}

// Offsets returns what each index along an axis of the output adds to the input's
// coordinates.
func (a *Arrangement) Offsets(axis Axis) [][3]int {
	all := [][3]int{{}}
	for _, d := range a.Digits[axis] {
		next := make([][3]int, 0, len(all)*d.Size)
		for _, base := range all {
			for v := range d.Size {
				at := base
				at[d.Axis] += v * d.Step
				next = append(next, at)
			}
		}
		all = next
	}
	return all
}

// Place returns the coordinates in an input of shape s of the sum of First and some
// offsets.
func (a *Arrangement) Place(s Shape, offsets ...[3]int) [3]int {
	at := a.First
	for axis := range at {
		for _, o := range offsets {
			at[axis] += o[axis]
		}
		at[axis] %= Axis(axis).Side(s)
	}
	return at
}

// From returns the coordinates in an input of shape s of the output's value at some
// coordinates.
func (a *Arrangement) From(s Shape, at [3]int) [3]int {
	var offset [3]int
	for axis, digits := range a.Digits {
		rest := at[axis]
		for i := len(digits) - 1; i >= 0; i-- {
			d := digits[i]
			offset[d.Axis] += rest % d.Size * d.Step
			rest /= d.Size
		}
	}
	return a.Place(s, offset)
}

// maxDigits and maxRearranged bound the digits and the sides of an arrangement.
const (
	maxDigits     = 16
	maxRearranged = 1 << 20
)

// Rearrange adds the arrangement of x. Only prediction supports it.
func (b *Builder) Rearrange(x *Node, a Arrangement) *Node {
	n := &Node{Op: Rearrange, In: []*Node{x}, Arrangement: &a}
	if !a.fits(x.Shape) {
		b.fail("%srearrange: the arrangement %v does not fit %v", b.prefix, a, x.Shape)
		n.Arrangement = &Arrangement{}
	}
	n.Shape = n.Arrangement.Shape()
	return b.add(n)
}

func (a *Arrangement) fits(in Shape) bool {
	for axis, first := range a.First {
		if first < 0 || first >= Axis(axis).Side(in) {
			return false
		}
	}
	for _, digits := range a.Digits {
		side := 1
		for _, d := range digits {
			if d.Size < 1 || d.Size > maxRearranged || d.Axis > AxisW || d.Step < 0 || d.Step > maxRearranged {
				return false
			}
			if side *= d.Size; side > maxRearranged {
				return false
			}
		}
		if len(digits) > maxDigits {
			return false
		}
	}
	return true
}

func (a *Arrangement) words() []any {
	words := []any{a.First[0], a.First[1], a.First[2]}
	for _, digits := range a.Digits {
		words = append(words, len(digits))
		for _, d := range digits {
			words = append(words, d.Size, uint8(d.Axis), d.Step)
		}
	}
	return words
}

func (p *textParser) arrangement() (a Arrangement) {
	for i := range a.First {
		a.First[i] = p.between(0, maxRearranged)
	}
	for i := range a.Digits {
		for range p.between(0, maxDigits) {
			a.Digits[i] = append(a.Digits[i], Digit{
				Size: p.between(1, maxRearranged), Axis: Axis(p.between(0, int(AxisW))), Step: p.between(0, maxRearranged),
			})
		}
	}
	return a
}
