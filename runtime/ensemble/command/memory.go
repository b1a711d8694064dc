package command

import (
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
)

// garbage is how much there may be, in percent of what is in use, before it is
// collected. The heap is a few large arrays without pointers, so that collecting
// is cheap: Go's 100 would only take more memory.
const garbage = 25

// limitMemory has Go's garbage collector keep the heap small, unless $GOGC says
// how, and tells it of the container's memory limit, of which it may take nine
// tenths, unless $GOMEMLIMIT says another thing.
func limitMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	if limit, ok := containerMemory("/sys/fs/cgroup", "/proc/self/cgroup"); ok {
		debug.SetMemoryLimit(limit / 10 * 9)
	}
}

// containerMemory returns the least memory limit, in bytes, of the control
// groups that the process is in. root is where they are mounted, self the file
// that names the process's groups: lines of "0::PATH" (version 2) or
// "N:CONTROLLERS:PATH" (version 1), man 7 cgroups.
func containerMemory(root, self string) (limit int64, ok bool) {
	text, err := os.ReadFile(self)
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(text)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		base, file := root, "memory.max"
		if parts[1] != "" { // version 1
			if !strings.Contains(","+parts[1]+",", ",memory,") {
				continue
			}
			base, file = filepath.Join(root, "memory"), "memory.limit_in_bytes"
		}
		// The limit of every group from the process's up to the mount counts.
		// In a container the path may be the host's: then only the mount is
		// there.
		for path := filepath.Join("/", parts[2]); ; path = filepath.Dir(path) {
			if n, found := readLimit(filepath.Join(base, path, file)); found && (!ok || n < limit) {
				limit, ok = n, true
			}
			if path == "/" {
				break
			}
		}
	}
	return limit, ok
}

// readLimit reads a limit in bytes. "max", and the huge number that version 1
// writes instead, are none.
func readLimit(path string) (int64, bool) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	return n, err == nil && n > 0 && n < 1<<60
}
