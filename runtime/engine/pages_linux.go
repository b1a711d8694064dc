package engine

import (
	"runtime"
	"syscall"
	"unsafe"
)

// hugePage is the size of the pages that processors have beside those of 4 KB.
const hugePage = 2 << 20

// newFloats returns memory for n values that are read again and again: where it
// is large, in pages of 2 MB, if the system has them. Values that are read
// together lie on many small pages, whose places a processor can't keep all.
func newFloats(n int) []float32 {
	x := make([]float32, n)
	if 4*n < hugePage {
		return x
	}
	// Whole pages, also where others have a part of them: so this is no slice,
	// which the collector would find to point to what it doesn't know.
	at := uintptr(unsafe.Pointer(unsafe.SliceData(x)))
	first := at / hugePage * hugePage
	end := (at + 4*uintptr(n) + hugePage - 1) / hugePage * hugePage
	_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, first, end-first, syscall.MADV_HUGEPAGE)
	runtime.KeepAlive(x)
	return x
}
