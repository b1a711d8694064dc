// Package sandbox runs commands as Kaggle runs kernels: without network, with read-only
// folders, and under limits of cores and memory. It uses Linux's user, mount and network
// namespaces and control groups, without privileges where the system allows that.
//
//	box := sandbox.New(sandbox.Options{NoNetwork: true, ReadOnly: []string{"input"}})
//	defer box.Close()
//	cmd := box.Command(ctx, "./kernel")
//	fmt.Println(box.Lacks) // restrictions that the system does not allow
//
// A sandbox finds mistakes. It is no defense against hostile programs.
package sandbox

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// Options are the restrictions of a sandbox. The zero Options restrict nothing.
type Options struct {
	NoNetwork bool
	ReadOnly  []string // existing folders to make read-only
	Binds     []Bind
	Cores     int // largest number of cores; 0 means all
	// Memory bounds the memory of all commands together, in bytes; 0 means no limit. The
	// system kills a command that exceeds it.
	Memory int64
}

// Bind mounts the folder From at To. Both must exist.
type Bind struct {
	From, To string
	ReadOnly bool // neither writing nor running programs is allowed
}

// Sandbox makes commands. The zero Sandbox restricts nothing.
type Sandbox struct {
	// Lacks names the restrictions that this system does not allow.
	Lacks []string

	flags  uintptr
	mounts []mount
	cores  string // a list for taskset
	group  *group
}

// mount is a bind mount of source at target. mode is "rw", "ro" or "ro,noexec".
type mount struct{ source, target, mode string }

// New returns a sandbox with those restrictions that the system allows. It runs short
// commands to find out. The caller must call Close.
func New(o Options) *Sandbox {
	s := &Sandbox{}
	if o.NoNetwork {
		s.try("no network", newNetwork)
	}
	for _, b := range o.Binds {
		mode := "rw"
		if b.ReadOnly {
			mode = "ro,noexec"
		}
		s.try(b.From+" at "+b.To, newMounts, mount{abs(b.From), abs(b.To), mode})
	}
	for _, folder := range o.ReadOnly {
		s.try(folder+" read-only", newMounts, mount{abs(folder), abs(folder), "ro"})
	}
	if o.Cores > 0 {
		s.limitCores(o.Cores)
	}
	if o.Memory > 0 {
		s.limitMemory(o.Memory)
	}
	return s
}

// Close removes the control group. All commands must have ended.
func (s *Sandbox) Close() error {
	if s.group == nil {
		return nil
	}
	return s.group.remove()
}

// PeakMemory returns the largest memory of all commands together, in bytes, with the
// page cache of their files. ok is false if it is unknown, as without Options.Memory.
func (s *Sandbox) PeakMemory() (n int64, ok bool) {
	if s.group == nil {
		return 0, false
	}
	return s.group.peak()
}

// limitCores chooses the first n cores that this process may use.
func (s *Sandbox) limitCores(n int) {
	list, err := allowedCores()
	if err != nil || exec.Command("taskset", "--version").Run() != nil {
		s.Lacks = append(s.Lacks, fmt.Sprintf("%d cores at most", n))
		return
	}
	s.cores = strings.Join(list[:min(n, len(list))], ",")
}

// limitMemory makes a control group with that limit, in bytes.
func (s *Sandbox) limitMemory(limit int64) {
	g, err := newGroup(limit)
	if err == nil {
		s.group = g
		if s.Command(context.Background(), "true").Run() == nil {
			return
		}
		_ = g.remove()
		s.group = nil
	}
	s.Lacks = append(s.Lacks, fmt.Sprintf("%d MB of memory at most", limit/1e6))
}

func abs(path string) string {
	if a, err := filepath.Abs(path); err == nil {
		return a
	}
	return path
}

// try adds a restriction if a command runs under it.
func (s *Sandbox) try(what string, flags uintptr, mounts ...mount) {
	more := &Sandbox{flags: s.flags | flags, mounts: append(s.mounts[:len(s.mounts):len(s.mounts)], mounts...)}
	if !namespaces || more.Command(context.Background(), "true").Run() != nil {
		s.Lacks = append(s.Lacks, what)
		return
	}
	s.flags, s.mounts = more.flags, more.mounts
}

// script joins the control group, mounts the folders and runs the command. Its
// arguments are the group's cgroup.procs or "", triples of source, target and mode, "--"
// and the command.
const script = `set -e
[ -z "$1" ] || echo $$ >"$1"
shift
while [ "$1" != -- ]; do
	mount --bind "$1" "$2"
	[ "$3" = rw ] || mount -o "remount,bind,$3" "$2"
	shift 3
done
shift
exec "$@"`

// Command returns a command that runs in the sandbox.
func (s *Sandbox) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	if s.cores != "" {
		name, args = "taskset", append([]string{"-c", s.cores, name}, args...)
	}
	if len(s.mounts) > 0 || s.group != nil {
		procs := ""
		if s.group != nil {
			procs = s.group.procs()
		}
		all := []string{"-c", script, "sandbox", procs}
		for _, m := range s.mounts {
			all = append(all, m.source, m.target, m.mode)
		}
		all = append(all, "--", name)
		name, args = "sh", append(all, args...)
	}
	cmd := exec.CommandContext(ctx, name, args...)
	if s.flags != 0 {
		isolate(cmd, s.flags)
	}
	return cmd
}
