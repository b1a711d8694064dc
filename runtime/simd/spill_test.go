//go:build goexperiment.simd && amd64 && !noasm

package simd_test

import (
	"bufio"
	"bytes"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// maxSpills is how many moves of vectors between registers and the stack a
// routine may have. Those that are left stand before and behind the inner loops
// or once in sixteen or more steps of them; a routine that loses its registers
// has dozens, and half of its speed.
const maxSpills = 10

// The disassembler is that of binutils, as Go's doesn't know these instructions.
func TestRoutinesKeepTheirVectorsInRegisters(t *testing.T) {
	objdump, err := exec.LookPath("objdump")
	if err != nil {
		t.Skip("objdump of binutils isn't here")
	}
	program := filepath.Join(t.TempDir(), "simd.test") // with the symbols that a test that runs has not
	if out, err := exec.Command("go", "test", "-c", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	out, err := exec.Command(objdump, "-d", "--no-show-raw-insn", program).Output()
	if err != nil {
		t.Fatal(err)
	}
	function := regexp.MustCompile(`^[0-9a-f]+ <.*/runtime/simd\.([a-zA-Z]+[0-9x]*[ZY][0-9]?)>:$`)
	spill := regexp.MustCompile(`[yz]mm.*\(%rsp\)|\(%rsp\).*[yz]mm`)
	name, spills := "", map[string]int{}
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() {
		line := lines.Text()
		if strings.HasSuffix(line, ">:") {
			name = ""
			if m := function.FindStringSubmatch(line); m != nil {
				name = m[1]
				spills[name] = 0
			}
		} else if name != "" && spill.MatchString(line) {
			spills[name]++
		}
	}
	if len(spills) < 40 {
		t.Fatalf("only %d routines were found", len(spills))
	}
	for name, n := range spills {
		if n > 0 {
			t.Logf("%s: %d", name, n)
		}
		if n > maxSpills {
			t.Errorf("%s has %d spills, more than %d", name, n, maxSpills)
		}
	}
}
