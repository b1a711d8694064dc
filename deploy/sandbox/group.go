package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// groups is the folder where control groups are mounted.
const groups = "/sys/fs/cgroup"

// group is a control group with a limit of memory, of version 1 or 2 (cgroups(7)).
type group struct {
	dir string
	v1  bool
}

// newGroup makes a control group below the group of this process, or at the top if a
// container hides that.
func newGroup(limit int64) (*group, error) {
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil, err
	}
	err = errors.New("no control groups")
	for line := range strings.Lines(string(text)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		root, v1 := groups, false
		if parts[1] != "" {
			if !strings.Contains(","+parts[1]+",", ",memory,") {
				continue
			}
			root, v1 = filepath.Join(groups, "memory"), true
		}
		for _, parent := range []string{filepath.Join(root, parts[2]), root} {
			var g *group
			if g, err = makeGroup(parent, v1, limit); err == nil {
				return g, nil
			}
		}
	}
	return nil, err
}

func makeGroup(parent string, v1 bool, limit int64) (*group, error) {
	dir := filepath.Join(parent, fmt.Sprintf("deploy-kernel-%d-%d", os.Getpid(), time.Now().UnixNano()))
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	g := &group{dir, v1}
	// Without O_CREATE this fails in a folder that is no control group.
	f, err := os.OpenFile(filepath.Join(dir, g.file("memory.limit_in_bytes", "memory.max")), os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteString(strconv.FormatInt(limit, 10))
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return nil, errors.Join(err, os.Remove(dir))
	}
	return g, nil
}

func (g *group) file(v1, v2 string) string {
	if g.v1 {
		return v1
	}
	return v2
}

// procs returns the file that processes join the group by.
func (g *group) procs() string { return filepath.Join(g.dir, "cgroup.procs") }

func (g *group) peak() (int64, bool) {
	text, err := os.ReadFile(filepath.Join(g.dir, g.file("memory.max_usage_in_bytes", "memory.peak")))
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	return n, err == nil
}

// remove removes the group. It waits up to a second until its processes have ended.
func (g *group) remove() error {
	var err error
	for range 50 {
		if err = os.Remove(g.dir); err == nil || errors.Is(err, os.ErrNotExist) {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return err
}
