// Package machinecode runs machine code that the program has assembled itself.
//
//	var a amd64.Assembler
//	a.INC(amd64.RAX)
//	machinecode.Return(&a)
//	code, err := a.Bytes()
//	f, err := machinecode.Load[Args]("increment", code)
//	f(&args)
//
// [Load] copies the code to memory of its own and makes that executable. Memory is
// never writable and executable at once. It stays mapped until the process ends.
//
// # Rules for the code
//
// A function has one argument, a pointer in RAX (Go's internal calling convention,
// "Go internal ABI specification", section amd64).
//
//   - It may change the other general registers, all vector registers and all
//     masks, but not R14, RSP, RBP or R15. At the end, the upper halves of the
//     vector registers are clear and X15 is 0; [Return] does that.
//   - It calls nothing and has no stack. Temporary memory comes from the argument.
//   - The garbage collector waits until it returns, so a call takes at most about
//     200 microseconds.
//   - What the argument points to lies in fields of a pointer type. The compiler
//     assumes that the call keeps the argument, so it is allocated in the heap:
//     keep one and reuse it.
//
// A memory fault in the code is a panic like in Go code, if the address is near 0
// or debug.SetPanicOnFault is set.
//
// Systems other than Linux, macOS and Windows on amd64 have no machine code; Load
// returns [ErrUnsupported] there.
package machinecode

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unsafe"

	"github.com/deploy-kernel/deploy-kernel/runtime/amd64"
)

// Variable is the environment variable that names a folder. Load writes the code of
// every function to a file there, which this command disassembles:
//
//	objdump -D -b binary -mi386:x86-64 -Mintel FILE
const Variable = "DEPLOY_KERNEL_CODE"

var (
	// ErrUnsupported is returned where this package cannot run machine code.
	ErrUnsupported = errors.New("no machine code on this system")
	// ErrDenied is returned if the system denies executable memory, as hardened
	// systems do.
	ErrDenied = errors.New("the system denies executable memory")
)

// Load makes code executable and returns it as a function. If [Variable] is set, Load
// also writes the code to a file called name. Load returns an error that wraps
// [ErrUnsupported] or [ErrDenied], or the error of the file.
//
// The code must obey the rules of the package. Otherwise the program crashes.
func Load[T any](name string, code []byte) (func(*T), error) {
	if err := dump(name, code); err != nil {
		return nil, err
	}
	if len(code) == 0 {
		return nil, fmt.Errorf("loading machine code %s: it is empty", name)
	}
	entry, err := executable(code)
	if err != nil {
		return nil, fmt.Errorf("loading machine code %s: %w", name, err)
	}
	// A function value points to a block that begins with the address of the code. The
	// block is garbage-collected. The code lies outside of Go's heap.
	block := &struct{ entry uintptr }{entry}
	return *(*func(*T))(unsafe.Pointer(&block)), nil
}

// dump writes code to the folder that Variable names.
func dump(name string, code []byte) error {
	folder := os.Getenv(Variable)
	if folder == "" {
		return nil
	}
	file := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.' {
			return r
		}
		return '_'
	}, name)
	err := os.MkdirAll(folder, 0o777)
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, file+".bin"), code, 0o666)
	}
	if err != nil {
		return fmt.Errorf("writing machine code to the folder that %s names: %w", Variable, err)
	}
	return nil
}

// Return ends a function.
func Return(a *amd64.Assembler) {
	a.VXORPS(amd64.X(15), amd64.X(15), amd64.X(15))
	a.VZEROUPPER()
	a.RET()
}
