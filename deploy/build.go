package deploy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	deploykernel "github.com/deploy-kernel/deploy-kernel"
	"github.com/deploy-kernel/deploy-kernel/bundler"
	"github.com/deploy-kernel/deploy-kernel/deploy/folder"
	"github.com/deploy-kernel/deploy-kernel/deploy/plan"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/templates"
)

// bundle writes kernel.go and returns it: it generates a main package inside a
// module of the runtime's sources, and bundles both into one file.
func bundle(ctx context.Context, o Options, built *plan.Built, formats []string, draft *folder.Draft) ([]byte, error) {
	key := ""
	if o.KeyPlace == folder.InKernel {
		key = o.Key.Text()
	}
	main, err := templates.Main(built.Plan, templates.MainOptions{Key: key, Archs: built.Archs, Formats: formats})
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(draft.Scratch, "module")
	if err := os.MkdirAll(filepath.Join(dir, "kernel"), 0o755); err != nil {
		return nil, err
	}
	if err := deploykernel.WriteModule(dir); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "kernel", "main.go"), main, 0o600); err != nil {
		return nil, err
	}
	result, err := bundler.Bundle(ctx, bundler.Options{
		Dir: dir, Package: "./kernel", TagsSet: true, Env: goEnv(draft.Scratch), By: "deploy-kernel", Go: deploykernel.GoVersion,
	})
	if err != nil {
		return nil, fmt.Errorf("bundling the kernel: %w", goMissing(err))
	}
	_, err = draft.Write(folder.KernelGo, result.Source)
	return result.Source, err
}

// program is the program built from kernel.go.
type program struct {
	folder.File
	path string // of an executable copy outside of the draft
}

// build compiles source in a folder that holds nothing else.
func build(ctx context.Context, source []byte, draft *folder.Draft) (program, error) {
	alone := filepath.Join(draft.Scratch, "alone")
	if err := os.Mkdir(alone, 0o755); err != nil {
		return program{}, err
	}
	if err := os.WriteFile(filepath.Join(alone, folder.KernelGo), source, 0o600); err != nil {
		return program{}, err
	}
	built := program{path: filepath.Join(alone, folder.ProgramName)}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid=", "-o", built.path, folder.KernelGo)
	cmd.Dir, cmd.Env = alone, append(os.Environ(), goEnv(draft.Scratch)...)
	// An interrupted go command removes its temporary files; a killed one does not.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		if ctx.Err() != nil {
			return program{}, ctx.Err()
		}
		return program{}, fmt.Errorf("building %s: %w\n%s", folder.KernelGo, goMissing(err), out)
	}
	to, err := draft.Path(folder.Program, folder.ProgramName)
	if err != nil {
		return program{}, err
	}
	// Uploads drop the executable bit: kernel.py sets it.
	built.File, err = folder.Copy(built.path, to)
	return built, err
}

// goEnv returns the go command's environment, which overrides the user's settings.
func goEnv(scratch string) []string {
	return []string{
		"CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOAMD64=v1", "GOEXPERIMENT=",
		"GOTMPDIR=" + scratch, "GOFLAGS=", "GOWORK=off", "GOPROXY=off", "GOTOOLCHAIN=local", "GO111MODULE=",
	}
}

// goMissing adds a hint to the error of a missing go command.
func goMissing(err error) error {
	if errors.Is(err, exec.ErrNotFound) {
		return hint.New(err, "deploying needs Go (go.dev/dl), without network: put its go command on PATH")
	}
	return err
}
