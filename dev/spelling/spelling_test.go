package spelling_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/deploy-kernel/deploy-kernel/dev/spelling"
)

const root = "../.."

var fix = flag.Bool("fix", false, "write the American spellings of British words")

// files returns the files that git tracks or would track, by their endings.
func files(t *testing.T, patterns ...string) []string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"ls-files", "-z", "--cached", "--others", "--exclude-standard", "--"}, patterns...)...)
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, name := range strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		if _, err := os.Stat(filepath.Join(root, name)); err == nil && !strings.Contains(name, "testdata/") && !strings.HasPrefix(name, "third_party/") {
			names = append(names, name)
		}
	}
	return names
}

// Every word of a comment or document is in a list. A term that is right goes into
// words/project.txt.
func TestCommentsAndDocumentsAreSpelledRight(t *testing.T) {
	c, err := spelling.New()
	if err != nil {
		t.Fatal(err)
	}
	report := func(name string, mistakes []spelling.Mistake) {
		for _, m := range mistakes {
			if *fix && m.American != "" {
				if err := respell(filepath.Join(root, name), m); err != nil {
					t.Fatal(err)
				}
				continue
			}
			t.Errorf("%s:%s", name, m)
		}
	}
	for _, name := range files(t, "*.md") {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		report(name, c.Markdown(string(text)))
	}
	folders := map[string]bool{}
	for _, name := range files(t, "*.go") {
		for _, folder := range strings.Split(filepath.Dir(name), "/") {
			folders[folder] = true
		}
	}
	fset := token.NewFileSet()
	packages := map[string]map[string]*ast.File{}
	for _, name := range files(t, "*.go") {
		f, err := parser.ParseFile(fset, filepath.Join(root, name), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Dir(name)
		if packages[dir] == nil {
			packages[dir] = map[string]*ast.File{}
		}
		packages[dir][name] = f
	}
	for _, parsed := range packages {
		names := maps.Clone(folders)
		for _, f := range parsed {
			ast.Inspect(f, func(n ast.Node) bool {
				if id, ok := n.(*ast.Ident); ok {
					names[id.Name] = true
				}
				return true
			})
		}
		for name, f := range parsed {
			report(name, c.Go(fset, f, names))
		}
	}
	if t.Failed() {
		t.Log("correct the spelling (-fix does it for British words), quote code, or add a term to dev/spelling/words/project.txt")
	}
}

// respell writes the American spelling of m into the file, in the prose of its line.
func respell(path string, m spelling.Mistake) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	lines := strings.Split(string(text), "\n")
	line, american := lines[m.Line-1], m.American
	if first, _ := utf8.DecodeRuneInString(m.Word); unicode.IsUpper(first) {
		american = strings.ToUpper(american[:1]) + american[1:]
	}
	start := 0
	if strings.HasSuffix(path, ".go") {
		start = max(0, strings.Index(line, "//"))
	}
	word := regexp.MustCompile(`(^|[^\w` + "`" + `/.-])` + regexp.QuoteMeta(m.Word) + `\b`)
	lines[m.Line-1] = line[:start] + word.ReplaceAllString(line[start:], "${1}"+american)
	return os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o644)
}

func TestMistakesAreFound(t *testing.T) {
	c, err := spelling.New()
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"The optimiser is fast.":                       "[1: optimiser (American: optimizer)]",
		"A colour,\nsynchronised and teh rest":         "[1: colour (American: color) 2: synchronised (American: synchronized) 2: teh]",
		"Labelled grey images of our behaviour":        "[1: Labelled (American: labeled) 1: grey (American: gray) 1: behaviour (American: behavior)]",
		"Code as `optimiser`, \"colour\", --colour":    "[]",
		"```sh\noptimiser\n```\nfine\n\n    optimiser": "[]",
		"[a link](https://optimiser/colour.md)":        "[]",
		"The reader's files don't end; it isn't so.":   "[]",
		"four hours, ours or yours; raise the noise":   "[]",
	} {
		if got := fmt.Sprint(c.Markdown(text)); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func TestIdentifiersAreExemptButNotTheirBritishSpellings(t *testing.T) {
	const src = "package p\n\n// A cfg has an optimiser, for xyzzy.\n//\n//\toptimiser := teh\n//\n//go:embed optimiser\nvar cfg, optimiser int\n\nfunc Example() {\n\t// Output:\n\t// optimiser\n}\n"
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "p.go", src, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	c, err := spelling.New()
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(c.Go(fset, f, map[string]bool{"cfg": true, "optimiser": true}))
	if want := "[3: optimiser (American: optimizer) 3: xyzzy]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
