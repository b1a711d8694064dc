// Package guardpage allocates memory between pages that cannot be accessed, for
// tests of code that must not read or write outside of its buffers.
//
//	x := guardpage.Floats(t, 100, guardpage.Behind)
//
// An access outside faults. The fault is a panic if debug.SetPanicOnFault is set.
// Where the system has no such pages, the memory is ordinary.
package guardpage

import (
	"testing"
	"unsafe"
)

// Side is the side on which a buffer touches an inaccessible page.
type Side int

const (
	// Behind places the buffer's end at the page.
	Behind Side = iota
	// Before places the buffer's start at the page.
	Before
)

func (s Side) String() string {
	if s == Before {
		return "before"
	}
	return "behind"
}

// Sides lists both sides.
var Sides = []Side{Behind, Before}

// Floats returns n zeros in the memory of [Bytes].
func Floats(t testing.TB, n int, side Side) []float32 {
	t.Helper()
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(Bytes(t, 4*n, side)))), n)
}
