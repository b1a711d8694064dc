package faults_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var matrix = flag.String("matrix", "", "print the matrix of faults, and write it to the document `FILE`")

// fault is a row of the matrix.
type fault struct {
	name string
	// what the kernel does: the claim that the test proves.
	claim string
	// test returns what was measured, if anything.
	test func(t *testing.T, w *world) string
}

func TestFaults(t *testing.T) {
	w := theWorld(t)
	var table strings.Builder
	table.WriteString("| fault | the kernel | here |\n|---|---|---|\n")
	for _, f := range faults {
		here := "skipped"
		t.Run(f.name, func(t *testing.T) {
			measured := f.test(t, w)
			if here = "ok"; measured != "" {
				here = "ok: " + measured
				t.Log(measured)
			}
			if t.Failed() {
				here = "FAILED"
			}
		})
		fmt.Fprintf(&table, "| %s | %s | %s |\n", f.name, f.claim, here)
	}
	if *matrix == "" {
		return
	}
	fmt.Print(table.String())
	if t.Failed() {
		return
	}
	if err := writeMatrix(*matrix, table.String()); err != nil {
		t.Error(err)
	}
}

// The table stands between these lines of the document.
const (
	begin = "<!-- faults: made by `make faults` -->\n"
	end   = "<!-- end of faults -->\n"
)

func writeMatrix(path, table string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	i, j := bytes.Index(b, []byte(begin)), bytes.Index(b, []byte(end))
	if i < 0 || j < i {
		return fmt.Errorf("%s has no place for the matrix", path)
	}
	return os.WriteFile(path, []byte(string(b[:i])+begin+"\n"+table+"\n"+string(b[j:])), 0o644)
}
