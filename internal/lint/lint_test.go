package lint_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/deploy-kernel/deploy-kernel"

// pkg is a package in the output of `go list -json`.
type pkg struct {
	ImportPath, Dir string
	Standard        bool
	Imports, Deps   []string
}

func list(t *testing.T, args ...string) []pkg {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Dir,Standard,Imports,Deps"}, args...)...)
	cmd.Dir = filepath.Join("..", "..")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %v: %v", args, err)
	}
	var pkgs []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); err == io.EOF {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}

// folder returns the folder of a package of this module, relative to the module's root,
// or "" for a package of another module.
func folder(importPath string) string {
	if importPath == module {
		return "."
	}
	rest, ok := strings.CutPrefix(importPath, module+"/")
	if !ok {
		return ""
	}
	return rest
}

func within(folder string, tops ...string) bool {
	return slices.ContainsFunc(tops, func(top string) bool {
		return folder == top || strings.HasPrefix(folder, top+"/")
	})
}

// imageDecoders lists the packages that may import golang.org/x/image. A kernel holds
// them only if it names their format.
var imageDecoders = []string{"runtime/vision/tiff", "runtime/vision/webp", "runtime/vision/formats"}

// Kernels hold runtime/... and crypt. These may import only the standard library, each
// other, and the decoders of golang.org/x/image. Kernels never use crypt/passphrase.
func TestBundledPackagesImportOnlyTheStandardLibraryAndEachOther(t *testing.T) {
	for _, p := range list(t, "./runtime/...", "./crypt") {
		for _, dep := range p.Deps {
			if first, _, _ := strings.Cut(dep, "/"); !strings.Contains(first, ".") {
				continue // the standard library
			}
			if strings.HasPrefix(dep, "golang.org/x/image/") && slices.Contains(imageDecoders, folder(p.ImportPath)) {
				continue
			}
			if f := folder(dep); !within(f, "runtime") && f != "crypt" && !within(f, "crypt/internal", "internal/hint", "internal/hugepage") {
				t.Errorf("%s depends on %s; a kernel may hold only the standard library, runtime/... and crypt", folder(p.ImportPath), dep)
			}
		}
	}
}

// layers lists the top-level folders, users first, with the folders that each may
// import. No folder may import one above it.
var layers = []struct {
	top     string
	imports []string
}{
	{"examples", []string{"examples", "dev", "deploy", "metric", "runtime"}},
	{"dev", []string{".", "dev", "deploy", "templates", "bundler", "trainer", "blend", "importer", "artifact", "metric", "runtime", "crypt", "internal"}},
	{"cmd", []string{".", "cmd", "deploy", "templates", "bundler", "trainer", "blend", "importer", "artifact", "metric", "runtime", "crypt", "internal"}},
	{"deploy", []string{".", "deploy", "templates", "bundler", "importer", "artifact", "metric", "runtime", "crypt", "internal"}},
	{"trainer", []string{"trainer", "artifact", "metric", "runtime", "crypt", "internal"}},
	{"blend", []string{"blend", "artifact", "metric", "runtime", "internal"}},
	{"importer", []string{"importer", "artifact", "runtime", "internal"}},
	{"artifact", []string{"artifact", "metric", "runtime", "crypt", "internal"}},
	{"templates", []string{".", "templates", "runtime"}},
	{"bundler", []string{"bundler", "internal/hint"}},
	{"metric", []string{"metric", "runtime", "internal"}},
	{"internal", []string{"internal", "runtime", "crypt"}},
	{"runtime", []string{"runtime", "crypt", "internal/hint", "internal/hugepage"}},
	{"crypt", []string{"crypt", "internal/hugepage"}},
	{".", nil},
}

func TestImportsPointOneWay(t *testing.T) {
	allowed := map[string][]string{}
	for _, l := range layers {
		allowed[l.top] = l.imports
	}
	for _, p := range list(t, "./...") {
		from := folder(p.ImportPath)
		top, _, _ := strings.Cut(from, "/")
		tops, ok := allowed[top]
		if !ok {
			t.Errorf("%s: the folder %s has no layer", from, top)
		}
		for _, imp := range p.Imports {
			if to := folder(imp); to != "" && !within(to, tops...) {
				t.Errorf("%s imports %s; %s may import only %v", from, to, top, tops)
			}
		}
	}
}

func TestEveryPackageHasAComment(t *testing.T) {
	for _, p := range list(t, "./...") {
		fset := token.NewFileSet()
		entries, err := os.ReadDir(p.Dir)
		if err != nil {
			t.Fatal(err)
		}
		var doc string
		for _, e := range entries {
			if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
				continue
			}
			f, err := parser.ParseFile(fset, filepath.Join(p.Dir, e.Name()), nil, parser.PackageClauseOnly|parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			doc += docText(f)
		}
		if doc == "" {
			t.Errorf("%s has no package comment", folder(p.ImportPath))
		}
	}
}

func docText(f *ast.File) string {
	if f.Doc == nil {
		return ""
	}
	return f.Doc.Text()
}

func TestCommandsAreThin(t *testing.T) {
	mains, err := filepath.Glob("../../cmd/*/main.go")
	if err != nil || len(mains) == 0 {
		t.Fatalf("no mains found (%v)", err)
	}
	for _, m := range mains {
		b, err := os.ReadFile(m)
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(b, []byte("\n")); n > 30 {
			t.Errorf("%s has %d lines; a main has at most 30", m, n)
		}
	}
}

var generated = regexp.MustCompile(`^// Code generated .* DO NOT EDIT\.$`)

func TestNoFileIsLongerThan600Lines(t *testing.T) {
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || path != root && strings.HasPrefix(d.Name(), ".")) {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		lines, gen := 0, false
		for s := bufio.NewScanner(f); s.Scan(); lines++ {
			gen = gen || generated.MatchString(s.Text())
		}
		if lines > 600 && !gen {
			t.Errorf("%s has %d lines: is it one idea?", path, lines)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A binary or a data set in the repository makes every clone slow.
func TestNoTrackedFileIsLarge(t *testing.T) {
	const most = 2 << 20
	root := filepath.Join("..", "..")
	cmd := exec.Command("git", "ls-files", "-z")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Skipf("this is no git checkout: %v", err)
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		if info, err := os.Lstat(filepath.Join(root, name)); err == nil && info.Size() > most {
			t.Errorf("%s has %d bytes, more than %d", name, info.Size(), most)
		}
	}
}
