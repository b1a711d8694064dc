package bundler

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/bundler/internal/source"
)

// Verify builds the program and its bundle. It runs a shell command twice, with the
// environment variable BIN set to each binary, and compares standard output and exit
// status. It returns an [*Error] with the first difference.
func Verify(ctx context.Context, o Options, bundle []byte, command string) error {
	r, err := o.request()
	if err != nil {
		return public(err)
	}
	dir, err := os.MkdirTemp("", "bundle-verify-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "bundle.go"), bundle, 0o600); err != nil {
		return err
	}
	tool := source.NewGoTool(r)
	args := []string{"build", "-buildvcs=false", "-pgo=off", "-o", filepath.Join(dir, "program")}
	flags, remove, err := r.BuildFlags()
	if err != nil {
		return err
	}
	defer remove()
	if _, err := tool.Run(ctx, slices.Concat(args, flags, []string{"--", r.Package})...); err != nil {
		return fmt.Errorf("building the program: %w", err)
	}
	alone := &source.GoTool{Dir: dir, Env: append(tool.Env, "PWD="+dir, "GOFLAGS=-mod=mod", "GOWORK=off", "GOPROXY=off")}
	if _, err := alone.Run(ctx, "build", "-o", "bundle", "bundle.go"); err != nil {
		return fmt.Errorf("building the bundle: %w", err)
	}
	want, err := runWith(ctx, o.Env, filepath.Join(dir, "program"), command)
	if err != nil {
		return err
	}
	got, err := runWith(ctx, o.Env, filepath.Join(dir, "bundle"), command)
	if err != nil {
		return err
	}
	if want != got {
		return &Error{Text: fmt.Sprintf("the bundle differs from the program: %s", firstDifference(want, got))}
	}
	return nil
}

// runWith runs a shell command with BIN set. It returns the output with the exit
// status.
func runWith(ctx context.Context, env []string, bin, command string) (string, error) {
	cmd := exec.CommandContext(ctx, "sh", "-c", command)
	cmd.Env = append(append(os.Environ(), env...), "BIN="+bin)
	var out bytes.Buffer
	cmd.Stdout = &out
	err := cmd.Run()
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if cmd.ProcessState == nil {
		return "", err
	}
	return fmt.Sprintf("%sexit status %d\n", out.String(), cmd.ProcessState.ExitCode()), nil
}

// firstDifference describes the first line in which two texts differ.
func firstDifference(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(a), len(b)) {
		var x, y string
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if x != y {
			return fmt.Sprintf("line %d: program %q, bundle %q", i+1, x, y)
		}
	}
	return "no line"
}
