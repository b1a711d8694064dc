//go:build !(amd64 && (linux || darwin)) && !windows

package machinecode

func executable([]byte) (uintptr, error) { return 0, ErrUnsupported }
