package sandbox

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Watch measures the resident memory of a process and its descendants until the caller
// calls stop. stop returns the largest value of one process in bytes, or 0 if the system
// does not report it.
//
// ru_maxrss of an ended process is useless here: a process inherits the peak of its
// parent.
func Watch(pid int) (stop func() int64) {
	quit, result := make(chan struct{}), make(chan int64)
	go func() {
		peak := int64(0)
		for {
			for _, p := range family(pid) {
				peak = max(peak, PeakMemory(p))
			}
			select {
			case <-quit:
				result <- peak
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	return func() int64 {
		close(quit)
		return <-result
	}
}

// family returns the ids of a process and its descendants.
func family(pid int) []int {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil
	}
	children := map[int][]int{}
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		// "PID (NAME) STATE PARENT …"; the name may contain anything (proc(5)).
		_, after, _ := bytes.Cut(text[bytes.LastIndexByte(text, ')')+1:], []byte(" "))
		var state string
		var parent int
		if _, err := fmt.Sscan(string(after), &state, &parent); err != nil {
			continue
		}
		if child, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
			children[parent] = append(children[parent], child)
		}
	}
	all := []int{pid}
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all
}

// PeakMemory returns the largest resident memory of a process so far in bytes, or 0 if
// the system does not report it.
func PeakMemory(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		var kB int64
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &kB); err == nil {
			return kB * 1024
		}
	}
	return 0
}
