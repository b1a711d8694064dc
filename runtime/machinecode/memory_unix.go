//go:build amd64 && (linux || darwin)

package machinecode

import (
	"fmt"
	"os"
	"syscall"
	"unsafe"
)

// executable copies code to memory that can be executed, and returns its address.
func executable(code []byte) (uintptr, error) {
	page := os.Getpagesize()
	size := (len(code) + page - 1) / page * page
	memory, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
	if err != nil {
		return 0, fmt.Errorf("mapping %d bytes: %w", size, err)
	}
	copy(memory, code)
	if err := syscall.Mprotect(memory, syscall.PROT_READ|syscall.PROT_EXEC); err != nil {
		_ = syscall.Munmap(memory)
		return 0, fmt.Errorf("%w (%w)", ErrDenied, err)
	}
	return uintptr(unsafe.Pointer(unsafe.SliceData(memory))), nil
}
