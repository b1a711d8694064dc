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
	name  string
	claim string // what the kernel does
	// test proves the claim. It returns what it measured, or "".
	test func(t *testing.T, w *world) string
	// timed marks a test that measures time or acts at a certain time: it runs alone.
	timed bool
}

func TestFaults(t *testing.T) {
	w := theWorld(t)
	here := make([]string, len(faults)) // the outcome of each
	t.Cleanup(func() { report(t, here) })
	for i, f := range faults {
		here[i] = "skipped"
		t.Run(f.name, func(t *testing.T) {
			if !f.timed {
				t.Parallel() // it waits for the timed tests
			}
			measured := f.test(t, w)
			if here[i] = "ok"; measured != "" {
				here[i] = "ok: " + measured
				t.Log(measured)
			}
			if t.Failed() {
				here[i] = "FAILED"
			}
		})
	}
}

// report prints the matrix and writes it to the document, if -matrix names one.
func report(t *testing.T, here []string) {
	if *matrix == "" {
		return
	}
	var table strings.Builder
	table.WriteString("| fault | the kernel | here |\n|---|---|---|\n")
	for i, f := range faults {
		fmt.Fprintf(&table, "| %s | %s | %s |\n", f.name, f.claim, here[i])
	}
	fmt.Print(table.String())
	if t.Failed() {
		return
	}
	if err := writeMatrix(*matrix, table.String()); err != nil {
		t.Error(err)
	}
}

// The document holds the table between these lines.
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
		return fmt.Errorf("%s lacks the lines between which the matrix is written", path)
	}
	return os.WriteFile(path, []byte(string(b[:i])+begin+"\n"+table+"\n"+string(b[j:])), 0o644)
}
