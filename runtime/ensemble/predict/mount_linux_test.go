package predict_test

import "syscall"

// mountSmall mounts a file system of one page at dir.
func mountSmall(dir string) error { return syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=4096") }

func unmount(dir string) { syscall.Unmount(dir, 0) }
