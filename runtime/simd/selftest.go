package simd

import (
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd/emit"
)

// trial compares a set's routines with the scalar ones.
type trial struct{ *emit.Trial[*Set] }

// values returns n small numbers, whose products and sums are exact.
func (trial) values(n, seed int) []float32 { return emit.Values[float32](n, seed) }

// compare runs a job with the scalar set and with the other one, on the same n values.
func (t trial) compare(name string, n int, job func(s *Set, y []float32)) {
	emit.Compare(t.Trial, name, 1e-5, t.values(n, 0), job)
}

// The pixels of the jobs: tiles of several sizes.
const (
	trialPixels = 23
	trialFloats = trialPixels * Lanes
)

// selfTest tries every routine of a set.
func selfTest(of *emit.Trial[*Set]) {
	t := trial{of}
	const n = trialFloats
	x, a, b, few := t.values(n, 1), t.values(n, 2), t.values(n, 3), t.values(Lanes, 4)
	t.compare("Affine", n, func(s *Set, y []float32) { s.Affine(y, x, a, b, 0) })
	t.compare("AddScaled", n, func(s *Set, y []float32) { s.AddScaled(y, a, b, 0.5, 0) })
	t.compare("Max", n, func(s *Set, y []float32) { s.Max(y, x) })
	t.compare("Scale", n, func(s *Set, y []float32) { s.Scale(y, x, few, a, 0) })
	t.compare("Gate", n, func(s *Set, y []float32) { s.Gate(y, x, few, b, 0) })
	t.compare("GatePixels", n, func(s *Set, y []float32) { s.GatePixels(y, x, a, b, 0) })
	t.compare("Sigmoid", n, func(s *Set, y []float32) { s.Sigmoid(y, x) })
	t.compare("Sum", Lanes, func(s *Set, y []float32) { s.Sum(y, x) })
	t.compare("Peak", Lanes, func(s *Set, y []float32) { s.Peak(y, x) })
	t.activations()
	t.across()
	t.packing()
	t.rows()
	t.products()
}

// places returns the offsets of the pixels, in two rows.
func (trial) places() []int32 {
	var at []int32
	for p := range trialPixels {
		at = append(at, int32((p+p/9)*Lanes))
	}
	return at
}

// tried holds an activation of each kind that routines are generated for.
var tried = []nn.Activation{
	{Kind: nn.Swish, A: 1},
	{Kind: nn.GELU},
	{Kind: nn.GELUTanh},
	{Kind: nn.HardSigmoid, A: 0.25, B: 0.5},
	{Kind: nn.HardSwish},
	{Kind: nn.Mish},
	{Kind: nn.Clip, A: -0.5, B: 1},
	{Kind: nn.LeakyReLU, A: 0.1},
	{Kind: nn.ELU, A: 1},
	{Kind: nn.Tanh},
	{Kind: nn.Exp},
	{Kind: nn.Abs},
	{Kind: nn.Power, A: 2},
	{Kind: nn.Power, A: 0.5},
	{Kind: nn.Power, A: -1},
}

func (t trial) activations() {
	at, x := t.places(), t.values(2*trialFloats, 1)
	positive := make([]float32, len(x))
	for i, v := range x {
		positive[i] = v + 2
	}
	for _, a := range tried {
		in := x
		if a.Kind == nn.Power {
			in = positive
		}
		t.compare(a.String(), len(x), func(s *Set, y []float32) {
			s.Activation(a)(&Pixels{X: in, Y: y, In: at, Out: at, End: trialPixels, Planes: 1})
		})
	}
}

func (t trial) across() {
	const plane, planes = 2 * trialFloats, 3
	x, at, factors := t.values(planes*plane, 1), t.places(), t.values(planes*Lanes, 2)
	job := func(y []float32) *Across {
		return &Across{
			X: x, Y: y, In: at, Out: at, XStep: plane, YStep: plane, End: trialPixels, Planes: planes,
			Scale: factors, Shift: factors, Channels: planes * Lanes, Eps: 1,
		}
	}
	t.compare("LayerNorm", planes*plane, func(s *Set, y []float32) { s.LayerNorm(job(y)) })
	t.compare("Softmax", planes*plane, func(s *Set, y []float32) { s.Softmax(job(y)) })
}

func (t trial) packing() {
	const plane = 2 * trialFloats
	x, at := t.values(5*plane, 1), t.places()
	t.compare("Gather", 5*trialFloats, func(s *Set, y []float32) {
		s.Gather(&Gather{X: x, Y: y, At: at, XStep: plane, YPixel: 5 * Lanes, Pixels: trialPixels, Planes: 5})
	})
	t.compare("Gather", 5*trialFloats, func(s *Set, y []float32) {
		s.Gather(&Gather{
			X: x, Y: y, At: at, XStep: plane, YPixel: 5 * Lanes, Pixels: trialPixels, Planes: 5,
			Scale: x[1:], Shift: x[2:], ScaleStep: 2 * Lanes, Floor: 0,
		})
	})
	t.compare("Strassen", 7*3*trialFloats, func(s *Set, y []float32) {
		s.Strassen(&Strassen{
			X: x, Y: y, Upper: at, Lower: at[3:], XStep: plane,
			YPixel: 3 * Lanes, YStep: 3 * trialFloats, Pixels: trialPixels - 3, Left: 3, Right: 2,
		})
	})
	transform := func(y []float32) *Transform {
		return &Transform{
			X: x, XStep: Lanes, XNext: 6 * Lanes, Y: y, YStep: 3 * Lanes, YNext: Lanes, Count: 3,
			Bias: x[Lanes:], Residual: x[plane:], ResidualStep: Lanes, ResidualNext: 4 * Lanes,
		}
	}
	t.compare("ToWinograd", 6*3*Lanes, func(s *Set, y []float32) { s.ToWinograd(transform(y)) })
	t.compare("FromWinograd", 4*3*Lanes, func(s *Set, y []float32) { s.FromWinograd(transform(y)) })
}

func (t trial) rows() {
	for stride := 1; stride <= 2; stride++ {
		row := (trialPixels*stride + 3) * Lanes
		x, w, bias := t.values(3*row, 1), t.values(3*3*Lanes*Lanes, 2), t.values(Lanes, 3)
		windows := func(y []float32) *Windows {
			return &Windows{X: x, Y: y, W: w, Bias: bias, Row: row, Rows: 3, Cols: 3, Pixels: trialPixels, Stride: stride}
		}
		t.compare("Depthwise", trialFloats, func(s *Set, y []float32) { s.Depthwise(windows(y)) })
		t.compare("MaxPool", trialFloats, func(s *Set, y []float32) { s.MaxPool(windows(y)) })
		for _, channels := range []int{4, 8, 16} {
			t.compare("Grouped", trialFloats, func(s *Set, y []float32) {
				s.Grouped(&Grouped{X: x, Y: y, W: w, Bias: bias, Row: row, Rows: 3, Channels: channels, Pixels: trialPixels, Stride: stride})
			})
		}
	}
}

// products tests GEMM. Its panel may be twice as wide as that of the scalar routine:
// both halves then have the same weights.
func (t trial) products() {
	const rest = Lanes - 3 // the last segment fills no plane
	const k, plane = 2*Lanes + rest, 2 * trialFloats
	x, w, at := t.values(4*plane, 1), t.values(k*Lanes, 2), t.places()
	for _, r := range []struct {
		name     string
		columns  int
		multiply func(*GEMM)
	}{{"GEMM", t.Set.Panel, t.Set.GEMM}, {"HalfGEMM", Lanes, t.Set.HalfGEMM}} {
		columns := r.columns
		wide := make([]float32, 0, k*columns)
		for i := range k * columns {
			wide = append(wide, w[i/columns*Lanes+i%Lanes])
		}
		for form := range 8 {
			t.compare(r.name, columns/Lanes*plane, func(s *Set, y []float32) {
				g := GEMM{
					X: x, W: wide, Y: y, XStep: plane, YStep: plane, In: at, Out: at, End: trialPixels, Accumulate: form == 0,
					Segments: []Segment{{Offset: Lanes, K: 2 * Lanes}, {K: rest}}, Floor: 0,
				}
				parts := t.values(2*Lanes, 3)
				g.Bias = append(parts[:Lanes:Lanes], parts[:Lanes]...)
				if form&1 != 0 {
					g.Residual, g.ResidualAt, g.ResidualStep = x, at, 0
				}
				if form&2 != 0 {
					g.Partials[0] = x
				}
				if form >= 4 {
					g.Ahead = x
				}
				if form == 7 {
					g.Partials[1], g.Floor = x[:2*plane], None
				}
				if s != Scalar {
					r.multiply(&g)
					return
				}
				g.W = w
				for p := range columns / Lanes {
					half := g
					half.Y = y[p*plane:]
					if g.Residual != nil {
						half.Residual = x[p*Lanes:]
					}
					for i, part := range g.Partials {
						if part != nil {
							half.Partials[i] = part[p*Lanes:]
						}
					}
					s.GEMM(&half)
				}
			})
		}
	}
}
