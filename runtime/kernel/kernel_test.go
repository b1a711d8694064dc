package kernel_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/runtime/kernel"
)

func random(r *rand.Rand, n int) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = r.Float32()*2 - 1
	}
	return out
}

func BenchmarkGEMM(b *testing.B) {
	for _, set := range kernel.Sets() {
		for _, k := range []int{64, 256} {
			b.Run(fmt.Sprintf("%s/k=%d", set.Name, k), func(b *testing.B) {
				r := rand.New(rand.NewPCG(1, 2))
				const pixels = 40
				g := kernel.GEMM{
					X: random(r, pixels*k+kernel.Slack), W: random(r, k*set.Panel), Y: make([]float32, pixels*set.Panel),
					Segments: []kernel.Segment{{K: k}}, In: make([]int32, pixels), Out: make([]int32, pixels),
					End: pixels, Bias: random(r, set.Panel), Floor: float32(math.Inf(-1)),
				}
				for p := range pixels {
					g.In[p], g.Out[p] = int32(p*k), int32(p*set.Panel)
				}
				for b.Loop() {
					set.GEMM(&g)
				}
				b.ReportMetric(2*float64(pixels*k*set.Panel)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}
