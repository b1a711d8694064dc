//go:build goexperiment.simd && amd64 && !noasm

package simd

import (
	"testing"
	"unsafe"
)

// The four frames of callAt reach the four positions in 32 bytes of the stack,
// independent of the caller's depth.
func TestCallsBeginAtEveryPlaceOfTheStack(t *testing.T) {
	want := [places]int{}
	for depth := range 9 {
		seen := map[int]bool{}
		for place := range places {
			var at int
			below(depth, func() {
				callAt(place, func(*GEMM) {
					var here uint64
					at = int(uintptr(unsafe.Pointer(&here))/8) % places
				}, &GEMM{})
			})
			seen[at] = true
			if depth == 0 {
				want[place] = at
			} else if at != want[place] {
				t.Errorf("place %d below %d frames is %d, and %d without", place, depth, at, want[place])
			}
		}
		if len(seen) != places {
			t.Errorf("below %d frames: only the places %v are reached", depth, seen)
		}
	}
}

// below calls f below frames that differ in size by a word.
func below(n int, f func()) {
	switch {
	case n == 0:
		f()
	case n%2 == 0:
		small(n-1, f)
	default:
		large(n-1, f)
	}
}

//go:noinline
func small(n int, f func()) byte {
	var pad [8]byte
	pad[n&7] = 1
	below(n, f)
	return pad[len(pad)-1-n&7]
}

//go:noinline
func large(n int, f func()) byte {
	var pad [16]byte
	pad[n&7] = 1
	below(n, f)
	return pad[len(pad)-1-n&7]
}
