// Package sandbox runs commands without network, with folders that can't be
// written, on few cores and in little memory, as Kaggle runs kernels: by Linux's
// user, mount and network namespaces and control groups. No privilege is needed
// where the system allows these.
//
//	box := sandbox.New(sandbox.Options{NoNetwork: true, ReadOnly: []string{"input"}})
//	defer box.Close()
//	cmd := box.Command(ctx, "./kernel")
//	fmt.Println(box.Lacks) // what the system does not allow
//
// It is no defence against hostile programs: it shows what a well-meant one
// would trip over.
package sandbox

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Options say what a command is kept from.
type Options struct {
	NoNetwork bool
	// ReadOnly are folders, which must exist.
	ReadOnly []string
	// Binds are folders to show at other places, which must exist.
	Binds []Bind
	// Cores is on how many cores commands may run at most, 0 for all.
	Cores int
	// Memory is how much the commands may take together, in bytes, 0 for any:
	// one that takes more is killed.
	Memory int64
}

// Bind shows the folder From at the folder To.
type Bind struct {
	From, To string
	// ReadOnly has nothing written there, and no program run from there.
	ReadOnly bool
}

// Sandbox makes commands. The zero Sandbox keeps them from nothing.
type Sandbox struct {
	// Lacks names what was asked for and can't be had here.
	Lacks []string

	flags  uintptr
	mounts []mount
	cores  string // as taskset names them
	group  *group
}

// mount shows the folder source at target; mode is "rw", "ro" or "ro,noexec".
type mount struct{ source, target, mode string }

// New finds out what the system allows.
func New(o Options) *Sandbox {
	s := &Sandbox{}
	if o.NoNetwork {
		s.try("no network", syscall.CLONE_NEWNET)
	}
	for _, b := range o.Binds {
		mode := "rw"
		if b.ReadOnly {
			mode = "ro,noexec"
		}
		s.try(b.From+" at "+b.To, syscall.CLONE_NEWNS, mount{abs(b.From), abs(b.To), mode})
	}
	for _, folder := range o.ReadOnly {
		s.try(folder+" read-only", syscall.CLONE_NEWNS, mount{abs(folder), abs(folder), "ro"})
	}
	if o.Cores > 0 {
		s.limitCores(o.Cores)
	}
	if o.Memory > 0 {
		s.limitMemory(o.Memory)
	}
	return s
}

// Close removes what was made for the limit of memory. All commands must have
// ended.
func (s *Sandbox) Close() error {
	if s.group == nil {
		return nil
	}
	return s.group.remove()
}

// PeakMemory returns the most memory that the commands took together, in bytes,
// with what the system kept of files for them; ok is false where it isn't known,
// as without a limit.
func (s *Sandbox) PeakMemory() (n int64, ok bool) {
	if s.group == nil {
		return 0, false
	}
	return s.group.peak()
}

// limitCores chooses the first cores of those that are allowed.
func (s *Sandbox) limitCores(n int) {
	var allowed unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil || exec.Command("taskset", "--version").Run() != nil {
		s.Lacks = append(s.Lacks, fmt.Sprintf("%d cores at most", n))
		return
	}
	var list []string
	for cpu := 0; len(list) < n && cpu < 64*len(allowed); cpu++ {
		if allowed.IsSet(cpu) {
			list = append(list, strconv.Itoa(cpu))
		}
	}
	s.cores = strings.Join(list, ",")
}

// limitMemory makes a control group with that limit.
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

// try adds one more restriction, if it works here.
func (s *Sandbox) try(what string, flags uintptr, mounts ...mount) {
	more := &Sandbox{flags: s.flags | flags, mounts: append(s.mounts[:len(s.mounts):len(s.mounts)], mounts...)}
	if err := more.Command(context.Background(), "true").Run(); err != nil {
		s.Lacks = append(s.Lacks, what)
		return
	}
	s.flags, s.mounts = more.flags, more.mounts
}

// script joins the control group and mounts the folders that it is given, and
// runs the rest. Its arguments are the group's list of processes or "", triples
// of source, target and mode, then "--" and the command.
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
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  s.flags | syscall.CLONE_NEWUSER,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		}
	}
	return cmd
}
