//go:build linux || darwin

package guardpage

import (
	"os"
	"syscall"
	"testing"
)

// Bytes returns n zeros between two pages that cannot be accessed. They touch the
// page on the given side. The memory is freed at the end of the test.
func Bytes(t testing.TB, n int, side Side) []byte {
	t.Helper()
	page := os.Getpagesize()
	size := (n + page - 1) / page * page
	memory, err := syscall.Mmap(-1, 0, size+2*page, syscall.PROT_NONE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
	if err != nil {
		t.Fatalf("mapping memory with guard pages: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Munmap(memory) })
	inner := memory[page:][:size]
	if size > 0 {
		if err := syscall.Mprotect(inner, syscall.PROT_READ|syscall.PROT_WRITE); err != nil {
			t.Fatalf("making memory accessible: %v", err)
		}
	}
	if side == Behind {
		inner = inner[size-n:]
	}
	return inner[:n]
}
