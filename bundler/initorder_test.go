package bundler_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/bundler"
)

// The order of the packages in bundles of random modules is the order that
// GODEBUG=inittrace=1 shows for the programs.
func TestPackagesAreInitializedInTheLinkersOrder(t *testing.T) {
	n := 6
	if os.Getenv("DEPLOY_KERNEL_LONG") == "1" {
		n = 100
	}
	for seed := range n {
		t.Run(fmt.Sprint("graph", seed), func(t *testing.T) {
			t.Parallel()
			checkOrder(t, randomModule(t, rand.New(rand.NewPCG(uint64(seed), 7))))
		})
	}
}

var traced = regexp.MustCompile(`(?m)^init (\S+) @`)

func checkOrder(t *testing.T, dir string) {
	t.Helper()
	goBuild(t, dir, nil, "-o", "program", ".")
	cmd := exec.Command(filepath.Join(dir, "program"))
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	var trace strings.Builder
	cmd.Stderr = &trace
	want, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, m := range traced.FindAllStringSubmatch(trace.String(), -1) {
		if strings.HasPrefix(m[1], "example.com/") {
			path, err := url.PathUnescape(m[1]) // a dot is traced as %2e
			if err != nil {
				t.Fatal(err)
			}
			order = append(order, path)
		}
	}
	res, err := bundler.Bundle(context.Background(), bundler.Options{Dir: dir, Env: []string{"GOWORK=off"}})
	if err != nil {
		t.Fatal(err)
	}
	var ours []string
	for _, p := range res.Report.Packages {
		if slices.Contains(order, p.Path) {
			ours = append(ours, p.Path)
		}
	}
	if !slices.Equal(order, ours) {
		t.Errorf("the linker's order is\n%v\nours\n%v", order, ours)
	}
	if got := output(t, dir, buildAlone(t, res.Source, nil)); got != string(want)+"exit status 0\n" {
		t.Errorf("program:\n%s\nbundle:\n%s", want, got)
	}
}

// randomModule writes a module of packages that record their initialization. Some
// have nothing to initialize, and some import packages of the standard library.
func randomModule(t *testing.T, r *rand.Rand) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", "module example.com/r\n\ngo 1.26\n")
	write("note/note.go", "package note\n\nvar list []string\n\nfunc Add(s string) int { list = append(list, s); return len(list) }\n\nfunc All() []string { return list }\n")
	names := []string{"a", "b", "a-b", "a.b", "a/b", "z", "y/z", "m.v2", "c", "d", "e_f", "k"}
	r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	std := []string{"text/template", "net/url", "encoding/json", "sort", "strings", "go/ast", "math/big"}
	for i, name := range names {
		var imports, body strings.Builder
		fmt.Fprintf(&imports, "\t\"example.com/r/note\"\n")
		for _, dep := range names[:i] {
			if r.IntN(4) == 0 {
				fmt.Fprintf(&imports, "\t_ \"example.com/r/%s\"\n", dep)
			}
		}
		if r.IntN(3) == 0 {
			fmt.Fprintf(&imports, "\t_ %q\n", std[r.IntN(len(std))])
		}
		switch r.IntN(4) {
		case 0: // nothing to initialize, unless an import has
			body.WriteString("var table = [...]int{1, 2}\n\nfunc F() int { return note.Add(\"no\") + table[0] }\n")
		case 1:
			fmt.Fprintf(&body, "var x = note.Add(%q)\n", name+" var")
		case 2:
			fmt.Fprintf(&body, "func init() { note.Add(%q) }\n", name+" init")
		case 3:
			fmt.Fprintf(&body, "func init() { note.Add(%q) }\n\nvar x, y = note.Add(%q), z\n\nvar z = note.Add(%q)\n", name+" init", name+" x", name+" z")
		}
		write(name+"/p.go", fmt.Sprintf("package p%d\n\nimport (\n%s)\n\n%s", i, imports.String(), body.String()))
	}
	var imports strings.Builder
	for _, name := range names {
		if r.IntN(2) == 0 {
			fmt.Fprintf(&imports, "\t_ \"example.com/r/%s\"\n", name)
		}
	}
	write("main.go", "package main\n\nimport (\n\t\"fmt\"\n\t\"example.com/r/note\"\n"+imports.String()+")\n\nvar first = note.All()\n\nfunc main() { fmt.Println(first, note.All()) }\n")
	return dir
}
