package machinecode

import (
	"fmt"
	"runtime"
	"syscall"
	"unsafe"
)

// The system's functions for memory. RtlMoveMemory copies, so that no Go slice is
// made of an address.
var (
	kernel32       = syscall.NewLazyDLL("kernel32.dll")
	virtualAlloc   = kernel32.NewProc("VirtualAlloc")
	virtualProtect = kernel32.NewProc("VirtualProtect")
	rtlMoveMemory  = kernel32.NewProc("RtlMoveMemory")
)

// Constants of memoryapi.h.
const (
	memCommit       = 0x1000
	memReserve      = 0x2000
	pageReadWrite   = 0x04
	pageExecuteRead = 0x20
)

// executable copies code to memory that can be executed, and returns its address.
func executable(code []byte) (uintptr, error) {
	if runtime.GOARCH != "amd64" {
		return 0, ErrUnsupported
	}
	size := uintptr(len(code))
	memory, _, err := virtualAlloc.Call(0, size, memCommit|memReserve, pageReadWrite)
	if memory == 0 {
		return 0, fmt.Errorf("mapping %d bytes: %w", size, err)
	}
	_, _, _ = rtlMoveMemory.Call(memory, uintptr(unsafe.Pointer(unsafe.SliceData(code))), size)
	var old uint32
	if ok, _, err := virtualProtect.Call(memory, size, pageExecuteRead, uintptr(unsafe.Pointer(&old))); ok == 0 {
		return 0, fmt.Errorf("%w (%w)", ErrDenied, err)
	}
	return memory, nil
}
