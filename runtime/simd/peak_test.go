//go:build linux && amd64

package simd_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/deploy-kernel/deploy-kernel/runtime/amd64"
	"github.com/deploy-kernel/deploy-kernel/runtime/machinecode"
	"github.com/deploy-kernel/deploy-kernel/runtime/simd"
)

// threadTime returns the CPU time of the calling thread.
func threadTime() time.Duration {
	const threadCPUTime = 3 // CLOCK_THREAD_CPUTIME_ID
	var ts syscall.Timespec
	_, _, _ = syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, threadCPUTime, uintptr(unsafe.Pointer(&ts)), 0)
	return time.Duration(ts.Nano())
}

// candidate is something to measure beside others.
type candidate struct {
	name  string
	flops float64 // of one run
	run   func()
	rates []float64 // GFLOP/s
}

// alternate measures candidates in turns by the time of the thread, and returns the
// median of each one's ratio to the first.
func alternate(rounds int, list ...*candidate) []float64 {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for range rounds {
		for _, c := range list {
			c.run()
			start, n := threadTime(), 0
			for threadTime()-start < time.Millisecond {
				for range 20 {
					c.run()
				}
				n += 20
			}
			c.rates = append(c.rates, c.flops*float64(n)/float64((threadTime()-start).Nanoseconds()))
		}
	}
	var medians []float64
	for _, c := range list {
		ratios := make([]float64, rounds)
		for i := range ratios {
			last := len(c.rates) - rounds + i
			ratios[i] = c.rates[last] / list[0].rates[last]
		}
		slices.Sort(ratios)
		medians = append(medians, ratios[rounds/2])
	}
	return medians
}

// peak returns a loop of independent multiply-adds in registers, which nothing can
// exceed.
func peak(t testing.TB, width amd64.Width) *candidate {
	t.Helper()
	const sums, turns = 12, 1000
	var a amd64.Assembler
	for i := range sums + 2 {
		a.VXORPS(width.Reg(i), width.Reg(i), width.Reg(i))
	}
	a.MOV(amd64.RCX, amd64.Imm(turns))
	loop := a.NewLabel()
	a.Align(32)
	a.Bind(loop)
	for i := range sums {
		a.VFMADD231PS(width.Reg(i), width.Reg(sums), width.Reg(sums+1))
	}
	a.DEC(amd64.RCX)
	a.JNZ(loop)
	machinecode.Return(&a)
	code, err := a.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	f, err := machinecode.Load[int]("peak", code)
	if err != nil {
		t.Fatal(err)
	}
	nothing := new(int)
	return &candidate{name: "peak", flops: float64(2 * sums * turns * width.Bytes() / 4), run: func() { f(nothing) }}
}

// inCache returns a matrix product whose data lies in the first cache.
func inCache(set *simd.Set, k, pixels int) *candidate {
	r := rand.New(rand.NewPCG(1, 2))
	g := &simd.GEMM{
		X: random(r, pixels*k), W: random(r, k*set.Panel), Y: make([]float32, pixels*set.Panel),
		XStep: lanes, YStep: pixels * lanes,
		Segments: []simd.Segment{{K: k}}, In: make([]int32, pixels), Out: make([]int32, pixels),
		End: pixels, Bias: random(r, set.Panel), Floor: 0,
	}
	for p := range pixels {
		g.In[p], g.Out[p] = int32(p*k), int32(p*lanes)
	}
	return &candidate{
		name:  fmt.Sprintf("%s k=%d, %d pixels", set.Name, k, pixels),
		flops: 2 * float64(pixels*k*set.Panel), run: func() { set.GEMM(g) },
	}
}

// BenchmarkGEMMBesidePeak measures GEMM, and independent multiply-adds in the same
// process, in turns.
func BenchmarkGEMMBesidePeak(b *testing.B) {
	for _, set := range simd.Sets() {
		width, rows := amd64.YMM, 6
		switch set.Name {
		case "avx512":
			width, rows = amd64.ZMM, 14
		case "scalar":
			continue
		}
		for _, k := range []int{64, 256} {
			for _, pixels := range []int{rows / 2, rows, 4 * rows} {
				list := []*candidate{peak(b, width), inCache(set, k, pixels)}
				b.Run(list[1].name, func(b *testing.B) {
					ratios := alternate(b.N, list...)
					rates := slices.Sorted(slices.Values(list[1].rates[len(list[1].rates)-b.N:]))
					b.ReportMetric(rates[len(rates)/2], "GFLOP/s")
					b.ReportMetric(100*ratios[1], "%peak")
				})
			}
		}
	}
}
