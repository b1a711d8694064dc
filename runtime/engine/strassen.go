package engine

import (
	"slices"

	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
)

// strassen is a 1x1 convolution, a matrix product of pixels and weights, by
// Strassen's algorithm ("Gaussian elimination is not optimal", 1969). It uses
// Winograd's form, with the fewest additions (Douglas et al., "GEMMW", 1994,
// section 2). The pixels, the input channels and the output channels are halved,
// and seven products of sums of blocks replace the eight of blocks:
//
//	S1 = A21+A22   S2 = S1-A11   S3 = A11-A21   S4 = A12-S2
//	T1 = B12-B11   T2 = B22-T1   T3 = B22-B12   T4 = T2-B21
//	U = A11*B11    C11 = U + A12*B21
//	V = S1*T1      U = U + S2*T2              C12 = U + V + S4*B22
//	W = U + S3*T3  C21 = W - A22*T4           C22 = W + V
//
// The sums of weights are computed once. The sums of products are the values that
// the GEMM routine starts from. Only S1 to S4 remain: packing the inputs writes
// three more matrices, and saves an eighth of the products.
type strassen struct {
	set                 *simd.Set
	x, y, res           *tensor
	in, out, residualAt []int32 // like conv's, padded to whole units
	rows                []int32 // pixel offsets in a plane of partial sums
	packed              []int32 // pixel offsets in a packed matrix
	pixels              int
	units               int    // groups of pixels that are multiplied separately
	half                int    // pixels in half a unit
	inputs              [2]int // planes in the two halves
	outputs             [2]int
	pixel, size         int // floats of a packed pixel and of a packed matrix
	step                int // floats of a plane of partial sums
	// The weights of the seven products. t4 is negated.
	b11, b21, b22, t1, t2, t3, t4 weights
	bias, zero                    []float32
	floor                         float32
	after                         *activation
}

// strassenFloats is the maximum size of a unit's temporary memory. It exceeds the
// L2 cache, because reading the weights less often gains more.
const strassenFloats = 800_000

// weights holds the weights of one product, [panel][input][column].
type weights struct {
	inputs, outputs int // planes
	w               []float32
}

// matrix is a matrix of pixels, in temporary memory or in a tensor. Its planes lie
// step floats apart.
type matrix struct {
	data []float32
	at   []int32 // the pixels' offsets in a plane
	step int
}

// from returns the planes of m from p on.
func (m matrix) from(p int) matrix {
	m.data = m.data[p*m.step:]
	return m
}

// strassen returns the step of a convolution, or nil if another algorithm is faster.
func (comp *compiler) strassen(u *unit, x, y *tensor, floor float32) (*strassen, error) {
	n := u.first
	if comp.set.FastProducts || n.Op != nn.Conv || n.Window != nn.Square(1) || n.Groups > 1 || x.pixel != simd.Lanes || u.scaled != nil {
		return nil, nil
	}
	s := newStrassen(comp.set, x, y)
	if !s.worthwhile() {
		return nil, nil
	}
	return s, s.prepare(comp, u, floor)
}

// newStrassen divides the product into units and halves.
func newStrassen(set *simd.Set, x, y *tensor) *strassen {
	s := &strassen{set: set, x: x, y: y, pixels: y.h * y.w}
	s.inputs[0] = (x.count() + 1) / 2
	s.inputs[1] = x.count() - s.inputs[0]
	s.outputs[0] = min(y.count(), round((y.count()+1)/2, s.panel()))
	s.outputs[1] = y.count() - s.outputs[0]
	floats := s.pixels * (7*s.inputs[0] + 3*s.panel()) * simd.Lanes / 2
	units := (floats + strassenFloats - 1) / strassenFloats
	s.half = (s.pixels + 2*units - 1) / (2 * units)
	s.units = (s.pixels + 2*s.half - 1) / (2 * s.half)
	s.pixel, s.step = (s.inputs[0]|1)*simd.Lanes, (s.half|1)*simd.Lanes
	s.size = s.half*s.pixel + simd.Lanes
	return s
}

// prepare packs the weights, creates the tables and requests temporary memory.
func (s *strassen) prepare(comp *compiler, u *unit, floor float32) error {
	w, bias, err := comp.folded(u, s.y)
	if err != nil {
		return err
	}
	s.bias, s.zero, s.floor = bias, make([]float32, s.set.Panel), floor
	s.pack(u.first, w)
	s.after = comp.epilogue(u, s.y)
	whole := func(table []int32) []int32 {
		table = slices.Clone(table)
		for len(table) < s.units*2*s.half {
			table = append(table, table[len(table)-1])
		}
		return table
	}
	s.in = whole(comp.inputs(u, s.x, u.stride, u.offset))
	s.out = whole(comp.table(s.y, s.y.shape, nn.Square(1), nn.HW{}))
	if r := u.residual(); r != nil {
		s.res = comp.of(r)
		s.residualAt = whole(comp.table(s.res, s.y.shape, nn.Square(1), nn.HW{}))
	}
	for p := range s.half {
		s.rows, s.packed = append(s.rows, int32(p*simd.Lanes)), append(s.packed, int32(p*s.pixel))
	}
	comp.mu.Lock()
	defer comp.mu.Unlock()
	comp.scratch = max(comp.scratch, 7*s.size+3*s.panel()*s.step+simd.Slack)
	return nil
}

// worthwhile estimates whether the seven products and their sums are faster than
// the direct product. The unit is one multiplication of a register. By measurement
// on Zen 4, a pixel in a plane of results costs 10 at its start and end, a partial
// sum 6, and a pixel in a plane of S1 to S4 11.
func (s *strassen) worthwhile() bool {
	product := func(pixels, outputs, inputs int) int { return pixels * outputs * (simd.Lanes*inputs + 10) }
	k, n := s.inputs, s.outputs
	direct := product(s.pixels, n[0]+n[1], k[0]+k[1])
	ours := 3*product(s.half, n[0], k[0]) + 2*product(s.half, n[0], k[1]) +
		product(s.half, n[1], k[0]) + product(s.half, n[1], k[1]) + product(s.half, n[1], 0) +
		s.half*(6*(3*n[0]+4*n[1])+11*4*k[0])
	return 106*s.units*ours < 100*direct
}

// pack computes the weights of the seven products from those of the convolution,
// (out, in).
func (s *strassen) pack(n *nn.Node, w []float32) {
	b := func(row, column int) float64 {
		channel := s.x.holds(row)
		if channel < 0 || column >= n.Shape.C {
			return 0
		}
		return float64(w[column*n.In[0].Shape.C+channel])
	}
	rows, columns := s.inputs[0]*simd.Lanes, s.outputs[0]*simd.Lanes
	all := s.x.count() * simd.Lanes
	b11 := func(k, j int) float64 { return b(k, j) }
	b12 := func(k, j int) float64 { return b(k, columns+j) }
	b21 := func(k, j int) float64 { return b(rows+k, j) }
	b22 := func(k, j int) float64 {
		if rows+k >= all {
			return 0
		}
		return b(rows+k, columns+j)
	}
	t2 := func(k, j int) float64 { return b22(k, j) - b12(k, j) + b11(k, j) }
	pack := func(inputs, outputs int, value func(k, j int) float64) weights {
		packed := newFloats(inputs * outputs * simd.Lanes * simd.Lanes)[:0]
		for first := 0; first < outputs*simd.Lanes; first += s.set.Panel {
			for k := range inputs * simd.Lanes {
				for j := first; j < min(first+s.set.Panel, outputs*simd.Lanes); j++ {
					packed = append(packed, float32(value(k, j)))
				}
			}
		}
		return weights{inputs, outputs, packed}
	}
	s.b11 = pack(s.inputs[0], s.outputs[0], b11)
	s.b21 = pack(s.inputs[1], s.outputs[0], b21)
	s.b22 = pack(s.inputs[1], s.outputs[1], b22)
	s.t1 = pack(s.inputs[0], s.outputs[1], func(k, j int) float64 { return b12(k, j) - b11(k, j) })
	s.t2 = pack(s.inputs[0], s.outputs[0], t2)
	s.t3 = pack(s.inputs[0], s.outputs[0], func(k, j int) float64 { return b22(k, j) - b12(k, j) })
	s.t4 = pack(s.inputs[1], s.outputs[0], func(k, j int) float64 { return b21(k, j) - t2(k, j) })
}

// parts returns the number of parts. Each is a unit; if those are too few, each is
// some of the panels for a unit.
func (s *strassen) parts(workers int) int {
	groups := 1
	if workers > 1 {
		groups = min(s.panels(), max(1, 2*workers/s.units))
	}
	return s.units * groups
}

func (s *strassen) run(arena []float32, t *scratch, part, parts int) {
	groups := parts / s.units
	unit, group := part/groups, part%groups
	first := unit * 2 * s.half
	upper := span{first, min(s.half, s.pixels-first)}
	lower := span{first + s.half, min(s.half, s.pixels-first-s.half)}
	m := multiplier{s, t, arena}

	if t.held != unit+1 {
		t.held = unit + 1
		s.sums(arena, t, upper, lower)
	}
	input := func(i int) matrix { return matrix{t.floats[i*s.size:], s.packed, simd.Lanes} }
	a11, a12, a22, s1, s2, s3, s4 := input(0), input(1), input(2), input(3), input(4), input(5), input(6)

	u := matrix{t.floats[7*s.size:], s.rows, s.step}
	v := u.from(s.panel())
	w := v.from(s.panel())
	for panel := s.panels() * group / groups; panel < s.panels()*(group+1)/groups; panel++ {
		plane := panel * s.panel()
		m.partial(u, false, a11, s.b11, plane)
		m.result(upper, 0, a12, s.b21, plane, u)
		m.partial(u, true, s2, s.t2, plane)
		m.partial(w, false, s3, s.t3, plane, u)
		m.result(lower, 0, a22, s.t4, plane, w)
		if plane < s.outputs[1] {
			m.partial(v, false, s1, s.t1, plane)
			m.result(upper, 1, s4, s.b22, plane, u, v)
			m.result(lower, 1, a22, weights{outputs: s.outputs[1]}, plane, w, v)
		}
		if unit == 0 {
			for i := plane; i < min(plane+s.panel(), s.outputs[0]); i++ {
				s.y.clearBorder(arena, i)
				if i < s.outputs[1] {
					s.y.clearBorder(arena, s.outputs[0]+i)
				}
			}
		}
	}
}

// sums packs the inputs of the products.
func (s *strassen) sums(arena []float32, t *scratch, upper, lower span) {
	j := &t.strassen
	j.X, j.XStep, j.Upper, j.Lower = arena[s.x.base(0):], s.x.plane(), s.in[upper.first:], s.in[lower.first:]
	j.Y, j.YPixel, j.YStep = t.floats, s.pixel, s.size
	j.Pixels, j.Left, j.Right = s.half, s.inputs[0], s.inputs[1]
	s.set.Strassen(j)
}

// span is a range of pixels.
type span struct{ first, pixels int }

// multiplier computes the products of one part.
type multiplier struct {
	*strassen
	scratch *scratch
	arena   []float32
}

// partial computes y = x*b + start, or adds x*b to y if more is set, for the panel
// of b that begins at a plane.
func (m *multiplier) partial(y matrix, more bool, x matrix, b weights, plane int, start ...matrix) {
	g := &m.scratch.gemm
	g.End, g.Y, g.Out, g.YStep = m.half, y.data, y.at, y.step
	g.Accumulate, g.Bias, g.Floor, g.Residual = more, m.zero, simd.None, nil
	m.product(x, b, plane, start)
}

// result computes x*b + start into some pixels of the convolution's output, for a
// panel of one half of the output planes.
func (m *multiplier) result(pixels span, half int, x matrix, b weights, plane int, start ...matrix) {
	g, at := &m.scratch.gemm, half*m.outputs[0]+plane
	g.End, g.Y, g.Out, g.YStep = pixels.pixels, m.arena[m.y.base(at):], m.out[pixels.first:], m.y.plane()
	g.Accumulate, g.Bias, g.Floor, g.Residual = false, m.bias[at*simd.Lanes:], m.floor, nil
	if m.res != nil {
		g.Residual, g.ResidualAt = m.arena[m.res.base(at):], m.residualAt[pixels.first:]
		g.ResidualStep = m.res.plane()
	}
	m.product(x, b, plane, start)
	planes := min(m.outputs[half]-plane, m.panel())
	m.after.pixels(m.arena, m.scratch, at, planes, pixels.first, pixels.first+pixels.pixels)
}

// product runs the job. If b has no inputs, the result is the start alone.
func (m *multiplier) product(x matrix, b weights, plane int, start []matrix) {
	g, segment := &m.scratch.gemm, &m.scratch.segment
	g.First, g.X, g.In, g.XStep = 0, x.data, x.at, x.step
	segment[0] = simd.Segment{K: b.inputs * simd.Lanes}
	g.Segments = segment[:min(1, b.inputs)]
	g.W = b.w[plane*b.inputs*simd.Lanes*simd.Lanes:]
	g.Partials, g.PartialStep = [2][]float32{}, m.step
	for i, s := range start {
		g.Partials[i] = s.data
	}
	m.set.Multiply(g, min(b.outputs-plane, m.panel())*simd.Lanes)
}

// panel returns the number of planes in a panel.
func (s *strassen) panel() int { return s.set.Panel / simd.Lanes }

// panels returns the number of panels in the larger half of the outputs.
func (s *strassen) panels() int { return (s.outputs[0] + s.panel() - 1) / s.panel() }
