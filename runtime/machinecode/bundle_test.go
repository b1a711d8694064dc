package machinecode_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/bundler"
)

// A function in memory of the program works in a bundle and with go run as well. The
// bundle leaves out the assembler's instructions that the program does not use.
func TestABundleRunsMachineCode(t *testing.T) {
	needAVX2(t)
	res, err := bundler.Bundle(context.Background(), bundler.Options{Package: "./testdata/product"})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(res.Source), "VPSADBW") {
		t.Error("the bundle has an instruction that nothing uses")
	}
	file := filepath.Join(t.TempDir(), "kernel.go")
	if err := os.WriteFile(file, res.Source, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "run", file)
	cmd.Dir, cmd.Env = filepath.Dir(file), append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOEXPERIMENT=")
	if out, err := cmd.CombinedOutput(); err != nil || string(out) != "42\ntrue <nil>\n" {
		t.Errorf("the bundle prints %q, %v", out, err)
	}
}
