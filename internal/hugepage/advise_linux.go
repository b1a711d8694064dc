package hugepage

import (
	"runtime"
	"syscall"
	"unsafe"
)

// madvHugePage is MADV_HUGEPAGE of Linux's asm-generic/mman-common.h. Package
// syscall does not have it on every architecture.
const madvHugePage = 14

// Advise asks for huge pages under x if x is at least [Size] bytes long. The
// request covers whole pages, so it also affects what shares the first and the
// last page with x. It changes no value, and a refusal is not an error.
func Advise[T any](x []T) {
	bytes := uintptr(len(x)) * unsafe.Sizeof(*new(T))
	if bytes < Size {
		return
	}
	// The range goes to madvise as numbers. A slice that begins before x would
	// point the garbage collector to memory that it did not allocate as one.
	address := uintptr(unsafe.Pointer(unsafe.SliceData(x)))
	first := address / Size * Size
	end := (address + bytes + Size - 1) / Size * Size
	_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, first, end-first, madvHugePage)
	runtime.KeepAlive(x)
}
