package deploykernel_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	deploykernel "github.com/deploy-kernel/deploy-kernel"
)

func list(t *testing.T, dir string) string {
	t.Helper()
	cmd := exec.Command("go", "list", "-f", "{{.ImportPath}} {{.GoFiles}} {{range .IgnoredGoFiles}}{{.}} {{end}}", "./runtime/...", "./crypt", "./crypt/internal/...")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOPROXY=off", "GOFLAGS=-mod=mod", "GOWORK=off")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return ignoredTest.ReplaceAllString(string(out), "")
}

// ignoredTest matches a test of another system in the list of ignored files.
var ignoredTest = regexp.MustCompile(`\S+_test\.go `)

// A package in a folder that the embed patterns do not reach would be missing
// from every kernel of an installed deploy-kernel.
func TestTheModuleHasEverySourceThatKernelsCanUse(t *testing.T) {
	dir := t.TempDir()
	if err := deploykernel.WriteModule(dir); err != nil {
		t.Fatal(err)
	}
	want, got := list(t, "."), list(t, dir)
	if got != want {
		t.Errorf("the written module lists\n%s\nbut the repository\n%s", got, want)
	}
}

func TestTheModuleHoldsNoTests(t *testing.T) {
	dir := t.TempDir()
	if err := deploykernel.WriteModule(dir); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if strings.HasSuffix(path, "_test.go") {
			t.Errorf("%s is a test", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
