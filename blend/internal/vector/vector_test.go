package vector_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/blend/internal/vector"
)

func columns(r *rand.Rand, models, n int) [][]float32 {
	out := make([][]float32, models)
	for k := range out {
		out[k] = make([]float32, n)
		for i := range out[k] {
			// A coarse grid includes zeros and equal values.
			out[k][i] = float32(r.IntN(21)-10) / 16
		}
	}
	return out
}

func Example() {
	p := [][]float32{make([]float32, vector.Lanes), make([]float32, vector.Lanes)}
	p[0][3], p[1][3], p[0][5], p[1][5] = 1, -0.5, 1, -2
	x, bits := make([]float64, vector.Lanes), make([]uint64, 1)
	set := vector.Sets()[0]
	set.Dot(x, p, 0, []float64{1, 1}, 0)
	set.Positive(bits, x)
	fmt.Printf("%b", bits[0])
	// Output: 1000
}

func TestEverySetMatchesTheScalarOne(t *testing.T) {
	for _, set := range vector.Sets() {
		for words := range 6 {
			for models := 1; models < 10; models++ {
				r := rand.New(rand.NewPCG(uint64(words), uint64(models)))
				n := words * vector.Lanes
				p := columns(r, models, n+7)
				w := make([]float64, models)
				for k := range w {
					w[k] = r.NormFloat64()
				}
				got, want := make([]float64, n), make([]float64, n)
				set.Dot(got, p, 7, w, -0.125)
				vector.Scalar.Dot(want, p, 7, w, -0.125)
				if !slices.Equal(got, want) {
					t.Fatalf("%s: the sums of %d columns differ", set.Name, models)
				}
				if words > 0 {
					want[n/3], want[n/2] = 0, math.Copysign(0, -1)
				}
				few := max(n-3, 0)
				of := make([]uint32, few)
				for i := range of {
					of[i] = r.Uint32() >> 1
				}
				events, wanted := make([]uint64, few+7), make([]uint64, few+7)
				vector.Scalar.Dot(got, p, 0, w, 0.125)
				found := set.Cross(events, got, want, of)
				if found != vector.Scalar.Cross(wanted, got, want, of) || !slices.Equal(events[:found], wanted[:found]) {
					t.Fatalf("%s: other crossings", set.Name)
				}
				a, b := make([]uint64, words), make([]uint64, words)
				set.Positive(a, want)
				vector.Scalar.Positive(b, want)
				if !slices.Equal(a, b) {
					t.Fatalf("%s: the signs differ", set.Name)
				}
				c, d := make([]uint64, words), make([]uint64, words)
				if !set.Split(a, c, p, -0.25, 0.125) || !vector.Scalar.Split(b, d, p, -0.25, 0.125) {
					t.Fatalf("%s: finite values were taken for others", set.Name)
				}
				if !slices.Equal(a, b) || !slices.Equal(c, d) {
					t.Fatalf("%s: %d columns are split otherwise", set.Name, models)
				}
			}
		}
	}
}

// By hand: the first element stays, the second rises through 0 halfway, the third
// falls to it, and the last leaves it at once.
func TestWhereElementsCross(t *testing.T) {
	for _, set := range vector.Sets() {
		a, b := make([]float64, 16), make([]float64, 16)
		copy(a, []float64{1, -1, 2, 0})
		copy(b, []float64{3, 1, 0, 4})
		dst := make([]uint64, 16+7)
		n := set.Cross(dst, a, b, []uint32{1, 2, 3, 4, 5, 6, 7, 8, 9})
		want := []uint64{1<<63 | 2<<1 | 1, (1<<32-1)<<32 | 3<<1, 4<<1 | 1}
		if !slices.Equal(dst[:n], want) {
			t.Errorf("%s: %x, want %x", set.Name, dst[:n], want)
		}
	}
}

func TestNonFiniteValuesAreDetected(t *testing.T) {
	inf := float32(math.Inf(1))
	for _, set := range vector.Sets() {
		for _, bad := range []float32{inf, -inf, float32(math.NaN())} {
			for i := range 2 * vector.Lanes {
				p := columns(rand.New(rand.NewPCG(1, 2)), 3, 2*vector.Lanes)
				p[i%3][i] = bad
				if set.Split(make([]uint64, 2), make([]uint64, 2), p, 0, 0) {
					t.Fatalf("%s: %v at %d was not seen", set.Name, bad, i)
				}
			}
		}
	}
}

func Benchmark(b *testing.B) {
	const models, n = 7, 1 << 20
	p := columns(rand.New(rand.NewPCG(1, 2)), models, n)
	w := []float64{0.1, 0.2, 0.1, 0.2, 0.1, 0.2, 0.1}
	for _, set := range vector.Sets() {
		x, some, all := make([]float64, 512), make([]uint64, n/64), make([]uint64, n/64)
		rate := func(b *testing.B) {
			b.ReportMetric(float64(models*n*4)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GB/s")
		}
		b.Run("signs/"+set.Name, func(b *testing.B) {
			for b.Loop() {
				for at := 0; at < n; at += len(x) {
					set.Dot(x, p, at, w, 0)
					set.Positive(some[at/64:at/64+8], x)
				}
			}
			rate(b)
		})
		b.Run("split/"+set.Name, func(b *testing.B) {
			for b.Loop() {
				set.Split(some, all, p, 0, 0)
			}
			rate(b)
		})
	}
}
