package deploy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/deploy-kernel/deploy-kernel/internal/hint"

	deploykernel "github.com/deploy-kernel/deploy-kernel"
	"github.com/deploy-kernel/deploy-kernel/bundler"
	"github.com/deploy-kernel/deploy-kernel/deploy/plan"
	"github.com/deploy-kernel/deploy-kernel/templates"
)

func (s *state) plan(ctx context.Context) (err error) {
	if s.built, err = plan.Build(ctx, s.Ensemble, s.Plan); err != nil {
		return err
	}
	s.built.Plan.Budget = s.Budget
	return nil
}

// bundle generates the main package into a module of the runtime's sources, and
// makes one file of it.
func (s *state) bundle(ctx context.Context) error {
	key := ""
	if s.KeyPlace == InKernel {
		key = s.Key.Text()
	}
	main, err := templates.Main(s.built.Plan, templates.MainOptions{Key: key, Formats: s.formats})
	if err != nil {
		return err
	}
	dir := filepath.Join(s.work, "module")
	if err := os.MkdirAll(filepath.Join(dir, "kernel"), 0o755); err != nil {
		return err
	}
	if err := deploykernel.WriteModule(dir); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "kernel", "main.go"), main, 0o600); err != nil {
		return err
	}
	result, err := bundler.Bundle(ctx, bundler.Options{
		Dir: dir, Package: "./kernel", TagsSet: true, Env: s.goEnv(), By: "deploy-kernel",
	})
	if err != nil {
		return fmt.Errorf("bundling the kernel: %w", goMissing(err))
	}
	s.source = result.Source
	return s.write(KernelGo, s.source)
}

// build compiles kernel.go, from a folder with nothing else in it.
func (s *state) build(ctx context.Context) error {
	dir := filepath.Join(s.stage, programFolder)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	alone := filepath.Join(s.work, "alone")
	if err := os.Mkdir(alone, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(alone, KernelGo), s.source, 0o600); err != nil {
		return err
	}
	program := filepath.Join(alone, ProgramName)
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid=", "-o", program, KernelGo)
	cmd.Dir, cmd.Env = alone, append(os.Environ(), s.goEnv()...)
	// Interrupted, the go command removes its temporary files; killed it doesn't.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("building %s: %w\n%s", KernelGo, goMissing(err), out)
	}
	// Uploads lose the x bit anyway: the script sets it.
	file, err := copyFile(program, filepath.Join(dir, ProgramName))
	if err != nil {
		return err
	}
	s.program = file
	return nil
}

// goEnv is what the go command is to see whatever the user's settings are.
func (s *state) goEnv() []string {
	return []string{
		"CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOAMD64=v1", "GOEXPERIMENT=" + s.Target.Experiment(),
		"GOTMPDIR=" + s.work, "GOFLAGS=", "GOWORK=off", "GOPROXY=off", "GOTOOLCHAIN=local", "GO111MODULE=",
	}
}

// goMissing adds a hint where there is no go command.
func goMissing(err error) error {
	if errors.Is(err, exec.ErrNotFound) {
		return hint.New(err, "deploying needs Go (go.dev/dl), without network: put its go command on PATH")
	}
	return err
}

// copyFile copies a file and tells its size and hash.
func copyFile(from, to string) (File, error) {
	in, err := os.Open(from)
	if err != nil {
		return File{}, err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return File{}, err
	}
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(out, h), in)
	if err := errors.Join(err, out.Close()); err != nil {
		return File{}, err
	}
	return File{Name: filepath.Base(to), Size: n, SHA256: hex.EncodeToString(h.Sum(nil))}, nil
}

// goVersion returns the oldest Go that builds a kernel, as "1.26".
func goVersion() (string, error) {
	v, err := deploykernel.GoVersion()
	if err != nil {
		return "", err
	}
	parts := strings.SplitN(v, ".", 3)
	return strings.Join(parts[:min(2, len(parts))], "."), nil
}
