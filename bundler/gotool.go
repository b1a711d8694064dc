package bundler

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// A goTool runs the go command in the folder and the environment of the options.
type goTool struct {
	dir   string
	asked []string // the environment as the user has it
	env   []string // with what the bundler adds
}

func newGoTool(o *Options) *goTool {
	asked := append(os.Environ(), o.Env...)
	return &goTool{dir: o.Dir, asked: asked, env: append(slices.Clip(asked), "CGO_ENABLED=0", "PWD="+o.Dir)}
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

// run returns what the go command prints.
func (g *goTool) run(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Env = g.dir, g.env
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

// A target says for what a program is built.
type target struct {
	GOOS, GOARCH, GOVERSION, GOROOT, GOEXPERIMENT string
}

// target asks for what the go command builds.
func (g *goTool) target(ctx context.Context) (t target, err error) {
	out, err := g.run(ctx, "env", "-json", "GOOS", "GOARCH", "GOVERSION", "GOROOT", "GOEXPERIMENT")
	if err == nil {
		err = json.Unmarshal(out, &t)
	}
	return t, err
}

// debugDefaults asks for the GODEBUG settings of a main package, which
// go/packages doesn't tell: "key=value,...", or nothing. Mistakes in the
// package are left to others.
func (g *goTool) debugDefaults(ctx context.Context, o *Options) (string, error) {
	args, remove, err := o.buildFlags()
	if err != nil {
		return "", err
	}
	defer remove()
	args = append([]string{"list", "-e", "-find", "-buildvcs=false", "-f", "{{.DefaultGODEBUG}}"}, args...)
	out, err := g.run(ctx, append(args, "--", o.Package)...)
	if err != nil {
		return "", ctx.Err()
	}
	return strings.TrimSpace(string(out)), nil
}

// tagFlags are the options of the go command for the build tags.
func (o *Options) tagFlags() []string {
	if o.TagsSet || len(o.Tags) > 0 {
		return []string{"-tags=" + strings.Join(o.Tags, ",")}
	}
	return nil
}

// buildFlags are the options of the go command for tags and overlay.
func (o *Options) buildFlags() (args []string, remove func(), err error) {
	args = o.tagFlags()
	if len(o.Overlay) == 0 {
		return args, func() {}, nil
	}
	name, remove, err := writeOverlay(o.Overlay)
	return append(args, "-overlay="+name), remove, err
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

// read returns the contents of a file, of the overlay first.
func (o *Options) read(name string) ([]byte, error) {
	if src, ok := o.Overlay[name]; ok {
		return src, nil
	}
	return os.ReadFile(name)
}
