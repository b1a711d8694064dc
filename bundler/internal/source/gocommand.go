package source

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"

	goversion "go/version"
)

// A GoTool runs the go command in the folder and the environment of a request.
type GoTool struct {
	Dir   string
	asked []string // the user's environment with the variables of the request
	Env   []string // asked, with CGO_ENABLED=0 and PWD
}

// NewGoTool returns a GoTool for a request.
func NewGoTool(r *Request) *GoTool {
	asked := append(os.Environ(), r.Env...)
	return &GoTool{Dir: r.Dir, asked: asked, Env: append(slices.Clip(asked), "CGO_ENABLED=0", "PWD="+r.Dir)}
}

// Run returns the go command's standard output. The error has its standard error.
func (g *GoTool) Run(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Env = g.Dir, g.Env
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if errors.Is(err, exec.ErrNotFound) {
			return nil, fmt.Errorf("the go command isn't in PATH, install Go 1.26 or newer: %w", exec.ErrNotFound)
		}
		if msg := strings.TrimSpace(errs.String()); msg != "" {
			return nil, errors.New(strings.TrimPrefix(msg, "go: "))
		}
		return nil, fmt.Errorf("go %s: %w", args[0], err)
	}
	return out.Bytes(), nil
}

// combined returns the go command's standard output and standard error, interleaved.
func (g *GoTool) combined(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Env = g.Dir, g.Env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// A Target holds the variables of `go env` that decide what a build contains.
type Target struct {
	GOOS, GOARCH, GOVERSION, GOROOT, GOEXPERIMENT, GOFLAGS, CGO_ENABLED, GO111MODULE string
}

// target asks the go command for its target. Its CGO_ENABLED is the user's setting,
// which decides whether an ordinary build uses cgo. Env does not change it.
func (g *GoTool) target(ctx context.Context) (t Target, err error) {
	asked := *g
	asked.Env = append(slices.Clip(g.asked), "PWD="+g.Dir)
	out, err := asked.Run(ctx, "env", "-json", "GOOS", "GOARCH", "GOVERSION", "GOROOT", "GOEXPERIMENT", "GOFLAGS", "CGO_ENABLED", "GO111MODULE")
	if err != nil {
		return t, err
	}
	if err = json.Unmarshal(out, &t); err != nil {
		return t, fmt.Errorf("reading go env: %w", err)
	}
	return t, t.checkVersion()
}

// checkVersion refuses a go command that is newer than the Go release that built
// this program, whose go/types can't check a newer language.
func (t Target) checkVersion() error {
	have, want := LanguageOf(runtime.Version()), LanguageOf(strings.TrimPrefix(t.GOVERSION, "devel "))
	if goversion.Compare("go"+want, "go"+have) <= 0 {
		return nil
	}
	return &Error{
		Text: fmt.Sprintf("the go command here is %s, but this program was built with %s and reads Go %s at most", t.GOVERSION, runtime.Version(), have),
		Hint: fmt.Sprintf("set GOTOOLCHAIN=local to use the installed Go (the go and toolchain lines of go.mod or go.work choose a newer one), or build this program with Go %s", want),
	}
}

// checkPlatform refuses a GOOS and GOARCH that Go has no port for. Only go commands
// that compile check the pair. Package unsafe takes no time to compile.
func (g *GoTool) checkPlatform(ctx context.Context, t Target) error {
	_, err := g.Run(ctx, "list", "-compiled", "--", "unsafe")
	if err != nil && strings.Contains(err.Error(), "unsupported GOOS/GOARCH pair") {
		return &Error{
			Text: fmt.Sprintf("Go builds nothing for GOOS=%s GOARCH=%s", t.GOOS, t.GOARCH),
			Hint: "go tool dist list shows the platforms",
		}
	}
	return nil
}

// debugDefaults returns the default GODEBUG settings of the main package, as
// "key=value,...". It returns nothing for a broken package, which list reports.
func (g *GoTool) debugDefaults(ctx context.Context, r *Request) (string, error) {
	args, remove, err := r.BuildFlags()
	if err != nil {
		return "", err
	}
	defer remove()
	args = append([]string{"list", "-e", "-find", "-buildvcs=false", "-f", "{{.DefaultGODEBUG}}"}, args...)
	out, err := g.Run(ctx, append(args, "--", r.Package)...)
	if err != nil {
		return "", ctx.Err()
	}
	return strings.TrimSpace(string(out)), nil
}

// LanguageOf returns the language version of a Go release: 1.26 for go1.26.8.
func LanguageOf(version string) string {
	v, _, _ := strings.Cut(strings.TrimPrefix(version, "go"), " ")
	if parts := strings.Split(v, "."); len(parts) > 2 {
		v = strings.Join(parts[:2], ".")
	}
	return v
}
