package simd_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/internal/guardpage"
	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
)

// activations has every kind, with the constants of published networks and others.
var activations = []nn.Activation{
	{Kind: nn.Swish, A: 1},
	{Kind: nn.Swish, A: 1.702},
	{Kind: nn.Swish, A: -0.5},
	{Kind: nn.Swish, A: 1e9},
	{Kind: nn.GELU},
	{Kind: nn.GELUTanh},
	{Kind: nn.HardSigmoid, A: 1. / 6, B: 0.5},
	{Kind: nn.HardSigmoid, A: 0.2, B: 0.5},
	{Kind: nn.HardSwish},
	{Kind: nn.Mish},
	{Kind: nn.Clip, A: 0, B: 6},
	{Kind: nn.Clip, A: -1, B: math.Inf(1)},
	{Kind: nn.LeakyReLU, A: 0.1},
	{Kind: nn.ELU, A: 1},
	{Kind: nn.ELU, A: 1.5},
	{Kind: nn.Tanh},
}

// pixelsAt returns the offsets of pixels in rows of five, with two pixels between rows.
func pixelsAt(n int) []int32 {
	at := make([]int32, n)
	for i := range at {
		at[i] = int32((i + i/5*2) * lanes)
	}
	return at
}

func TestActivationsAreCloseEverywhere(t *testing.T) {
	const n = 1 << 14
	p := simd.Pixels{X: make([]float32, n*lanes), Y: make([]float32, n*lanes), In: make([]int32, n), End: n, Planes: 1}
	for i := range p.X {
		p.X[i] = (float32(i) - n*lanes/2) / (n * lanes / 40)
	}
	copy(p.X, []float32{0, -1000, 1000, -90, 90, 3e38, -3e38, 1e-40, 1e-30})
	for i := range n {
		p.In[i] = int32(i * lanes)
	}
	p.Out = p.In
	for _, set := range simd.Sets() {
		for _, a := range activations {
			set.Activation(a)(&p)
			worst, at := 0.0, float32(0)
			for i, x := range p.X {
				want := a.Of(float64(x))
				if math.Abs(want) > 1e37 || math.IsNaN(want) {
					continue // Exp is limited, and roots of negative numbers are NaN
				}
				if diff := math.Abs(float64(p.Y[i])-want) / max(1, math.Abs(float64(x)), math.Abs(want)); !(diff <= worst) {
					worst, at = diff, x
				}
			}
			t.Logf("%s %v: the largest error is %.1e, at %v", set.Name, a, worst, at)
			if !(worst <= 1e-6) {
				t.Errorf("%s %v has an error of %.1e at %v", set.Name, a, worst, at)
			}
		}
	}
}

func TestActivationsKeepNaN(t *testing.T) {
	p := simd.Pixels{X: make([]float32, lanes), Y: make([]float32, lanes), In: make([]int32, 1), Out: make([]int32, 1), End: 1, Planes: 1}
	p.X[3] = nan
	for _, set := range simd.Sets() {
		for _, a := range activations {
			set.Activation(a)(&p)
			if p.Y[3] == p.Y[3] || p.Y[2] != p.Y[2] {
				t.Errorf("%s %v makes %v of NaN, and %v of 0", set.Name, a, p.Y[3], p.Y[2])
			}
		}
	}
}

func TestActivationsReadAndWriteTheirPixelsOnly(t *testing.T) {
	for _, set := range simd.Sets() {
		for _, a := range activations {
			routine := set.Activation(a)
			for n := 1; n <= 13; n++ {
				for planes := range 3 {
					at := pixelsAt(n)
					step := int(at[n-1]) + lanes + n%3*lanes
					size := max(0, planes-1)*step + int(at[n-1]) + lanes
					for _, side := range guardpage.Sides {
						x, y := guardpage.Floats(t, size, side), guardpage.Floats(t, size, side)
						for i := range x {
							x[i], y[i] = float32(i%5+1)/2, canary
						}
						first := n / 4
						routine(&simd.Pixels{X: x, Y: y, In: at, Out: at, XStep: step, YStep: step, First: first, End: n, Planes: planes})
						written := make([]bool, size)
						for plane := range planes {
							for _, o := range at[first:] {
								for c := range lanes {
									written[plane*step+int(o)+c] = true
								}
							}
						}
						for i, w := range written {
							if want := float32(a.Of(float64(x[i]))); w && !(math.Abs(float64(y[i]-want)) < 1e-4) || !w && y[i] != canary {
								t.Fatalf("%s %v of %d pixels in %d planes: value %d is %v, x is %v", set.Name, a, n, planes, i, y[i], x[i])
							}
						}
					}
				}
			}
		}
	}
}

func BenchmarkActivation(b *testing.B) {
	const n = 240
	p := simd.Pixels{X: make([]float32, n*lanes), In: make([]int32, n), End: n, Planes: 1}
	for i := range p.X {
		p.X[i] = float32(i%100-50) / 10
	}
	for i := range n {
		p.In[i] = int32(i * lanes)
	}
	p.Y, p.Out = make([]float32, n*lanes), p.In
	for _, set := range simd.Sets() {
		for _, a := range activations {
			routine := set.Activation(a)
			b.Run(fmt.Sprintf("%s/%v", set.Name, a), func(b *testing.B) {
				for b.Loop() {
					routine(&p)
				}
				b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(b.N)/(n*lanes), "ns/value")
			})
		}
	}
}
