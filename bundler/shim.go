package bundler

// shims stand for functions that some packages below nearly every command-line
// tool write in assembly. Each does what the assembly of Linux does: those of
// x/sys/unix jump to package syscall, those of x/sys/cpu execute one
// instruction that internal/cpu has too.
//
// Sources: x/sys/unix/asm_linux_*.s, x/sys/cpu/cpu_x86.s.
var shims = map[stdName]alias{
	{"golang.org/x/sys/unix", "Syscall"}:     {std: stdName{"syscall", "Syscall"}},
	{"golang.org/x/sys/unix", "Syscall6"}:    {std: stdName{"syscall", "Syscall6"}},
	{"golang.org/x/sys/unix", "RawSyscall"}:  {std: stdName{"syscall", "RawSyscall"}},
	{"golang.org/x/sys/unix", "RawSyscall6"}: {std: stdName{"syscall", "RawSyscall6"}},

	{"golang.org/x/sys/unix", "SyscallNoError"}:    {link: "syscall.rawSyscallNoError"},
	{"golang.org/x/sys/unix", "RawSyscallNoError"}: {link: "syscall.rawSyscallNoError"},
	{"golang.org/x/sys/unix", "gettimeofday"}: {body: "{ _, _, err = {syscall}.RawSyscall({syscall}.SYS_GETTIMEOFDAY, " +
		"uintptr({unsafe}.Pointer(timeval)), 0, 0); return err }"},

	{"golang.org/x/sys/cpu", "cpuid"}:  {link: "internal/cpu.cpuid"},
	{"golang.org/x/sys/cpu", "xgetbv"}: {link: "internal/cpu.xgetbv"},
}
