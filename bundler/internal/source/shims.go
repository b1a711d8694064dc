package source

// shims stand for assembly functions of golang.org/x/sys/unix, which nearly every
// command-line tool needs. They do what asm_linux_*.s does. Functions that only jump
// into package syscall are found by asmTwin and need no shim.
var shims = map[StdName]Alias{
	{"golang.org/x/sys/unix", "SyscallNoError"}:    {Link: "syscall.rawSyscallNoError"},
	{"golang.org/x/sys/unix", "RawSyscallNoError"}: {Link: "syscall.rawSyscallNoError"},
	{"golang.org/x/sys/unix", "gettimeofday"}: {Body: "{ _, _, err = {syscall}.RawSyscall({syscall}.SYS_GETTIMEOFDAY, " +
		"uintptr({unsafe}.Pointer(timeval)), 0, 0); return err }"},
}
