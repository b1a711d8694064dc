package jpeg

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/internal/guardpage"
	"github.com/deploy-kernel/deploy-kernel/internal/selftest"
)

// each runs a test for every set of routines.
func each(t *testing.T, test func(t *testing.T, r *routines)) {
	t.Parallel()
	for _, r := range sets() {
		t.Run(r.Name, func(t *testing.T) { test(t, r) })
	}
}

// fill fills b with random bytes; some are at the ends of their range.
func fill(r *rand.Rand, b []byte) []byte {
	for i := range b {
		b[i] = []byte{0, 255, byte(r.Uint32()), byte(r.Uint32())}[r.IntN(4)]
	}
	return b
}

// guarded returns n random bytes beside a page that cannot be accessed.
func guarded(t *testing.T, r *rand.Rand, n int, side guardpage.Side) []byte {
	t.Helper()
	return fill(r, guardpage.Bytes(t, n, side))
}

// The routines write what their definitions say, and access nothing beside the rows.
func TestUpsamplingEqualsItsDefinition(t *testing.T) {
	each(t, func(t *testing.T, routines *routines) {
		r := rand.New(rand.NewPCG(1, 2))
		for n := 1; n <= 150; n++ {
			side := guardpage.Sides[n%2]
			near, far := guarded(t, r, n, side), guarded(t, r, n, side)
			at := func(i int) int { return min(max(i, 0), n-1) }
			sample := func(i int) int { return int(near[at(i)]) }
			sum := func(i int) int { return 3*sample(i) + int(far[at(i)]) }
			check := func(what string, scale int, routine func(*rowJob), bias int, want func(i int) int) {
				t.Helper()
				j := rowJob{dst: guarded(t, r, scale*n, side), a: near, b: far, bias: bias}
				routine(&j)
				for i, v := range j.dst {
					if int(v) != want(i) {
						t.Fatalf("%d samples, %s: byte %d is %d, not %d", n, what, i, v, want(i))
					}
				}
			}
			side2 := func(i int) int { return i/2 - 1 + i%2*2 } // the neighbor of output i
			check("horizontally", 2, routines.UpsampleH, 0, func(i int) int { return (3*sample(i/2) + sample(side2(i)) + 1 + i%2) >> 2 })
			check("both ways", 2, routines.UpsampleHV, 0, func(i int) int { return (3*sum(i/2) + sum(side2(i)) + 8 - i%2) >> 4 })
			for bias := 1; bias <= 2; bias++ {
				check("vertically", 1, routines.UpsampleV, bias, func(i int) int { return (sum(i) + bias) >> 2 })
			}
		}
	})
}

func TestColorsEqualTheirDefinition(t *testing.T) {
	each(t, func(t *testing.T, routines *routines) {
		j := rowJob{dst: make([]byte, 768), a: make([]byte, 256), b: make([]byte, 256), c: make([]byte, 256)}
		for i := range j.a {
			j.a[i] = byte(i)
		}
		limit := func(v int) byte { return byte(min(max(v>>16, 0), 255)) }
		for blue := 0; blue < 256; blue++ {
			for red := 0; red < 256; red += 15 {
				for i := range j.a {
					j.b[i], j.c[i] = byte(blue), byte(red)
				}
				routines.YCbCrToRGB(&j)
				for i := range j.a {
					v := i<<16 + 1<<15
					want := [3]byte{
						limit(v + 91881*(red-128)),
						limit(v - 22554*(blue-128) - 46802*(red-128)),
						limit(v + 116130*(blue-128)),
					}
					if got := [3]byte(j.dst[3*i:]); got != want {
						t.Fatalf("YCbCr %d %d %d: got %v, want %v", i, blue, red, got, want)
					}
				}
			}
		}
	})
}

// Colors of rows of any length are those of single pixels, and no routine accesses
// anything beside the rows.
func TestRowsOfColorsEqualSinglePixels(t *testing.T) {
	each(t, func(t *testing.T, routines *routines) {
		r := rand.New(rand.NewPCG(1, 2))
		for n := 1; n <= 150; n++ {
			side := guardpage.Sides[n%2]
			j := rowJob{dst: guarded(t, r, 3*n, side), a: guarded(t, r, n, side), b: guarded(t, r, n, side), c: guarded(t, r, n, side)}
			for name, routine := range map[string][2]func(*rowJob){
				"Interleave": {routines.Interleave, scalar.Interleave}, "YCbCrToRGB": {routines.YCbCrToRGB, scalar.YCbCrToRGB},
			} {
				routine[0](&j)
				for i := range n {
					want := make([]byte, 3)
					routine[1](&rowJob{dst: want, a: j.a[i:][:1], b: j.b[i:][:1], c: j.c[i:][:1]})
					if got := j.dst[3*i:][:3]; !bytes.Equal(got, want) {
						t.Fatalf("%s of %d pixels: pixel %d is %v, not %v", name, n, i, got, want)
					}
				}
			}
		}
	})
}

// The short ways of the inverse DCT give what the long one does, up to the sum
// where numbers may wrap around.
func TestInverseDCTsAgree(t *testing.T) {
	each(t, func(t *testing.T, routines *routines) {
		r := rand.New(rand.NewPCG(3, 4))
		for trial := range 20000 {
			var block [64]int16
			left := safeSum
			places := []int{1, 8, 28, 64}[trial%4]
			for range r.IntN(30) {
				v := r.IntN(min(left, []int{20, 300, 5500}[r.IntN(3)]) + 1)
				left -= v
				if r.IntN(2) == 0 {
					v = -v
				}
				at := r.IntN(places)
				if block[at] == 0 {
					block[at] = int16(v)
				}
			}
			rows := false
			for _, v := range block[8:] {
				rows = rows || v != 0
			}
			got, want := make([]byte, 64), make([]byte, 64)
			d := &decoder{routines: routines}
			d.inverse(dequantize(&d.block, &block, &unit), got, 8)
			inverseWrapped(&block, want, 8, rows)
			if !bytes.Equal(got, want) {
				t.Fatalf("block %v: got %v, want %v", block, got, want)
			}
		}
	})
}

// unit is a quantization table that changes nothing.
var unit = func() (q [64]uint16) {
	for i := range q {
		q[i] = 1
	}
	return q
}()

// A block's samples may lie at either end of a plane, and the other columns of the rows
// keep theirs.
func TestInverseDCTsWriteTheirBlockAlone(t *testing.T) {
	each(t, func(t *testing.T, routines *routines) {
		const stride = 24
		for _, side := range guardpage.Sides {
			d := &decoder{routines: routines}
			block := [64]int16{0: 800, 7: 30, 56: -40, 63: 50}
			dst := guardpage.Bytes(t, 7*stride+8, side)
			d.inverse(dequantize(&d.block, &block, &unit), dst, stride)
			for i, v := range dst {
				if inside := i%stride < 8; inside != (v != 0) {
					t.Errorf("byte %d is %d", i, v)
				}
			}
		}
	})
}

func TestTheSelfTestFindsEachWrongRoutine(t *testing.T) {
	selftest.FindsEachWrongRoutine(t, trouble(), sets(), scalar, selfTest)
}

func TestRoutinesAllocateNothing(t *testing.T) {
	for _, r := range sets() {
		j := &rowJob{dst: make([]byte, 300), a: make([]byte, 100), b: make([]byte, 100), c: make([]byte, 100)}
		dct := &dctJob{dst: make([]byte, 64), stride: 8}
		if n := testing.AllocsPerRun(20, func() {
			r.Inverse(dct)
			for _, f := range []func(*rowJob){r.UpsampleH, r.UpsampleV, r.UpsampleHV, r.Interleave, r.YCbCrToRGB} {
				f(j)
			}
		}); n > 0 {
			t.Errorf("%s: %v allocations", r.Name, n)
		}
	}
}

func BenchmarkRoutines(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	const n = 1024
	for _, r := range sets() {
		dct := &dctJob{dst: make([]byte, 64), stride: 8}
		for i := range dct.block {
			dct.block[i] = int16(random.IntN(40) - 20)
		}
		b.Run(fmt.Sprintf("Inverse/%s", r.Name), func(b *testing.B) {
			for b.Loop() {
				r.Inverse(dct)
			}
		})
		j := &rowJob{dst: make([]byte, 3*n), a: fill(random, make([]byte, n)), b: fill(random, make([]byte, n)), c: fill(random, make([]byte, n))}
		for name, f := range map[string]func(*rowJob){"UpsampleH": r.UpsampleH, "UpsampleV": r.UpsampleV, "UpsampleHV": r.UpsampleHV, "Interleave": r.Interleave, "YCbCrToRGB": r.YCbCrToRGB} {
			b.Run(fmt.Sprintf("%s/%s", name, r.Name), func(b *testing.B) {
				for b.Loop() {
					f(j)
				}
				b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds()/1e6, "MP/s")
			})
		}
	}
}
