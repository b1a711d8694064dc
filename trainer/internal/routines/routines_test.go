package routines_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
	"github.com/deploy-kernel/deploy-kernel/trainer/internal/routines"
)

func random(r *rand.Rand, n int) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = r.Float32()*2 - 1
	}
	return out
}

// near reports whether two vectors are equal up to the rounding of sums of a hundred
// values of about 1.
func near(a, b []float32) bool {
	for i := range a {
		if !(math.Abs(float64(a[i]-b[i])) <= 1e-4) {
			return false
		}
	}
	return true
}

func TestEverySetComputesWhatTheScalarSetDoes(t *testing.T) {
	const lanes = simd.Lanes
	type job func(s *routines.Set, r *rand.Rand) [][]float32
	jobs := map[string]job{}
	for _, pixels := range []int{1, 2, 3, 7, 64} {
		n := pixels * lanes
		norm := func(r *rand.Rand) *routines.Norm {
			return &routines.Norm{Scale: random(r, lanes), Shift: random(r, lanes), Mean: random(r, lanes), Floor: []float32{0, simd.None}[pixels%2]}
		}
		jobs[fmt.Sprintf("Moments/%d", pixels)] = func(s *routines.Set, r *rand.Rand) [][]float32 {
			a, b := random(r, lanes), random(r, lanes)
			s.Moments(a, b, random(r, n), random(r, lanes))
			return [][]float32{a, b}
		}
		jobs[fmt.Sprintf("NormSums/%d", pixels)] = func(s *routines.Set, r *rand.Rand) [][]float32 {
			a, b := random(r, lanes), random(r, lanes)
			s.NormSums(norm(r), a, b, random(r, n), random(r, n))
			return [][]float32{a, b}
		}
		jobs[fmt.Sprintf("NormGrad/%d", pixels)] = func(s *routines.Set, r *rand.Rand) [][]float32 {
			dy := random(r, n)
			s.NormGrad(norm(r), dy, dy, random(r, n), random(r, lanes), random(r, lanes), random(r, lanes))
			return [][]float32{dy}
		}
		jobs[fmt.Sprintf("Dot/%d", pixels)] = func(s *routines.Set, r *rand.Rand) [][]float32 {
			sum := random(r, lanes)
			s.Dot(sum, random(r, n), random(r, n))
			return [][]float32{sum}
		}
		jobs[fmt.Sprintf("MulAdd/%d", pixels)] = func(s *routines.Set, r *rand.Rand) [][]float32 {
			y := random(r, n)
			s.MulAdd(y, random(r, n), random(r, n))
			return [][]float32{y}
		}
		jobs[fmt.Sprintf("Mask/%d", pixels)] = func(s *routines.Set, r *rand.Rand) [][]float32 {
			dx := random(r, n)
			s.Mask(dx, random(r, n), random(r, n))
			return [][]float32{dx}
		}
		jobs[fmt.Sprintf("SwishGrad/%d", pixels)] = func(s *routines.Set, r *rand.Rand) [][]float32 {
			dy := random(r, n)
			s.SwishGrad(dy, dy, random(r, n), random(r, n), 1.5)
			return [][]float32{dy}
		}
		jobs[fmt.Sprintf("Winner/%d", pixels)] = func(s *routines.Set, r *rand.Rand) [][]float32 {
			dx, rest, x := random(r, n), random(r, n), random(r, n)
			y := random(r, n)
			for i := range y {
				if r.IntN(2) == 0 {
					y[i] = x[i]
				}
			}
			s.Winner(dx, rest, x, y)
			return [][]float32{dx, rest}
		}
		for _, channels := range []int{1, 4, 8, 16} {
			for stride := 1; stride <= 2; stride++ {
				jobs[fmt.Sprintf("GroupedGrad/%d channels, stride %d/%d", channels, stride, pixels)] = func(s *routines.Set, r *rand.Rand) [][]float32 {
					const lines, rows, cols = 3, 3, 3
					row := ((pixels-1)*stride + cols) * lanes
					g := routines.GroupedGrad{
						X: random(r, ((lines-1)*stride+rows)*row+simd.Slack), Y: random(r, lines*n), W: random(r, rows*channels*cols*lanes),
						XRow: row, Lines: lines, Pixels: pixels, Rows: rows, Cols: cols, Channels: channels, Stride: stride,
					}
					s.GroupedGrad(&g)
					return [][]float32{g.W}
				}
			}
		}
	}
	for _, n := range []int{1, 10, 27, 28, 33, 100} {
		step := func(s *routines.Set, r *rand.Rand, a routines.Adam) [][]float32 {
			w, m, v, top := random(r, n), random(r, n), random(r, n), random(r, n)
			for i := range v {
				v[i], top[i] = v[i]*v[i], top[i]*top[i]
			}
			if n%2 == 0 {
				top = nil
			}
			s.Adam(&a, w, random(r, n), m, v, top)
			return [][]float32{w, m, v, top}
		}
		jobs[fmt.Sprintf("Adam/%d", n)] = func(s *routines.Set, r *rand.Rand) [][]float32 {
			return step(s, r, routines.Adam{Scale: 0.5, Decay: 0.1, Keep: 0.9, Beta1: 0.9, Rest1: 0.1, Beta2: 0.99, Rest2: 0.01, Rate: 0.1, Root: 2, Epsilon: 0.5})
		}
		jobs[fmt.Sprintf("SGD/%d", n)] = func(s *routines.Set, r *rand.Rand) [][]float32 {
			w, b := random(r, n), random(r, n)
			s.SGD(&routines.SGD{Scale: 0.5, Decay: 0.1, Rate: 0.1, Momentum: 0.9, Nesterov: n%2 == 0}, w, random(r, n), b)
			return [][]float32{w, b}
		}
	}
	for name, run := range jobs {
		want := run(routines.Scalar, rand.New(rand.NewPCG(1, 2)))
		for _, s := range routines.Sets() {
			got := run(s, rand.New(rand.NewPCG(1, 2)))
			for i := range want {
				if !near(got[i], want[i]) {
					t.Errorf("%s %s: output %d is %v, want %v", s.Name, name, i, got[i], want[i])
					break
				}
			}
		}
	}
}

func TestGELUIsExactEverywhere(t *testing.T) {
	var x []float32
	for i := range 40 * simd.Lanes {
		x = append(x, float32(i-20*simd.Lanes)/16)
	}
	x[0], x[1], x[2], x[3] = 1e10, -1e10, float32(math.Copysign(0, -1)), 1e-30
	ones := make([]float32, len(x))
	for i := range ones {
		ones[i] = 1
	}
	value, want, got := make([]float32, len(x)), make([]float32, len(x)), make([]float32, len(x))
	routines.Scalar.GELU(value, x)
	routines.Scalar.GELUGrad(want, ones, x)
	for _, s := range routines.Sets() {
		s.GELU(got, x)
		for i := range x {
			if !(math.Abs(float64(got[i]-value[i])) <= 3e-7*max(1, math.Abs(float64(x[i])))) {
				t.Errorf("%s: the value at %v is %v, want %v", s.Name, x[i], got[i], value[i])
			}
		}
		s.GELUGrad(got, ones, x)
		for i := range x {
			if !(math.Abs(float64(got[i]-want[i])) <= 4e-7) {
				t.Errorf("%s: the slope at %v is %v, want %v", s.Name, x[i], got[i], want[i])
			}
		}
	}
}

func TestFiniteFindsNaNAndInfinityAnywhere(t *testing.T) {
	for _, s := range routines.Sets() {
		for _, n := range []int{0, 1, 15, 16, 17, 40} {
			x := make([]float32, n)
			if !s.Finite(x) {
				t.Errorf("%s: zeros are not finite", s.Name)
			}
			for i := range x {
				for _, odd := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
					x[i] = float32(odd)
					if s.Finite(x) {
						t.Errorf("%s: %v at %d of %d not found", s.Name, odd, i, n)
					}
				}
				x[i] = 1
			}
		}
	}
}
