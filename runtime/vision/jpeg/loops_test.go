package jpeg_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/runtime/vision/jpeg"
)

// randomBytes returns n bytes; some are at the ends of their range.
func randomBytes(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = []byte{0, 255, byte(r.Uint32()), byte(r.Uint32())}[r.IntN(4)]
	}
	return b
}

func TestUpsamplingEqualsItsDefinition(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for n := 1; n <= 257; n++ {
		near, far := randomBytes(r, n), randomBytes(r, n)
		sum := func(i int) int {
			i = min(max(i, 0), n-1)
			return 3*int(near[i]) + int(far[i])
		}
		sample := func(i int) int { return int(near[min(max(i, 0), n-1)]) }
		wantH, wantHV := make([]byte, 2*n), make([]byte, 2*n)
		for i := range n {
			wantH[2*i] = byte((3*sample(i) + sample(i-1) + 1) >> 2)
			wantH[2*i+1] = byte((3*sample(i) + sample(i+1) + 2) >> 2)
			wantHV[2*i] = byte((3*sum(i) + sum(i-1) + 8) >> 4)
			wantHV[2*i+1] = byte((3*sum(i) + sum(i+1) + 7) >> 4)
		}
		got := make([]byte, 2*n+1)
		got[2*n] = 77
		if jpeg.UpsampleH(got, near); !bytes.Equal(got[:2*n], wantH) || got[2*n] != 77 {
			t.Errorf("%d samples, horizontally: got %v, want %v", n, got, wantH)
		}
		if jpeg.UpsampleHV(got, near, far); !bytes.Equal(got[:2*n], wantHV) || got[2*n] != 77 {
			t.Errorf("%d samples, both ways: got %v, want %v", n, got, wantHV)
		}
		for bias := 1; bias <= 2; bias++ {
			want := make([]byte, n)
			for i := range n {
				want[i] = byte((sum(i) + bias) >> 2)
			}
			got[n] = 77
			if jpeg.UpsampleV(got, near, far, bias); !bytes.Equal(got[:n], want) || got[n] != 77 {
				t.Errorf("%d samples, vertically: got %v, want %v", n, got, want)
			}
		}
	}
}

func TestColorsEqualTheirDefinition(t *testing.T) {
	t.Parallel()
	y, cb, cr, got := make([]byte, 256), make([]byte, 256), make([]byte, 256), make([]byte, 768)
	for i := range y {
		y[i] = byte(i)
	}
	limit := func(v int) byte { return byte(min(max(v>>16, 0), 255)) }
	for blue := 0; blue < 256; blue++ {
		for red := 0; red < 256; red += 5 {
			for i := range y {
				cb[i], cr[i] = byte(blue), byte(red)
			}
			jpeg.YCbCrToRGB(got, y, cb, cr)
			for i := range y {
				v := i<<16 + 1<<15
				want := [3]byte{
					limit(v + 91881*(red-128)),
					limit(v - 22554*(blue-128) - 46802*(red-128)),
					limit(v + 116130*(blue-128)),
				}
				if [3]byte(got[3*i:]) != want {
					t.Fatalf("YCbCr %d %d %d: got %v, want %v", i, blue, red, got[3*i:3*i+3], want)
				}
			}
		}
	}
}

// The short ways of the inverse DCT give what the long one does, up to the sum
// where numbers may wrap around.
func TestInverseDCTsAgree(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	for trial := range 60000 {
		var block [64]int16
		left := jpeg.SafeSum
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
		jpeg.Inverse(&block, got, 8)
		jpeg.InverseWrapped(&block, want, 8, rows)
		if !bytes.Equal(got, want) {
			t.Fatalf("block %v: got %v, want %v", block, got, want)
		}
	}
}
