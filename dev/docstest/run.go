package docstest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// World is where a document runs.
type World struct {
	Dir  string // an empty folder, or one that another document left
	Bin  string // folder of the built commands
	Root string // folder of the module, for go blocks
}

// Result is what a run left.
type Result struct {
	Failures []string // "file:line: what differs"
	Skipped  []string // "file:line: reason"
	Ran      int      // commands that were executed
	Cwd      string   // the shell's folder at the end
}

// Run executes the blocks of a document in one shell and compares outputs. The first
// command that fails ends the run, since what follows may depend on it.
func Run(ctx context.Context, d *Document, w World, cwd string) (*Result, error) {
	r := &Result{Cwd: cwd}
	logs, err := os.MkdirTemp("", "docstest-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(logs)
	state := filepath.Join(logs, "state")
	for _, b := range d.Blocks {
		if b.Skip != "" {
			r.Skipped = append(r.Skipped, fmt.Sprintf("%s:%d: %s", d.Path, b.Line, b.Skip))
			continue
		}
		if b.Lang == "go" {
			if out, err := compile(ctx, w, b.Text); err != nil {
				r.Failures = append(r.Failures, fmt.Sprintf("%s:%d: the program does not compile: %v\n%s", d.Path, b.Line, err, out))
			}
			r.Ran++
			continue
		}
		commands := b.Commands()
		for i, c := range commands {
			want := 0
			if i == len(commands)-1 {
				want = b.Status
			}
			out, status, err := w.shell(ctx, &r.Cwd, state, c.Text)
			if err != nil {
				return nil, err
			}
			r.Ran++
			if status != want {
				r.Failures = append(r.Failures, fmt.Sprintf("%s:%d: exit status %d, want %d: %s\n%s", d.Path, c.Line, status, want, strings.TrimSpace(c.Text), out))
				return r, nil
			}
			if c.Shown && !Match(c.Output, out, b.Vary) {
				r.Failures = append(r.Failures, fmt.Sprintf("%s:%d: the output of `%s` differs\n--- shown\n%s--- printed\n%s", d.Path, c.Line, strings.TrimSpace(c.Text), c.Output, out))
			}
		}
	}
	return r, nil
}

// shell runs commands in bash, in the folder *cwd, with the variables that earlier
// commands exported. It returns standard output and error together, as a terminal
// shows them.
func (w World) shell(ctx context.Context, cwd *string, state, text string) (out string, status int, err error) {
	script := fmt.Sprintf("[ ! -f %[1]q ] || . %[1]q\nset -e -o pipefail -o allexport\ntrap 'declare -px > %[1]q; pwd > %[1]q.cwd' EXIT\n%[2]s", state, text)
	cmd := exec.CommandContext(ctx, "bash", "--noprofile", "--norc", "-c", script)
	cmd.Dir = *cwd
	cmd.Env = w.environ()
	b, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return "", 0, ctx.Err()
	}
	if _, ok := err.(*exec.ExitError); err != nil && !ok {
		return "", 0, err
	}
	if dir, err := os.ReadFile(state + ".cwd"); err == nil {
		*cwd = strings.TrimSuffix(string(dir), "\n")
	}
	return string(b), cmd.ProcessState.ExitCode(), nil
}

// environ returns the environment of a document's shell: the commands are on PATH,
// and nothing names a key, a user or data of the tester.
func (w World) environ() []string {
	var env []string
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if strings.HasPrefix(name, "DEPLOY_KERNEL_") || strings.HasPrefix(name, "KAGGLE_") || slices.Contains([]string{"PATH", "HOME", "GOEXPERIMENT", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"}, name) {
			continue
		}
		env = append(env, kv)
	}
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPATH"} {
		if out, err := exec.Command("go", "env", name).Output(); err == nil {
			env = append(env, name+"="+strings.TrimSpace(string(out)))
		}
	}
	return append(env, "PATH="+w.Bin+string(os.PathListSeparator)+os.Getenv("PATH"), "HOME="+w.Dir, "LC_ALL=C.UTF-8", "TERM=dumb",
		"GOFLAGS=-trimpath -buildvcs=false") // the same build cache for every folder
}

// compile vets a main package that imports the module.
func compile(ctx context.Context, w World, text string) (string, error) {
	dir, err := os.MkdirTemp("", "docstest-go-*")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	mod, err := os.ReadFile(filepath.Join(w.Root, "go.mod"))
	if err != nil {
		return "", err
	}
	sum, err := os.ReadFile(filepath.Join(w.Root, "go.sum"))
	if err != nil {
		return "", err
	}
	const module = "github.com/deploy-kernel/deploy-kernel"
	text2 := strings.Replace(string(mod), "module "+module, "module example", 1) +
		"\nrequire " + module + " v0.0.0\nreplace " + module + " => " + strconv.Quote(w.Root) + "\n"
	for name, data := range map[string]string{"go.mod": text2, "go.sum": string(sum), "main.go": text} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o644); err != nil {
			return "", err
		}
	}
	cmd := exec.CommandContext(ctx, "go", "vet", "-mod=mod", ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOPROXY=off")
	out, err := cmd.CombinedOutput()
	return string(out), err
}
