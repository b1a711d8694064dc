//go:build unix

package procgroup

import (
	"os/exec"
	"syscall"
)

// Set makes cmd start in a process group of its own.
func Set(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
}
