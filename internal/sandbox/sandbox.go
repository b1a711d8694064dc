// Package sandbox runs commands without network and with folders that can't be
// written, as Kaggle runs kernels, by Linux's user, mount and network
// namespaces. No privilege is needed where the system allows such namespaces.
//
//	box := sandbox.New(sandbox.Options{NoNetwork: true, ReadOnly: []string{"input"}})
//	cmd := box.Command(ctx, "./kernel")
//	fmt.Println(box.Lacks) // what the system does not allow
//
// It is no defence against hostile programs: it shows what a well-meant one
// would trip over.
package sandbox

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// Options say what a command is kept from.
type Options struct {
	NoNetwork bool
	// ReadOnly are folders, which must exist.
	ReadOnly []string
	// Binds are folders to show at other places, which must exist.
	Binds []Bind
}

// Bind shows the folder From at the folder To.
type Bind struct{ From, To string }

// Sandbox makes commands. The zero Sandbox keeps them from nothing.
type Sandbox struct {
	// Lacks names what was asked for and can't be had here.
	Lacks []string

	flags  uintptr
	mounts []mount
}

// mount shows the folder source at target; mode is "ro" or "rw".
type mount struct{ source, target, mode string }

// New finds out what the system allows.
func New(o Options) *Sandbox {
	s := &Sandbox{}
	if o.NoNetwork {
		s.try("no network", syscall.CLONE_NEWNET)
	}
	for _, b := range o.Binds {
		s.try(b.From+" at "+b.To, syscall.CLONE_NEWNS, mount{abs(b.From), abs(b.To), "rw"})
	}
	for _, folder := range o.ReadOnly {
		s.try(folder+" read-only", syscall.CLONE_NEWNS, mount{abs(folder), abs(folder), "ro"})
	}
	return s
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

// script mounts the folders that it is given, and runs the rest. Its arguments
// are triples of source, target and mode, then "--" and the command.
const script = `set -e
while [ "$1" != -- ]; do
	mount --bind "$1" "$2"
	[ "$3" = rw ] || mount -o remount,bind,ro "$2"
	shift 3
done
shift
exec "$@"`

// Command returns a command that runs in the sandbox.
func (s *Sandbox) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	if s.flags == 0 {
		return exec.CommandContext(ctx, name, args...)
	}
	var all []string
	if len(s.mounts) > 0 {
		all = []string{"-c", script, "sandbox"}
		for _, m := range s.mounts {
			all = append(all, m.source, m.target, m.mode)
		}
		all = append(all, "--", name)
		name = "sh"
	}
	cmd := exec.CommandContext(ctx, name, append(all, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  s.flags | syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	return cmd
}
