//go:build goexperiment.simd && amd64 && !noasm

package simd

import (
	"math"
	"time"
	"unsafe"
)

// The last step of GEMM's inner loop needs 17 vectors. The compiler has 15
// registers, so it spills three vectors to the stack. A spill slot that crosses a
// cache line costs the product up to a sixth of its speed, and Go aligns stacks to
// only 8 bytes. GEMM is therefore called below a frame that aligns its slots.

// places is the number of 8-byte positions in 32 bytes. Spills are written in
// halves of 32 bytes.
const places = 4

// onStack returns f, called at the stack position where it runs fastest. The
// position depends on the size of f's frame. onStack measures it, which takes
// about a millisecond.
func onStack(f func(*GEMM)) func(*GEMM) {
	const pixels, k, columns = 20, 128, 2 * Lanes
	g := &GEMM{
		X: make([]float32, pixels*k+Slack), W: make([]float32, k*columns), Y: make([]float32, pixels*columns),
		XStep: pixels * Lanes, YStep: pixels * Lanes, Segments: []Segment{{K: k}},
		In: make([]int32, pixels), Out: make([]int32, pixels), End: pixels,
		Bias: make([]float32, columns), Floor: None,
	}
	for p := range pixels {
		g.In[p], g.Out[p] = int32(p*Lanes), int32(p*Lanes)
	}
	best, least := 0, time.Duration(math.MaxInt64)
	for range 16 {
		for place := range places {
			start := time.Now()
			for range 4 {
				callAt(place, f, g)
			}
			if took := time.Since(start); took < least {
				best, least = place, took
			}
		}
	}
	return func(g *GEMM) { callAt(best, f, g) }
}

// callAt calls f with a stack pointer that is 8*place bytes past a multiple of 32,
// up to a constant.
func callAt(place int, f func(*GEMM), g *GEMM) {
	var here uint64
	switch (int(uintptr(unsafe.Pointer(&here))/8) - place) % places {
	case 0:
		frame[[8]byte](f, g)
	case 1:
		frame[[16]byte](f, g)
	case 2:
		frame[[24]byte](f, g)
	default:
		frame[[32]byte](f, g)
	}
}

// frame calls f below a frame of P's size. The compiler cannot see that pad is
// unused.
//
//go:noinline
func frame[P [8]byte | [16]byte | [24]byte | [32]byte](f func(*GEMM), g *GEMM) byte {
	var pad P
	pad[g.End&7] = 1
	f(g)
	return pad[g.First&7]
}
