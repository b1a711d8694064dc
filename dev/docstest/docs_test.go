package docstest_test

import (
	"context"
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/dev/docstest"
)

var (
	long   = flag.Bool("long", false, "also execute the documents that take minutes")
	update = flag.Bool("update", false, "renew docs/cli.md")
	left   = flag.String("left", "", "a `FOLDER` that docs/quickstart.md left, to start others without running it")
)

const root = "../.."

// TestMain removes the commands that tests have built.
func TestMain(m *testing.M) {
	flag.Parse()
	status := m.Run()
	if built != "" {
		os.RemoveAll(built)
	}
	os.Exit(status)
}

// built is the folder of the commands that bin has built, or "".
var built string

// binVariable names the folder of the built commands; without it they are built.
const binVariable = "DEPLOY_KERNEL_BIN"

// bin returns the folder of the five commands.
var bin = sync.OnceValues(func() (string, error) {
	if dir := os.Getenv(binVariable); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.MkdirTemp("", "docstest-bin-*")
	if err != nil {
		return "", err
	}
	built = dir
	cmd := exec.Command("go", "build", "-trimpath", "-o", dir+"/", "./cmd/...")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	return dir, cmd.Run()
})

func commands(t *testing.T) string {
	t.Helper()
	dir, err := bin()
	if err != nil {
		t.Fatal("building the commands: ", err)
	}
	return dir
}

// documents returns the documents whose blocks are executed, by their paths.
func documents(t *testing.T) map[string]*docstest.Document {
	t.Helper()
	paths, err := filepath.Glob(root + "/docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	examples, err := filepath.Glob(root + "/examples/*/README.md")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*docstest.Document{}
	for _, path := range append(append(paths, examples...), root+"/README.md", root+"/CONTRIBUTING.md") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name, _ := filepath.Rel(root, path)
		d, err := docstest.Parse(name, string(text))
		if err != nil {
			t.Error(err)
			continue
		}
		all[name] = d
	}
	return all
}

func TestQuickDocumentsRunAsShown(t *testing.T) {
	runner := &runner{t: t, docs: documents(t), ran: map[string]place{}}
	for _, name := range runner.names() {
		if d := runner.docs[name]; !d.Long && len(d.Blocks) > 0 {
			t.Run(name, func(t *testing.T) { runner.run(t, name) })
		}
	}
}

func TestLongDocumentsRunAsShown(t *testing.T) {
	if !*long {
		t.Skip("takes minutes: make docs-test")
	}
	runner := &runner{t: t, docs: documents(t), ran: map[string]place{}}
	for _, name := range runner.names() {
		if d := runner.docs[name]; d.Long && len(d.Blocks) > 0 {
			t.Run(name, func(t *testing.T) { runner.run(t, name) })
		}
	}
}

// place is where a document's run ended.
type place struct{ dir, cwd string }

// runner runs documents, each after the one that it starts from.
type runner struct {
	t    *testing.T
	docs map[string]*docstest.Document
	ran  map[string]place
}

func (r *runner) names() []string {
	var names []string
	for name := range r.docs {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func (r *runner) run(t *testing.T, name string) place {
	t.Helper()
	if p, ok := r.ran[name]; ok {
		return p
	}
	d := r.docs[name]
	dir, err := filepath.EvalSymlinks(r.t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	cwd := dir
	if d.After != "" {
		after := filepath.Join(filepath.Dir(name), d.After)
		if r.docs[after] == nil {
			t.Fatalf("%s starts after %s, which is not there", name, after)
		}
		from := place{*left, *left}
		if *left == "" {
			from = r.run(t, after)
		}
		if out, err := exec.Command("cp", "-a", from.dir+"/.", dir).CombinedOutput(); err != nil {
			t.Fatalf("copying what %s left: %v\n%s", after, err, out)
		}
		rel, err := filepath.Rel(from.dir, from.cwd)
		if err != nil {
			t.Fatal(err)
		}
		cwd = filepath.Join(dir, rel)
	} else if d.Checkout {
		if err := docstest.Checkout(root, dir); err != nil {
			t.Fatal(err)
		}
	}
	module, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	res, err := docstest.Run(context.Background(), d, docstest.World{Dir: dir, Bin: commands(t), Root: module}, cwd)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range res.Failures {
		t.Error(f)
	}
	t.Logf("%s: %d commands executed, %d blocks skipped", name, res.Ran, len(res.Skipped))
	for _, s := range res.Skipped {
		t.Log("skipped: " + s)
	}
	p := place{dir, res.Cwd}
	r.ran[name] = p
	return p
}

func TestCommandsPrintTheirVersion(t *testing.T) {
	dir := commands(t)
	for _, tool := range docstest.Tools {
		out, err := exec.Command(filepath.Join(dir, tool), "--version").Output()
		if err != nil {
			t.Errorf("%s --version: %v", tool, err)
		}
		if !strings.HasPrefix(string(out), tool+" ") || len(strings.Fields(string(out))) < 2 {
			t.Errorf("%s --version prints %q", tool, out)
		}
	}
}

func TestCommandLinePageIsUpToDate(t *testing.T) {
	want, err := docstest.CommandLine(commands(t))
	if err != nil {
		t.Fatal(err)
	}
	const path = root + "/docs/cli.md"
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/cli.md differs from what the commands print: run `make docs`")
	}
}

func TestLinksLeadSomewhere(t *testing.T) {
	decisions, err := filepath.Glob(root + "/docs/decisions/*.md")
	if err != nil {
		t.Fatal(err)
	}
	paths, err := filepath.Glob(root + "/docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	examples, err := filepath.Glob(root + "/examples/*.md")
	if err != nil {
		t.Fatal(err)
	}
	guides, err := filepath.Glob(root + "/examples/*/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append(slices.Concat(decisions, paths, examples, guides), root+"/README.md", root+"/CONTRIBUTING.md", root+"/CHANGELOG.md") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name, _ := filepath.Rel(root, path)
		for _, b := range docstest.BrokenLinks(root, name, string(text)) {
			t.Error(b)
		}
	}
}

var inlineCode = regexp.MustCompile("`[^`]+`")

// The first column of the tables in docs/troubleshooting.md quotes messages. Every
// part of a quotation must be in the sources, or in the second list.
func TestTroubleshootingQuotesMessagesThatExist(t *testing.T) {
	var sources strings.Builder
	for _, top := range []string{"artifact", "blend", "bundler", "cmd", "crypt", "deploy", "internal", "runtime", "trainer"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			sources.Write(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	foreign := []string{"no such file or directory", "exec format error", "no space left on device"} // of the system
	text, err := os.ReadFile(root + "/docs/troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(string(text), "\n") {
		cells := strings.Split(line, " | ")
		if !strings.HasPrefix(line, "| ") || len(cells) < 2 {
			continue
		}
		for _, quote := range inlineCode.FindAllString(cells[0], -1) {
			for _, part := range strings.Split(strings.Trim(quote, "`"), "…") {
				part = strings.TrimSpace(part)
				if len(part) < 8 || slices.Contains(foreign, part) || strings.Contains(sources.String(), part) {
					continue
				}
				t.Errorf("docs/troubleshooting.md:%d: no message has %q", i+1, part)
			}
		}
	}
}
