package half_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/runtime/half"
)

func Example() {
	h := half.ToF16(1.5)
	fmt.Printf("%#04x %v\n", h, half.FromF16(h))
	// Output: 0x3e00 1.5
}

// value returns the value of a binary16 number by definition, IEEE 754-2008 section
// 3.4.
func value(h uint16) float64 {
	sign := 1 - 2*float64(h>>15)
	e, f := int(h>>10&0x1f), float64(h&0x3ff)
	switch {
	case e == 31 && f != 0:
		return math.NaN()
	case e == 31:
		return sign * math.Inf(1)
	case e == 0:
		return sign * math.Ldexp(f, -24)
	}
	return sign * math.Ldexp(1024+f, e-25)
}

func TestEveryF16RoundTrips(t *testing.T) {
	for i := range 1 << 16 {
		h := uint16(i)
		want, got := value(h), half.FromF16(h)
		if math.IsNaN(want) {
			if got == got || half.ToF16(got)&0x7fff <= 0x7c00 {
				t.Fatalf("%#04x: NaN became %v", h, got)
			}
			continue
		}
		if float64(got) != want || math.Signbit(float64(got)) != math.Signbit(want) {
			t.Fatalf("%#04x: got %v, want %v", h, got, want)
		}
		if back := half.ToF16(got); back != h {
			t.Fatalf("%#04x: came back as %#04x", h, back)
		}
	}
}

func TestEveryBF16RoundTrips(t *testing.T) {
	for i := range 1 << 16 {
		h := uint16(i)
		v := half.FromBF16(h)
		if back := half.ToBF16(v); back != h && v == v {
			t.Fatalf("%#04x: came back as %#04x", h, back)
		}
	}
}

// Narrowing rounds to nearest, ties to even. No other number of the format lies
// closer.
func TestNarrowingRoundsToTheNearest(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	formats := map[string]struct {
		to   func(float32) uint16
		from func(uint16) float32
		max  uint16
	}{
		"f16":  {half.ToF16, half.FromF16, 0x7bff},
		"bf16": {half.ToBF16, half.FromBF16, 0x7f7f},
	}
	for name, f := range formats {
		for range 300_000 {
			// Between two neighbors of the format: a quarter, the middle (a
			// tie) or three quarters of the way.
			low := uint16(rng.IntN(int(f.max)))
			a, b := float64(f.from(low)), float64(f.from(low+1))
			quarter := rng.IntN(3) + 1
			v := float32(a + (b-a)*float64(quarter)/4)
			if float64(v) != a+(b-a)*float64(quarter)/4 {
				continue // not a float32
			}
			want := low
			if quarter == 3 || quarter == 2 && low&1 == 1 {
				want++
			}
			if got := f.to(v); got != want {
				t.Fatalf("%s: %v became %#04x, want %#04x", name, v, got, want)
			}
			if got := f.to(-v); got != want|0x8000 {
				t.Fatalf("%s: %v became %#04x, want %#04x", name, -v, got, want|0x8000)
			}
		}
	}
	for v, want := range map[float32]uint16{65504: 0x7bff, 65519.996: 0x7bff, 65520: 0x7c00, 1e30: 0x7c00, 0x1p-25: 0, 0x1.000002p-25: 1} {
		if got := half.ToF16(v); got != want {
			t.Errorf("f16 of %v: %#04x, want %#04x", v, got, want)
		}
	}
	if got := half.ToBF16(math.MaxFloat32); got != 0x7f80 {
		t.Errorf("bf16 of the largest float32: %#04x, want infinity", got)
	}
}
