package bundler_test

import (
	"context"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/deploy-kernel/deploy-kernel/bundler"
)

// long skips a test unless DEPLOY_KERNEL_LONG is 1.
func long(t *testing.T) {
	t.Helper()
	if os.Getenv("DEPLOY_KERNEL_LONG") != "1" {
		t.Skip("takes long: set DEPLOY_KERNEL_LONG=1")
	}
}

// unfit has programs of the corpus that depend on their own lines, file names or
// package names, which a bundle can't keep.
var unfit = map[string]string{
	"devirtualization_nil_panics.go": "expects its own lines in a stack trace",
	"fixedbugs/issue18149.go":        "expects the file and line of a line directive",
	"fixedbugs/issue18911.go":        "expects the names of two packages in a panic",
	"fixedbugs/issue22662.go":        "expects the file and line of a line directive",
	"fixedbugs/issue29504.go":        "expects its own lines in a stack trace",
	"fixedbugs/issue29919.go":        "expects its own file name in a stack trace",
	"fixedbugs/issue34123.go":        "expects its own lines in a stack trace",
	"inline_literal.go":              "expects its own lines of functions",
	"interface/embed3.go":            "expects the name of a package in a panic",
}

func TestGosOwnTestProgramsPassAsBundles(t *testing.T) {
	long(t)
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(strings.TrimSpace(string(goroot)), "test")
	if _, err := os.Stat(root); err != nil {
		t.Skipf("Go's own test programs are not installed with this toolchain: %v", err)
	}
	filter := regexp.MustCompile(os.Getenv("CORPUS"))
	var programs []string
	_ = filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".go") && !strings.Contains(path, ".dir/") && filter.MatchString(path) && action(path) != "" {
			programs = append(programs, path)
		}
		return nil
	})
	var mu sync.Mutex
	passed := map[string]int{}
	limit := make(chan struct{}, runtime.GOMAXPROCS(0))
	t.Run("all", func(t *testing.T) {
		for _, path := range programs {
			name, _ := filepath.Rel(root, path)
			t.Run(strings.TrimSuffix(name, ".go"), func(t *testing.T) {
				if why := unfit[name]; why != "" {
					t.Skip(why)
				}
				t.Parallel()
				limit <- struct{}{}
				defer func() { <-limit }()
				if runProgram(t, path) {
					mu.Lock()
					passed[action(path)]++
					mu.Unlock()
				}
			})
		}
	})
	t.Logf("passed: %v of %d programs", passed, len(programs))
}

var header = regexp.MustCompile(`^// (run|rundir)\s*$`)

// action returns the action of a test program, run or rundir. It returns nothing for
// programs with flags or for other platforms.
func action(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	text := string(data)
	lines := strings.SplitN(text, "\n", 12)
	for _, line := range lines {
		if strings.HasPrefix(line, "//go:build ") && !plainConstraint(line) {
			return ""
		}
	}
	m := header.FindStringSubmatch(lines[0])
	if m == nil || strings.Contains(text, `import "C"`) {
		return ""
	}
	return m[1]
}

// plainConstraint reports whether a build constraint seems to hold on this platform.
func plainConstraint(line string) bool {
	return !regexp.MustCompile(`goexperiment|cgo|race|asan|msan|compiler_bootstrap|ignore|windows &|wasm\b[^)]*$`).MatchString(line) ||
		strings.Contains(line, "!wasm") || strings.Contains(line, "!js")
}

// runProgram bundles a test program, and compiles and runs the bundle. The bundle must
// succeed and print the contents of the program's .out file.
func runProgram(t *testing.T, path string) bool {
	t.Helper()
	dir := t.TempDir()
	module(t, dir, path)
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	env := []string{"GOWORK=off", "GOFLAGS=-mod=mod"}
	refused := func(err error) bool {
		return regexp.MustCompile(`is written in assembly|has no body|not a main package`).MatchString(err.Error())
	}
	res, err := bundler.Bundle(ctx, bundler.Options{Dir: dir, Env: env})
	if err != nil {
		ref := exec.CommandContext(ctx, "go", "build", "-o", "ref", ".")
		ref.Dir, ref.Env = dir, append(os.Environ(), env...)
		if out, refErr := ref.CombinedOutput(); refErr != nil {
			t.Skipf("the program itself doesn't compile as a module: %s", out)
		}
		if refused(err) {
			t.Skipf("refused: %v", err)
		}
		t.Error(message(err))
		return false
	}
	alone := t.TempDir()
	if err := os.WriteFile(filepath.Join(alone, "kernel.go"), res.Source, 0o644); err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(ctx, "go", "build", "-o", "kernel", "kernel.go")
	build.Dir, build.Env = alone, append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Errorf("the bundle doesn't compile: %s", out)
		return false
	}
	got, err := runIn(ctx, filepath.Dir(path), filepath.Join(alone, "kernel"))
	if want, readErr := os.ReadFile(strings.TrimSuffix(path, ".go") + ".out"); readErr == nil {
		if err == nil && got != strings.ReplaceAll(string(want), "\r\n", "\n") {
			err = fmt.Errorf("it prints\n%s", got)
		}
	}
	if err == nil {
		return true
	}
	// Does the program itself succeed?
	ref := exec.CommandContext(ctx, "go", "build", "-o", "ref", ".")
	ref.Dir, ref.Env = dir, append(os.Environ(), env...)
	if out, refErr := ref.CombinedOutput(); refErr != nil {
		t.Skipf("the program itself doesn't compile as a module: %s", out)
	}
	if want, refErr := runIn(ctx, filepath.Dir(path), filepath.Join(dir, "ref")); refErr != nil || want == got {
		t.Skipf("the program itself fails as a module, or prints the same: %v", refErr)
	}
	t.Errorf("the bundle: %v\n%.2000s", err, got)
	return false
}

func runIn(ctx context.Context, dir, bin string) (string, error) {
	cmd := exec.CommandContext(ctx, bin)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// module writes a test program as a module. Programs of rundir tests import the
// packages in their folder as "./file".
func module(t *testing.T, dir, path string) {
	t.Helper()
	write := func(name, text string) {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	version := strings.TrimPrefix(runtime.Version(), "go")
	write("go.mod", "module test\n\ngo "+strings.Join(strings.Split(version, ".")[:2], ".")+"\n")
	if action(path) == "run" {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		write("main.go", string(data))
		return
	}
	files, _ := filepath.Glob(strings.TrimSuffix(path, ".go") + ".dir/*.go")
	folder := map[string]string{} // of the package that a file belongs to
	first := map[string]string{}
	for _, f := range files {
		base := strings.TrimSuffix(filepath.Base(f), ".go")
		syntax, err := parser.ParseFile(token.NewFileSet(), f, nil, parser.PackageClauseOnly)
		if err != nil {
			t.Skipf("a program that go run refuses too: %v", err)
		}
		name := syntax.Name.Name
		if first[name] == "" {
			first[name] = base
		}
		folder[base] = first[name]
		if name == "main" {
			folder[base] = ""
		}
	}
	relative := regexp.MustCompile(`(?m)^(\s*(?:import\s+)?(?:[\w.]+\s+)?)"\./([\w.]+)"`)
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		base := strings.TrimSuffix(filepath.Base(f), ".go")
		text := relative.ReplaceAllStringFunc(string(data), func(s string) string {
			m := relative.FindStringSubmatch(s)
			return m[1] + strconv.Quote("test/"+folder[m[2]])
		})
		write(filepath.Join(folder[base], base+".go"), text)
	}
}
