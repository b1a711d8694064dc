//go:build linux && amd64

package simd

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/runtime/machinecode"
)

// deniedVariable marks the process of this test that denies itself executable memory.
const deniedVariable = "SIMD_TEST_DENIED"

// Where the system denies executable memory (here by Linux's PR_SET_MDWE), the scalar
// set serves, and the reason is known.
func TestTheScalarSetServesWhereCodeIsDenied(t *testing.T) {
	const setMDWE, refuse = 65, 1
	if os.Getenv(deniedVariable) == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		cmd.Env = append(os.Environ(), deniedVariable+"=1")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		if strings.Contains(string(out), "SKIP") {
			t.Skip("this Linux cannot deny executable memory")
		}
		return
	}
	if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, setMDWE, refuse, 0, 0, 0, 0); errno != 0 {
		t.Skip(errno)
	}
	set, err := Select("")
	if err != nil || set != Scalar {
		t.Errorf("the set is %v, %v", set, err)
	}
	if err := Trouble(); !errors.Is(err, machinecode.ErrDenied) {
		t.Errorf("the trouble is %v", err)
	}
	if _, err := Select("avx2"); err == nil {
		t.Error("avx2 was selected")
	}
}
