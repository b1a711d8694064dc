//go:build unix

package usage

import (
	"os"
	"runtime"
	"syscall"
	"time"
)

// Self returns the CPU time of this process and its peak memory in bytes.
func Self() (cpu time.Duration, peak int64) {
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) != nil {
		return 0, 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano()), resident(&r)
}

// Peak returns the peak memory, in bytes, of a process that has ended.
func Peak(s *os.ProcessState) int64 {
	r, ok := s.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	return resident(r)
}

// resident returns the peak of the resident memory in bytes. macOS counts bytes, other
// systems KiB.
func resident(r *syscall.Rusage) int64 {
	if runtime.GOOS == "darwin" {
		return int64(r.Maxrss)
	}
	return int64(r.Maxrss) << 10
}
