package bundler_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/bundler"
	"github.com/rogpeppe/go-internal/txtar"
)

// A hazard is a test archive: a program, and the expectations in its comment.
type hazard struct {
	name, dir      string
	tags, env      []string
	require, avoid []string // strings of the bundle
	warn           []string // strings of the warnings
	err            string   // a regular expression
	quiet          bool     // there are no warnings
	warnOnly       bool     // only the long tests build and run it
	differs        bool     // program and bundle print different texts
	minify         bool
	pkg            string
	files          map[string]string
}

// extract writes the files of an archive into a temporary folder.
func extract(t *testing.T, file string) hazard {
	t.Helper()
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	h := hazard{name: strings.TrimSuffix(filepath.Base(file), ".txtar"), dir: t.TempDir(), files: map[string]string{}}
	for line := range strings.Lines(string(a.Comment)) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok {
			continue
		}
		switch key {
		case "tags":
			h.tags = strings.Split(value, ",")
		case "env":
			h.env = append(h.env, value)
		case "require":
			h.require = append(h.require, value)
		case "forbid":
			h.avoid = append(h.avoid, value)
		case "warn":
			h.warn = append(h.warn, value)
		case "error":
			h.err = value
		case "warn-only":
			h.warnOnly = true
		case "nowarn":
			h.quiet = true
		case "differs":
			h.differs = true
		case "minify":
			h.minify = true
		case "only":
			if value != runtime.GOARCH {
				t.Skipf("for %s only", value)
			}
		case "package":
			h.pkg = value
		}
	}
	for _, f := range a.Files {
		name := filepath.Join(h.dir, filepath.FromSlash(f.Name))
		h.files[f.Name] = string(f.Data)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

func (h hazard) options() bundler.Options {
	return bundler.Options{Dir: h.dir, Package: h.pkg, Tags: h.tags, Env: append(h.env, "GOWORK=off"), Minify: h.minify}
}

// mustBundle bundles twice, and checks that the bytes are equal.
func mustBundle(t *testing.T, o bundler.Options) *bundler.Result {
	t.Helper()
	res, err := bundler.Bundle(context.Background(), o)
	if err != nil {
		t.Fatal(message(err))
	}
	again, err := bundler.Bundle(context.Background(), o)
	if err != nil {
		t.Fatal(message(err))
	}
	if !bytes.Equal(res.Source, again.Source) {
		t.Error("two runs give different bundles")
	}
	return res
}

// message returns the text of an error with its hint.
func message(err error) string {
	if h := (interface{ Hint() string })(nil); errors.As(err, &h) {
		return err.Error() + "\nhint: " + h.Hint()
	}
	return err.Error()
}

// goBuild runs go build with the arguments in a folder.
func goBuild(t *testing.T, dir string, env []string, args ...string) {
	t.Helper()
	cmd := exec.Command("go", append([]string{"build", "-buildvcs=false", "-ldflags=-w"}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0"), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build %v: %v\n%s", args, err, out)
	}
}

// buildAlone compiles a bundle in an empty folder, without a module and without the
// network.
func buildAlone(t *testing.T, source []byte, env []string) (bin string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "kernel.go"), source, 0o644); err != nil {
		t.Fatal(err)
	}
	goBuild(t, dir, append([]string{"GOFLAGS=-mod=mod", "GOPROXY=off"}, env...), "-o", "kernel", "kernel.go")
	return filepath.Join(dir, "kernel")
}

// output runs a program and returns its standard output and exit status.
func output(t *testing.T, dir, bin string, args ...string) string {
	t.Helper()
	cmd := exec.Command(bin, args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out) + cmd.ProcessState.String() + "\n"
}
