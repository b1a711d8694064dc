package nocode

import (
	"os"
	"os/exec"
	"syscall"
)

// Constants of linux/prctl.h.
const (
	setMDWE       = 65
	getMDWE       = 66
	refuseExecute = 1
)

func supported() bool { return prctl(getMDWE, 0) == 0 }

// deny denies executable memory to this process and those that it starts.
func deny() error {
	if errno := prctl(setMDWE, refuseExecute); errno != 0 {
		return errno
	}
	return nil
}

func prctl(option, value uintptr) syscall.Errno {
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, option, value, 0, 0, 0, 0)
	return errno
}

// replace replaces this process by a program.
func replace(name string, args []string) error {
	path, err := exec.LookPath(name)
	if err != nil {
		return err
	}
	return syscall.Exec(path, args, os.Environ())
}
