// Package nocode runs tests and programs in processes that cannot make memory
// executable, as on hardened systems.
//
//	func TestMain(m *testing.M) { nocode.Main(); os.Exit(m.Run()) }
//
//	out, err := nocode.Command("infer", "summary", "w.safetensors").CombinedOutput()
//
// Linux can do that (PR_SET_MDWE, since version 6.3). Elsewhere, the tests are skipped.
package nocode

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// variable marks the process of a test that [Run] has started.
const variable = "DEPLOY_KERNEL_TEST_NOCODE"

// argument is the first argument of a process that [Command] has started.
const argument = "nocode"

// Run calls f in a process of its own, which runs this test alone.
func Run(t *testing.T, f func()) {
	t.Helper()
	Need(t)
	if os.Getenv(variable) != "" {
		if err := deny(); err != nil {
			t.Fatal(err)
		}
		f()
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+strings.ReplaceAll(t.Name(), "/", "$/^")+"$")
	cmd.Env = append(os.Environ(), variable+"=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// Need skips the test where the system cannot deny executable memory.
func Need(t *testing.T) {
	t.Helper()
	if !supported() {
		t.Skip("this system cannot deny executable memory")
	}
}

// Command is exec.Command for a process that cannot make memory executable. TestMain
// of the package must call [Main].
func Command(name string, args ...string) *exec.Cmd {
	return exec.Command(os.Args[0], append([]string{argument, name}, args...)...)
}

// Main replaces a process that [Command] has started by its program. In other processes
// it does nothing.
func Main() {
	if len(os.Args) < 3 || os.Args[1] != argument {
		return
	}
	err := deny()
	if err == nil {
		err = replace(os.Args[2], os.Args[2:])
	}
	fmt.Fprintf(os.Stderr, "nocode: starting %s: %v\n", os.Args[2], err)
	os.Exit(1)
}
