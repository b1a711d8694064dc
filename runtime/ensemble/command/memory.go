package command

import (
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
)

// gcPercent is the garbage that may pile up before a collection, in percent of the live
// heap. The heap is a few large arrays without pointers, so a collection is cheap. Go's
// default of 100 would only take more memory.
const gcPercent = 25

// limitMemory makes the garbage collector keep the heap small, unless $GOGC is set. It
// sets a soft limit of 9/10 of the container's memory limit, unless $GOMEMLIMIT is set.
func limitMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	if limit, ok := containerMemory("/sys/fs/cgroup", "/proc/self/cgroup"); ok {
		debug.SetMemoryLimit(limit / 10 * 9)
	}
}

// containerMemory returns the lowest memory limit, in bytes, of the control groups of the
// process. root is their mount point. self is a file that names the groups, in lines of
// the form "0::PATH" (version 2) or "N:CONTROLLERS:PATH" (version 1); see man 7 cgroups.
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
		// Every group from the process's own up to the mount point may have a limit.
		// Inside a container the path may be the host's. Then only the mount point
		// exists.
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

// readLimit reads a limit in bytes. It returns false if the file is missing or sets no
// limit: version 2 writes "max", version 1 a huge number.
func readLimit(path string) (int64, bool) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	return n, err == nil && n > 0 && n < 1<<60
}
