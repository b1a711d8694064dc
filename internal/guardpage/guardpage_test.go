//go:build linux || darwin

package guardpage_test

import (
	"runtime/debug"
	"testing"
	"unsafe"

	"github.com/deploy-kernel/deploy-kernel/internal/guardpage"
)

func TestAccessesOutsideFault(t *testing.T) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	for _, n := range []int{1, 5, 1024, 3000} {
		for _, side := range guardpage.Sides {
			x := guardpage.Floats(t, n, side)
			for i := range x {
				x[i] = float32(i)
			}
			first := unsafe.Pointer(unsafe.SliceData(x))
			outside := unsafe.Add(first, 4*n)
			if side == guardpage.Before {
				outside = unsafe.Add(first, -4)
			}
			if !faults((*float32)(outside)) {
				t.Errorf("%d floats: reading %v them does not fault", n, side)
			}
		}
	}
}

// faults reports whether reading p is a fault.
func faults(p *float32) (yes bool) {
	defer func() { yes = recover() != nil }()
	sink = *p
	return false
}

var sink float32
