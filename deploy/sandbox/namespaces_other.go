//go:build !linux

package sandbox

import (
	"errors"
	"os/exec"
)

// namespaces reports whether the system has namespaces at all.
const namespaces = false

// Flags of the namespaces that a command would get on Linux.
const (
	newNetwork uintptr = 1 << iota
	newMounts
)

// allowedCores returns an error: cores are limited on Linux only.
func allowedCores() ([]string, error) { return nil, errors.ErrUnsupported }

// isolate does nothing: without namespaces, no flag is ever set.
func isolate(*exec.Cmd, uintptr) {}
