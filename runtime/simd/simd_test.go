package simd_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/internal/guardpage"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
)

const lanes = simd.Lanes

var (
	nan = float32(math.NaN())
	inf = float32(math.Inf(1))
)

// canary is the value around a result, where no routine may write.
const canary = 0x1.5a5a5ap77

// guard is the number of canaries before and after a result.
const guard = 67

// differential runs a routine and the scalar one on the same job, in memory of
// odd alignment, and compares everything that they wrote.
type differential struct {
	t    *testing.T
	name string
	r    *rand.Rand
	// hostile replaces some inputs by NaN, infinities, minus zero and denormals.
	hostile bool
	// tolerance is relative to the larger of 1 and the value. Routines add in
	// different orders.
	tolerance float64
}

func random(r *rand.Rand, n int) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = r.Float32()*2 - 1
	}
	return out
}

// data returns n random values. The memory before and behind them cannot be accessed,
// on one side directly.
func (d *differential) data(n int) []float32 {
	x := guardpage.Floats(d.t, n, guardpage.Sides[d.r.IntN(2)])
	for i := range x {
		x[i] = d.r.Float32()*2 - 1
	}
	if d.hostile && n > 0 {
		for range n/9 + 1 {
			x[d.r.IntN(n)] = [...]float32{nan, inf, -inf, float32(math.Copysign(0, -1)), 1e-42}[d.r.IntN(5)]
		}
	}
	return x
}

// compare runs both routines on copies of the same n values.
func (d *differential) compare(n int, scalar, vector func(y []float32)) {
	d.t.Helper()
	first := d.r.IntN(lanes)
	start := d.data(n)[:n]
	var y [2][]float32
	for i, f := range []func([]float32){scalar, vector} {
		all := make([]float32, guard+first+n+guard)
		for j := range all {
			all[j] = canary
		}
		copy(all[guard+first:], start)
		f(all[guard+first:][:n])
		y[i] = all
	}
	for i, want := range y[0] {
		got := y[1][i]
		if got == want || got != got && want != want {
			continue
		}
		if at := i - guard - first; at < 0 || at >= n {
			d.t.Fatalf("%s wrote %v at %d of %d", d.name, got, at, n)
		}
		limit := d.tolerance * max(1, math.Abs(float64(want)))
		if diff := math.Abs(float64(got) - float64(want)); !(diff <= limit) {
			d.t.Fatalf("%s: value %d of %d is %v, the scalar routine's %v", d.name, i-guard-first, n, got, want)
		}
	}
}

// each runs a test for every set but the scalar one, on tame and on hostile data.
func each(t *testing.T, tolerance float64, test func(d *differential, set *simd.Set)) {
	for _, set := range simd.Sets() {
		if set == simd.Scalar {
			continue
		}
		for _, hostile := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/hostile=%v", set.Name, hostile), func(t *testing.T) {
				test(&differential{t, set.Name, rand.New(rand.NewPCG(1, 2)), hostile, tolerance}, set)
			})
		}
	}
}

// floors lists the floors of results.
var floors = []float32{simd.None, 0, 0.25}

func TestVectorRoutinesEqualTheScalarLoops(t *testing.T) {
	each(t, 1e-6, func(d *differential, set *simd.Set) {
		for n := 0; n <= 272; n += lanes {
			for _, floor := range floors {
				x, a, b := d.data(n), d.data(n), d.data(n)
				few, others := d.data(lanes), d.data(lanes)
				factor := d.r.Float32()
				both := func(name string, f func(s *simd.Set, y []float32)) {
					d.name = fmt.Sprintf("%s.%s(%d values, floor %v)", set.Name, name, n, floor)
					d.compare(n, func(y []float32) { f(simd.Scalar, y) }, func(y []float32) { f(set, y) })
				}
				both("Affine", func(s *simd.Set, y []float32) { s.Affine(y, x, a, b, floor) })
				both("AddScaled", func(s *simd.Set, y []float32) { s.AddScaled(y, a, b, factor, floor) })
				both("Max", func(s *simd.Set, y []float32) { s.Max(y, x) })
				both("Scale", func(s *simd.Set, y []float32) { s.Scale(y, x, few, others, floor) })
				both("Gate", func(s *simd.Set, y []float32) { s.Gate(y, x, few, b, floor) })
				both("GatePixels", func(s *simd.Set, y []float32) { s.GatePixels(y, x, a, b, floor) })
				both("Sigmoid", func(s *simd.Set, y []float32) { s.Sigmoid(y, x) })
				both("in place Gate", func(s *simd.Set, y []float32) { s.Gate(y, y, few, b, floor) })
				both("in place AddScaled", func(s *simd.Set, y []float32) { s.AddScaled(y, y, b, factor, floor) })
			}
		}
	})
}

func TestGatherEqualsTheScalarLoop(t *testing.T) {
	each(t, 1e-6, func(d *differential, set *simd.Set) {
		for planes := range 12 {
			pixels := 1 + d.r.IntN(12)
			step := (pixels + d.r.IntN(3)) * lanes
			g := simd.Gather{
				X: d.data(planes*step + lanes), At: make([]int32, pixels),
				XStep: step, YPixel: (planes + d.r.IntN(2)) * lanes, Pixels: pixels, Planes: planes,
			}
			for i, p := range d.r.Perm(pixels) {
				g.At[i] = int32(p * lanes)
			}
			if planes > 0 && d.r.IntN(2) == 0 {
				g.ScaleStep, g.Floor = (1+d.r.IntN(2))*lanes, floors[d.r.IntN(3)]
				g.Scale, g.Shift = d.data((planes-1)*g.ScaleStep+lanes), d.data(planes*lanes)
			}
			d.name = fmt.Sprintf("%s.Gather(%d pixels of %d planes)", set.Name, pixels, planes)
			job := func(s *simd.Set) func(y []float32) {
				return func(y []float32) {
					g := g
					g.Y = y
					s.Gather(&g)
				}
			}
			d.compare(pixels*g.YPixel, job(simd.Scalar), job(set))
		}
	})
}

func TestStrassenEqualsTheScalarLoop(t *testing.T) {
	each(t, 1e-6, func(d *differential, set *simd.Set) {
		for left := range 6 {
			pixels, right := 1+d.r.IntN(12), max(0, left-d.r.IntN(2))
			spread := func() []int32 {
				places := make([]int32, pixels)
				for i, p := range d.r.Perm(2 * pixels)[:pixels] {
					places[i] = int32(p * lanes)
				}
				return places
			}
			step := (2*pixels + d.r.IntN(3)) * lanes
			s := simd.Strassen{
				X: d.data((left+right)*step + lanes), Upper: spread(), Lower: spread(), XStep: step,
				YPixel: (left + d.r.IntN(2)) * lanes, Pixels: pixels, Left: left, Right: right,
			}
			s.YStep = pixels * s.YPixel
			d.name = fmt.Sprintf("%s.Strassen(%d pixels of %d+%d planes)", set.Name, pixels, left, right)
			job := func(set *simd.Set) func(y []float32) {
				return func(y []float32) {
					s := s
					s.Y = y
					set.Strassen(&s)
				}
			}
			d.compare(7*s.YStep, job(simd.Scalar), job(set))
		}
	})
}

func TestSigmoidIsCloseEverywhere(t *testing.T) {
	each(t, 2e-7, func(d *differential, set *simd.Set) {
		d.name = set.Name + ".Sigmoid"
		x := make([]float32, 1<<16)
		for i := range x {
			x[i] = (float32(i) - 1<<15) / 256
		}
		d.compare(len(x), func(y []float32) { simd.Scalar.Sigmoid(y, x) }, func(y []float32) { set.Sigmoid(y, x) })
	})
}

func TestReductionsEqualTheScalarLoops(t *testing.T) {
	each(t, 1e-5, func(d *differential, set *simd.Set) {
		for n := 0; n <= 257; n++ {
			x := d.data(n * lanes)[:n*lanes]
			d.name = fmt.Sprintf("%s.Sum(%d pixels)", set.Name, n)
			d.compare(lanes, func(y []float32) { simd.Scalar.Sum(y, x) }, func(y []float32) { set.Sum(y, x) })
			d.name = fmt.Sprintf("%s.Peak(%d pixels)", set.Name, n)
			d.compare(lanes, func(y []float32) { simd.Scalar.Peak(y, x) }, func(y []float32) { set.Peak(y, x) })
		}
	})
}

func TestRoutinesOfRowsEqualTheScalarLoops(t *testing.T) {
	each(t, 1e-5, func(d *differential, set *simd.Set) {
		for pixels := 0; pixels <= 40; pixels++ {
			for _, stride := range []int{1, 2} {
				for _, side := range []int{1, 2, 3, 5, 7} {
					d.windows(set, pixels, stride, side)
				}
				for _, channels := range []int{4, 8, 16} {
					d.grouped(set, pixels, stride, channels)
				}
			}
		}
	})
}

// windows compares the routines that slide square windows.
func (d *differential) windows(set *simd.Set, pixels, stride, side int) {
	d.t.Helper()
	row := (pixels*stride + side + d.r.IntN(3)) * lanes
	w := simd.Windows{
		X: d.data(row * side), W: d.data(side * side * lanes), Bias: d.data(lanes),
		Row: row, Rows: side, Cols: side, Pixels: pixels, Stride: stride, Floor: floors[d.r.IntN(3)],
	}
	run := func(f func(*simd.Windows)) func([]float32) {
		return func(y []float32) {
			job := w
			job.Y = y
			f(&job)
		}
	}
	what := fmt.Sprintf("(%d pixels, stride %d, %dx%d)", pixels, stride, side, side)
	d.name = set.Name + ".Depthwise" + what
	d.compare(pixels*lanes, run(simd.Scalar.Depthwise), run(set.Depthwise))
	d.name = set.Name + ".MaxPool" + what
	d.compare(pixels*lanes, run(simd.Scalar.MaxPool), run(set.MaxPool))
}

func (d *differential) grouped(set *simd.Set, pixels, stride, channels int) {
	d.t.Helper()
	rows := 1 + d.r.IntN(3)
	row := (pixels*stride + 3 + d.r.IntN(3)) * lanes
	g := simd.Grouped{
		X: d.data(rows * row), W: d.data(rows * channels * 3 * lanes), Bias: d.data(lanes),
		Row: row, Rows: rows, Channels: channels, Pixels: pixels, Stride: stride, Floor: floors[d.r.IntN(3)],
	}
	run := func(f func(*simd.Grouped)) func([]float32) {
		return func(y []float32) {
			job := g
			job.Y = y
			f(&job)
		}
	}
	d.name = fmt.Sprintf("%s.Grouped(%d pixels, stride %d, %d channels)", set.Name, pixels, stride, channels)
	d.compare(pixels*lanes, run(simd.Scalar.Grouped), run(set.Grouped))
}

func TestWinogradTransformsEqualTheScalarLoops(t *testing.T) {
	each(t, 1e-5, func(d *differential, set *simd.Set) {
		for count := 0; count <= 20; count++ {
			for _, out := range []int{6, 4} {
				t := simd.Transform{
					XStep: (1 + d.r.IntN(3)) * lanes, XNext: d.r.IntN(9) * lanes, YStep: lanes * max(count, 1), YNext: lanes,
					ResidualStep: lanes * d.r.IntN(3), ResidualNext: lanes * d.r.IntN(3), Count: count, Floor: floors[d.r.IntN(3)],
				}
				t.X = d.data(count*t.XNext + 6*t.XStep)
				if d.r.IntN(2) == 0 {
					t.Bias = d.data(lanes)
				}
				if d.r.IntN(2) == 0 {
					t.Residual = d.data(count*t.ResidualNext + 4*t.ResidualStep + lanes)
				}
				run := func(s *simd.Set) func([]float32) {
					return func(y []float32) {
						job := t
						job.Y = y
						if out == 6 {
							s.ToWinograd(&job)
						} else {
							s.FromWinograd(&job)
						}
					}
				}
				d.name = fmt.Sprintf("%s.Transform(%d times to %d)", set.Name, count, out)
				d.compare(out*count*lanes, run(simd.Scalar), run(set))
			}
		}
	})
}

// A scalar panel has Lanes columns, so two of them correspond to a wide one.
func TestGEMMEqualsTheScalarLoop(t *testing.T) {
	each(t, 2e-5, func(d *differential, set *simd.Set) {
		for pixels := 1; pixels <= 32; pixels++ {
			for _, columns := range []int{set.Panel, lanes} {
				for range 6 {
					d.gemm(set, pixels, columns)
				}
			}
		}
	})
}

func (d *differential) gemm(set *simd.Set, pixels, columns int) {
	d.t.Helper()
	spread := func(n int) []int32 { // positions of pixels, in any order
		places := make([]int32, pixels)
		for i, p := range d.r.Perm(pixels) {
			places[i] = int32(p * n)
		}
		return places
	}
	g := simd.GEMM{
		In: spread(lanes), Out: spread(lanes), End: pixels, Bias: d.data(columns),
		Accumulate: d.r.IntN(3) == 0, Floor: floors[d.r.IntN(3)],
	}
	k := 0
	plane := (pixels + d.r.IntN(4)) * lanes
	if d.r.IntN(2) == 0 {
		g.XStep = plane
	}
	g.YStep = plane
	for range 1 + d.r.IntN(3) {
		s := simd.Segment{Offset: d.r.IntN(4), K: lanes * (1 + d.r.IntN(4))}
		if d.r.IntN(3) == 0 {
			s.K = 1 + d.r.IntN(3*lanes)
		}
		g.Segments = append(g.Segments, s)
		k += s.K
	}
	g.X, g.W = d.data(4*plane+pixels*lanes+8*lanes), d.data(k*columns)
	if d.r.IntN(2) == 0 {
		g.Ahead = d.data(lanes) // reading past its end is no fault
	}
	if d.r.IntN(2) == 0 {
		g.Residual, g.ResidualAt, g.ResidualStep = d.data(3*plane), spread(lanes), plane
	}
	for i := range d.r.IntN(3) {
		part := d.data(plane + pixels*lanes)
		g.Partials[i], g.PartialStep = part, plane
	}
	run := set.GEMM
	if columns == lanes {
		run = set.HalfGEMM
	}
	d.name = fmt.Sprintf("%s.GEMM(%d pixels, %d columns, k %d)", set.Name, pixels, columns, k)
	d.compare(plane+pixels*lanes, func(y []float32) {
		for first := 0; first < columns; first += lanes {
			half := g
			half.Y, half.Bias, half.W = y[first/lanes*plane:], g.Bias[first:], nil
			if g.Residual != nil {
				half.Residual = g.Residual[first/lanes*plane:]
			}
			for i, part := range g.Partials {
				if part != nil {
					half.Partials[i] = part[first/lanes*plane:]
				}
			}
			for i := range k {
				half.W = append(half.W, g.W[i*columns+first:][:lanes]...)
			}
			simd.Scalar.GEMM(&half)
		}
	}, func(y []float32) {
		job := g
		job.Y = y
		run(&job)
	})
}

// BenchmarkGEMM measures the matrix product on data in the L1 cache.
func BenchmarkGEMM(b *testing.B) {
	for _, set := range simd.Sets() {
		for _, k := range []int{64, 128, 256} {
			b.Run(fmt.Sprintf("%s/k=%d", set.Name, k), func(b *testing.B) {
				r := rand.New(rand.NewPCG(1, 2))
				const pixels = 40
				g := simd.GEMM{
					X: random(r, pixels*k), W: random(r, k*set.Panel), Y: make([]float32, pixels*set.Panel),
					XStep: lanes, YStep: pixels * lanes,
					Segments: []simd.Segment{{K: k}}, In: make([]int32, pixels), Out: make([]int32, pixels),
					End: pixels, Bias: random(r, set.Panel), Floor: simd.None,
				}
				for p := range pixels {
					g.In[p], g.Out[p] = int32(p*k), int32(p*lanes)
				}
				for b.Loop() {
					set.GEMM(&g)
				}
				b.ReportMetric(2*float64(pixels*k*set.Panel)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}

// BenchmarkRows measures the routines on one row of 36 pixels.
func BenchmarkRows(b *testing.B) {
	const pixels = 36
	r := rand.New(rand.NewPCG(1, 2))
	for _, set := range simd.Sets() {
		report := func(b *testing.B, perPixel int) {
			b.ReportMetric(2*float64(pixels*perPixel*lanes)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		}
		for _, stride := range []int{1, 2} {
			row := (pixels*stride + 8) * lanes
			for _, channels := range []int{4, 8, 16} {
				g := simd.Grouped{
					X: random(r, 3*row), Y: make([]float32, pixels*lanes), W: random(r, 9*channels*lanes), Bias: random(r, lanes),
					Row: row, Rows: 3, Channels: channels, Pixels: pixels, Stride: stride,
				}
				b.Run(fmt.Sprintf("%s/grouped%d/stride%d", set.Name, channels, stride), func(b *testing.B) {
					for b.Loop() {
						set.Grouped(&g)
					}
					report(b, 9*channels)
				})
			}
			for _, side := range []int{3, 5, 7} {
				w := simd.Windows{
					X: random(r, side*row), Y: make([]float32, pixels*lanes), W: random(r, side*side*lanes), Bias: random(r, lanes),
					Row: row, Rows: side, Cols: side, Pixels: pixels, Stride: stride, Floor: simd.None,
				}
				b.Run(fmt.Sprintf("%s/depthwise%d/stride%d", set.Name, side, stride), func(b *testing.B) {
					for b.Loop() {
						set.Depthwise(&w)
					}
					report(b, side*side)
				})
			}
		}
	}
}
