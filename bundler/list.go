package bundler

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// A listing is what `go list` tells of one package.
type listing struct {
	ImportPath, Name, Dir, Export string
	DefaultGODEBUG                string
	Standard                      bool
	Module                        *struct {
		Path, Version, GoVersion, Dir string
		Main                          bool
	}
	GoFiles, CgoFiles, IgnoredGoFiles, SFiles, SysoFiles, SwigFiles, SwigCXXFiles []string
	EmbedPatterns, EmbedFiles                                                     []string
	Imports                                                                       []string
	ImportMap                                                                     map[string]string
	Error                                                                         *listError
	DepsErrors                                                                    []*listError
}

type listError struct {
	ImportStack []string
	Pos, Err    string
}

// target says for what a program is built.
type target struct {
	GOOS, GOARCH, GOVERSION, GOROOT, GOEXPERIMENT, CGO_ENABLED string
}

// goTool runs the go command in the folder and the environment of the options.
type goTool struct {
	dir string
	env []string
}

func newGoTool(o *Options) *goTool {
	env := append(os.Environ(), o.Env...)
	return &goTool{dir: o.Dir, env: append(env, "CGO_ENABLED=0", "PWD="+o.Dir)}
}

// lookup returns the last value of an environment variable.
func lookup(env []string, key string) (string, bool) {
	for _, kv := range slices.Backward(env) {
		if v, ok := strings.CutPrefix(kv, key+"="); ok {
			return v, true
		}
	}
	return "", false
}

func (g *goTool) run(ctx context.Context, env []string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Env = g.dir, append(slices.Clone(g.env), env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if errors.Is(err, exec.ErrNotFound) {
			return nil, errors.New("the go command isn't in PATH: install Go 1.26 or newer")
		}
		if msg := strings.TrimSpace(errs.String()); msg != "" {
			return nil, errors.New(strings.TrimPrefix(msg, "go: "))
		}
		return nil, fmt.Errorf("go %s: %w", args[0], err)
	}
	return out.Bytes(), nil
}

// target asks for what the go command builds.
func (g *goTool) target(ctx context.Context) (t target, err error) {
	out, err := g.run(ctx, nil, "env", "-json", "GOOS", "GOARCH", "GOVERSION", "GOROOT", "GOEXPERIMENT", "CGO_ENABLED")
	if err == nil {
		err = json.Unmarshal(out, &t)
	}
	return t, err
}

// fields are the parts of a listing, as `go list -json=` wants them.
const fields = "ImportPath,Name,Dir,Export,DefaultGODEBUG,Standard,Module,GoFiles,CgoFiles,IgnoredGoFiles," +
	"SFiles,SysoFiles,SwigFiles,SwigCXXFiles,EmbedPatterns,EmbedFiles,Imports,ImportMap,Error,DepsErrors"

// list lists a package and all it needs, dependencies first. With export, the
// packages are compiled too, as types of std and the linker's order need it.
func (g *goTool) list(ctx context.Context, o *Options, export bool, env ...string) ([]*listing, error) {
	args := []string{"list", "-e", "-deps", "-json=" + fields, "-buildvcs=false", "-pgo=off"}
	if export {
		args = append(args, "-export")
	}
	if o.TagsSet || len(o.Tags) > 0 {
		args = append(args, "-tags="+strings.Join(o.Tags, ","))
	}
	if len(o.Overlay) > 0 {
		name, remove, err := writeOverlay(o.Overlay)
		if err != nil {
			return nil, err
		}
		defer remove()
		args = append(args, "-overlay="+name)
	}
	out, err := g.run(ctx, env, append(args, "--", o.Package)...)
	if err != nil {
		return nil, err
	}
	var pkgs []*listing
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listing
		switch err := dec.Decode(&p); {
		case errors.Is(err, io.EOF):
			return pkgs, nil
		case err != nil:
			return nil, fmt.Errorf("reading go list's answer: %w", err)
		}
		pkgs = append(pkgs, &p)
	}
}

// writeOverlay stores the files of an overlay in the form of `go build -overlay`.
func writeOverlay(files map[string][]byte) (name string, remove func(), err error) {
	dir, err := os.MkdirTemp("", "bundle-overlay-")
	if err != nil {
		return "", nil, err
	}
	remove = func() { _ = os.RemoveAll(dir) }
	replace := make(map[string]string, len(files))
	for path, data := range files {
		at := filepath.Join(dir, fmt.Sprintf("%d%s", len(replace), filepath.Ext(path)))
		if err = os.WriteFile(at, data, 0o600); err != nil {
			break
		}
		replace[path] = at
	}
	if err == nil {
		var doc []byte
		if doc, err = json.Marshal(map[string]any{"Replace": replace}); err == nil {
			name = filepath.Join(dir, "overlay.json")
			err = os.WriteFile(name, doc, 0o600)
		}
	}
	if err != nil {
		remove()
		return "", nil, fmt.Errorf("storing the overlay: %w", err)
	}
	return name, remove, nil
}
