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

// maxSpills is the number of vector moves between registers and the stack that a
// routine may have. A few occur around the inner loops, and once in sixteen or
// more of their steps. A routine that runs out of registers has dozens, and half
// the speed.
const maxSpills = 10

// The test needs objdump of binutils: Go's disassembler lacks these instructions.
func TestRoutinesKeepTheirVectorsInRegisters(t *testing.T) {
	objdump, err := exec.LookPath("objdump")
	if err != nil {
		t.Skip("objdump of binutils isn't here")
	}
	program := filepath.Join(t.TempDir(), "simd.test") // with symbols, which a running test lacks
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
		t.Fatalf("found only %d routines", len(spills))
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
