package simd_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
)

func TestRoutinesAcrossChannelsEqualTheScalarLoops(t *testing.T) {
	for _, set := range simd.Sets() {
		d := &differential{t: t, r: rand.New(rand.NewPCG(1, 2)), tolerance: 3e-6}
		for n := 1; n <= 37; n++ {
			for _, planes := range []int{1, 2, 7} {
				at := pixelsAt(n)
				if d.r.IntN(2) == 0 {
					for i := range at {
						at[i] = int32(i * lanes)
					}
				}
				step := int(at[n-1]) + (1+d.r.IntN(3))*lanes
				size := (planes-1)*step + int(at[n-1]) + lanes
				a := simd.Across{
					X: d.data(size), In: at, Out: at, XStep: step, YStep: step, First: d.r.IntN(n), End: n, Planes: planes,
					Scale: d.data(planes * lanes), Shift: d.data(planes * lanes), Channels: planes*lanes - d.r.IntN(4), Eps: 1e-5,
				}
				for _, p := range at {
					for i := a.Channels; i < planes*lanes; i++ {
						a.X[int(p)+i/lanes*step+i%lanes] = 0
					}
				}
				for i := range a.X {
					if a.X[i] != 0 {
						a.X[i] = 9*a.X[i] + float32(n)/8 // a mean that is not 0
					}
				}
				for _, routine := range []struct {
					name string
					of   func(*simd.Set) func(*simd.Across)
				}{
					{"LayerNorm", func(s *simd.Set) func(*simd.Across) { return s.LayerNorm }},
					{"Softmax", func(s *simd.Set) func(*simd.Across) { return s.Softmax }},
				} {
					run := func(s *simd.Set) func([]float32) {
						return func(y []float32) {
							job := a
							job.Y = y
							routine.of(s)(&job)
						}
					}
					d.name = fmt.Sprintf("%s.%s(%d pixels of %d planes)", set.Name, routine.name, n, planes)
					d.compare(size, run(simd.Scalar), run(set))
				}
			}
		}
	}
}

// Channels that are nearly equal, and far from 0, keep their differences.
func TestLayerNormOfALargeMean(t *testing.T) {
	for _, set := range simd.Sets() {
		a := simd.Across{
			X: make([]float32, lanes), Y: make([]float32, lanes), In: []int32{0}, Out: []int32{0}, End: 1, Planes: 1,
			Scale: make([]float32, lanes), Shift: make([]float32, lanes), Channels: lanes,
		}
		for i := range a.X {
			a.X[i], a.Scale[i] = 1000+float32(i%2), 1
		}
		set.LayerNorm(&a)
		for i, v := range a.Y {
			if want := float32(i%2*2 - 1); v-want > 1e-3 || want-v > 1e-3 {
				t.Errorf("%s: value %d is %v, want %v", set.Name, i, v, want)
			}
		}
	}
}

func BenchmarkAcross(b *testing.B) {
	const n, planes = 56, 24
	a := simd.Across{
		X: make([]float32, n*planes*lanes), Y: make([]float32, n*planes*lanes), In: make([]int32, n), XStep: n * lanes, YStep: n * lanes,
		End: n, Planes: planes, Scale: make([]float32, planes*lanes), Shift: make([]float32, planes*lanes), Channels: planes * lanes, Eps: 1e-6,
	}
	for i := range a.In {
		a.In[i] = int32(i * lanes)
	}
	a.Out = a.In
	for _, set := range simd.Sets() {
		for name, routine := range map[string]func(*simd.Across){"layernorm": set.LayerNorm, "softmax": set.Softmax} {
			b.Run(set.Name+"/"+name, func(b *testing.B) {
				for b.Loop() {
					routine(&a)
				}
				b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(b.N)/(n*planes*lanes), "ns/value")
			})
		}
	}
}
