package source

// shims stand for functions that golang.org/x/sys/unix, which is below nearly
// every command-line tool, writes in assembly (asm_linux_*.s). Each does what the
// assembly of Linux does; those that only jump into package syscall need none.
var shims = map[StdName]alias{
	{"golang.org/x/sys/unix", "SyscallNoError"}:    {Link: "syscall.rawSyscallNoError"},
	{"golang.org/x/sys/unix", "RawSyscallNoError"}: {Link: "syscall.rawSyscallNoError"},
	{"golang.org/x/sys/unix", "gettimeofday"}: {Body: "{ _, _, err = {syscall}.RawSyscall({syscall}.SYS_GETTIMEOFDAY, " +
		"uintptr({unsafe}.Pointer(timeval)), 0, 0); return err }"},
}
