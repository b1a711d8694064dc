package nocode_test

import (
	"os"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/internal/nocode"
	"github.com/deploy-kernel/deploy-kernel/runtime/machinecode"
)

func TestMain(m *testing.M) {
	nocode.Main()
	os.Exit(m.Run())
}

func TestTheProcessOfATestHasNoExecutableMemory(t *testing.T) {
	nocode.Run(t, func() {
		if _, err := machinecode.Load[int]("return", []byte{0xc3}); err == nil {
			t.Error("machine code was loaded")
		}
	})
}

// The program is this test again.
func TestTheProgramOfACommandHasNoExecutableMemory(t *testing.T) {
	nocode.Need(t)
	const variable = "NOCODE_TEST_PROGRAM"
	if os.Getenv(variable) != "" {
		if _, err := machinecode.Load[int]("return", []byte{0xc3}); err == nil {
			t.Error("machine code was loaded")
		}
		return
	}
	cmd := nocode.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), variable+"=1")
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("%v\n%s", err, out)
	}
}
