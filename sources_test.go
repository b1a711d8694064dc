package deploykernel_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"go/types"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	deploykernel "github.com/deploy-kernel/deploy-kernel"
	"golang.org/x/tools/go/packages"
	"golang.org/x/tools/txtar"
)

func list(t *testing.T, dir string) string {
	t.Helper()
	cmd := exec.Command("go", "list", "-f", "{{.ImportPath}} {{.GoFiles}} {{range .IgnoredGoFiles}}{{.}} {{end}}", "./runtime/...", "./crypt", "./crypt/internal/...", "./internal/hugepage")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOPROXY=off", "GOFLAGS=", "GOWORK=off")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return ignoredTest.ReplaceAllString(string(out), "")
}

// ignoredTest matches tests for other systems in the list of ignored files.
var ignoredTest = regexp.MustCompile(`\S+_test\.go `)

// The embed patterns must match the folders of all packages that kernels can use.
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

var update = flag.Bool("update", false, "renew third_party/vendor.txtar")

// Kernels are made offline, so deploy-kernel embeds the packages of other modules that
// they use. The tests run with the versions in go.mod.
func TestTheVendoredPackagesHaveTheVersionsOfGoMod(t *testing.T) {
	const archive = "third_party/vendor.txtar"
	want := txtar.Format(vendorFolder(t))
	if *update {
		if err := os.WriteFile(archive, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs from the module cache; run go test . -update", archive)
	}
}

// vendorFolder returns the vendor folder of the packages that runtime/...
// imports from other modules. Its comment lists the modules with versions.
func vendorFolder(t *testing.T) *txtar.Archive {
	t.Helper()
	type pkg struct {
		ImportPath, Dir string
		GoFiles         []string
		Module          *struct{ Path, Version, Dir, GoVersion string }
	}
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Dir,GoFiles,Module", "./runtime/...")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	read := func(dir, name string) []byte {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	a := &txtar.Archive{}
	modules := map[string]bool{}
	var list strings.Builder // vendor/modules.txt
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
		var p pkg
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		if p.Module == nil || p.Module.Path == deploykernel.Path {
			continue
		}
		if m := p.Module; !modules[m.Path] {
			modules[m.Path] = true
			a.Comment = fmt.Appendf(a.Comment, "%s %s\n", m.Path, m.Version)
			fmt.Fprintf(&list, "# %s %s\n## explicit; go %s\n", m.Path, m.Version, m.GoVersion)
			a.Files = append(a.Files, txtar.File{Name: "vendor/" + m.Path + "/LICENSE", Data: read(m.Dir, "LICENSE")})
		}
		fmt.Fprintln(&list, p.ImportPath)
		for _, name := range p.GoFiles {
			a.Files = append(a.Files, txtar.File{Name: "vendor/" + p.ImportPath + "/" + name, Data: read(p.Dir, name)})
		}
	}
	if len(modules) > 1 {
		t.Fatal("vendor/modules.txt must group packages by module")
	}
	a.Files = append(a.Files, txtar.File{Name: "vendor/modules.txt", Data: []byte(list.String())})
	return a
}

// Kernels are built by whatever Go there is, so the runtime uses no symbol that came after
// GoVersion. The compiler checks the language, by the module's go.mod.
func TestKernelsUseNoSymbolsOfNewerGo(t *testing.T) {
	newer := newerSymbols(t)
	dir := t.TempDir()
	if err := deploykernel.WriteModule(dir); err != nil {
		t.Fatal(err)
	}
	pkgs, err := packages.Load(&packages.Config{
		Mode: packages.NeedName | packages.NeedSyntax | packages.NeedTypes | packages.NeedTypesInfo | packages.NeedImports,
		Dir:  dir, Env: append(os.Environ(), "GOPROXY=off", "GOFLAGS=", "GOWORK=off"),
	}, "./...", "golang.org/x/image/...")
	if err != nil {
		t.Fatal(err)
	}
	if len(pkgs) < 30 {
		t.Fatalf("only %d packages", len(pkgs))
	}
	for _, p := range pkgs {
		for _, err := range p.Errors {
			t.Error(err)
		}
		for id, object := range p.TypesInfo.Uses {
			if name := symbol(object); newer[name] {
				t.Errorf("%v: %s is newer than Go %s", p.Fset.Position(id.Pos()), name, deploykernel.GoVersion)
			}
		}
	}
}

// symbol returns the name of a function, variable or constant of a package, or of a
// method, such as "bytes.Buffer.Peek".
func symbol(object types.Object) string {
	if object.Pkg() == nil {
		return ""
	}
	if f, ok := object.(*types.Func); ok {
		return strings.NewReplacer("(", "", ")", "", "*", "").Replace(f.FullName())
	}
	return object.Pkg().Path() + "." + object.Name()
}

// apiLine matches a function, variable, constant or method in a list of a Go release's
// symbols. New types have new functions or methods, and new fields are rare.
var apiLine = regexp.MustCompile(`(?m)^pkg (\S+)(?: \(.*?\))?, (?:(?:func|var|const) (\w+)|method \(\*?(\w+).*?\) (\w+)).*$`)

// newerSymbols returns the symbols of the standard library that came after GoVersion, from
// the lists in the folder of Go.
func newerSymbols(t *testing.T) map[string]bool {
	t.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	minor, err := strconv.Atoi(strings.TrimPrefix(deploykernel.GoVersion, "1."))
	if err != nil {
		t.Fatal(err)
	}
	newer := map[string]bool{}
	for {
		minor++
		text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(root)), "api", fmt.Sprintf("go1.%d.txt", minor)))
		if err != nil {
			break
		}
		for _, m := range apiLine.FindAllStringSubmatch(string(text), -1) {
			switch {
			case strings.Contains(m[0], "//deprecated"):
			case m[2] != "":
				newer[m[1]+"."+m[2]] = true
			default:
				newer[m[1]+"."+m[3]+"."+m[4]] = true
			}
		}
	}
	if len(newer) == 0 {
		t.Skip("this Go has no lists of newer symbols")
	}
	return newer
}
