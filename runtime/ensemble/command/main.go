// Package command is the command line of a generated kernel: flags, environment
// variables, help, messages and exit statuses around predict.Run.
//
//	func main() { command.Main(plan, archs, operations, formats, key) }
//
// Every flag --some-name, except --plan and --version, takes its default from the
// environment variable DEPLOY_KERNEL_SOME_NAME, if it is set. DEPLOY_KERNEL_KEY is the
// exception: it holds the key, whereas --key names a file.
//
// An unknown flag, or a value that a flag can't have, is refused with exit status 2.
package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/engine"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble/predict"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
)

const (
	// tool is the first word of every message.
	tool = "kernel"
	// envPrefix is the beginning of the names of a kernel's environment variables.
	envPrefix = "DEPLOY_KERNEL_"
)

// Exit statuses.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// Main runs a plan as a program of its own and ends the process. The exit status is 0 if
// there is a submission, 1 after an error, 2 after a usage error, and 130 after SIGINT or
// SIGTERM. A second signal kills the process.
//
// archs, ops and formats are the architectures, operations and image formats to use. key
// is the text of the key that decrypts the weights, or "".
func Main(p *ensemble.Plan, archs []arch.Arch, ops []engine.Operation, formats []vision.Format, key string) {
	start := time.Now()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	limitMemory()
	k := &kernel{
		plan: p, archs: archs, operations: ops, formats: formats, key: key, start: start,
		getenv: os.Getenv, stdout: os.Stdout, stderr: os.Stderr,
	}
	os.Exit(k.run(ctx, os.Args[1:]))
}

// kernel is a kernel with its environment.
type kernel struct {
	plan           *ensemble.Plan
	archs          []arch.Arch
	operations     []engine.Operation
	formats        []vision.Format
	key            string
	start          time.Time
	getenv         func(string) string
	stdout, stderr io.Writer
}

// run executes the command line and returns the exit status.
func (k *kernel) run(ctx context.Context, args []string) int {
	flags, r := k.flags()
	if err := k.parse(flags, args); errors.Is(err, flag.ErrHelp) {
		k.help(flags)
		return exitOK
	} else if err != nil {
		fmt.Fprintf(k.stderr, "%s: %v\n%s: hint: see: %s --help\n", tool, err, tool, tool)
		return exitUsage
	}
	err := k.do(ctx, r)
	switch {
	case err == nil:
		return exitOK
	case ctx.Err() != nil:
		fmt.Fprintf(k.stderr, "%s: interrupted\n", tool)
		return exitInterrupted
	}
	printError(k.stderr, err)
	return exitFailed
}

// do does what the flags ask for.
func (k *kernel) do(ctx context.Context, r *request) error {
	o := r.options
	o.Archs, o.Operations, o.Formats, o.Log, o.Start = k.archs, k.operations, k.formats, k.stderr, k.start.Add(-r.elapsed)
	var err error
	if o.Key, err = k.loadKey(r.keyFile); err != nil {
		return err
	}
	switch {
	case r.version:
		k.printVersion()
	case r.plan:
		return predict.Describe(ctx, k.plan, o, k.stdout)
	default:
		_, err = predict.Run(ctx, k.plan, o)
	}
	return err
}

func (k *kernel) printVersion() {
	fmt.Fprintf(k.stdout, "kernel for %s: %d folds of %d models, %d classes\n%s %s/%s\n",
		k.plan.Name, len(k.plan.FoldNames()), len(k.plan.Models), k.plan.Classes,
		runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// printError prints each line of err as a message, then the distinct hints of err.
func printError(w io.Writer, err error) {
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintf(w, "%s: %s\n", tool, strings.TrimSuffix(line, "\n"))
	}
	shown := map[string]bool{}
	for _, text := range hint.All(err) {
		if !shown[text] {
			fmt.Fprintf(w, "%s: hint: %s\n", tool, text)
		}
		shown[text] = true
	}
}
