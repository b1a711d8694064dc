package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Exit statuses.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// Main runs root with the process's arguments and ends the process.
func Main(root *cobra.Command) {
	ctx, interrupted := signals()
	status := Run(ctx, root)
	if status != exitOK && interrupted() {
		status = exitInterrupted
	}
	os.Exit(status)
}

// signals returns a context that ends at the first SIGINT or SIGTERM. The second signal
// kills the process.
func signals() (ctx context.Context, interrupted func() bool) {
	ctx, cancel := context.WithCancel(context.Background())
	c := make(chan os.Signal, 1)
	signal.Notify(c, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-c
		signal.Stop(c)
		cancel()
	}()
	return ctx, func() bool { return ctx.Err() != nil }
}

// Run runs root, prints its error and returns the exit status. It prints the error of an
// ended ctx as "interrupted".
func Run(ctx context.Context, root *cobra.Command) int {
	prepare(root)
	args := os.Args[1:]
	if err := singleDash(root, args); err != nil {
		printError(root.ErrOrStderr(), root.Name(), err)
		return exitUsage
	}
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	var ran *ranError
	if !errors.As(err, &ran) {
		err = asUsage(cmd, args, err)
	}
	printError(root.ErrOrStderr(), root.Name(), err)
	if errors.As(err, new(*usageError)) {
		return exitUsage
	}
	return exitFailed
}

// ranError marks an error of a command's own functions. All errors of cobra itself are
// about wrong usage.
type ranError struct{ err error }

func (e *ranError) Error() string { return e.err.Error() }
func (e *ranError) Unwrap() error { return e.err }

// prepare sets up root as the package comment says.
func prepare(root *cobra.Command) {
	root.SilenceErrors, root.SilenceUsage = true, true
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(completion(root.Name()))
	if root.Version == "" {
		root.Version = version()
	}
	root.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	root.SetGlobalNormalizationFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		return pflag.NormalizedName(strings.ReplaceAll(name, "_", "-"))
	})
	if root.PersistentFlags().Lookup(quietFlag) == nil {
		root.PersistentFlags().Bool(quietFlag, false, "show no progress")
	}
	// The usage of a command that needs a subcommand shows only the form with one.
	root.SetUsageTemplate(strings.Replace(root.UsageTemplate(),
		"{{if .Runnable}}", `{{if and .Runnable (not (index .Annotations "`+groupMark+`"))}}`, 1))
	prepareTree(root)
}

// groupMark is the annotation of commands that only have subcommands.
const groupMark = "deploy-kernel group"

func prepareTree(c *cobra.Command) {
	if !c.Runnable() && c.HasSubCommands() {
		c.Args = cobra.ArbitraryArgs
		c.RunE = needSubcommand
		c.Annotations = map[string]string{groupMark: "true"}
	}
	if c.Runnable() && c.HasSubCommands() && c.Annotations[groupMark] == "" {
		c.Args = verbFirst(c.Args)
	}
	c.LocalFlags().VisitAll(shortDurations)
	complete(c)
	c.PersistentPreRunE = marked(c.PersistentPreRunE)
	c.PreRunE = marked(c.PreRunE)
	c.RunE = marked(c.RunE)
	for _, sub := range c.Commands() {
		prepareTree(sub)
	}
}

// marked returns f with its errors marked as ranError.
func marked(f func(*cobra.Command, []string) error) func(*cobra.Command, []string) error {
	if f == nil {
		return nil
	}
	return func(cmd *cobra.Command, args []string) error {
		if err := f(cmd, args); err != nil {
			return &ranError{err}
		}
		return nil
	}
}

// needSubcommand runs a command that only has subcommands: it prints the help.
func needSubcommand(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return unknownCommand(cmd, args[0])
	}
	cmd.SetOut(cmd.ErrOrStderr())
	if err := cmd.Help(); err != nil {
		return err
	}
	return &usageError{}
}

// printError prints err as the tool's message, and then its hints.
func printError(w io.Writer, tool string, err error) {
	if errors.Is(err, context.Canceled) {
		message := errors.New("interrupted")
		if i := new(interruptedError); errors.As(err, &i) {
			message = hint.New(errors.New(i.message), "%s", strings.Join(hint.All(i.err), "; "))
		}
		err = errors.Join(withoutCanceled(err), message)
	}
	for line := range strings.Lines(err.Error()) {
		if line = strings.TrimRight(line, "\n"); strings.TrimSpace(line) != "" {
			fmt.Fprintf(w, "%s: %s\n", tool, line)
		}
	}
	seen := map[string]bool{"": true}
	for _, h := range hint.All(err) {
		if !seen[h] {
			fmt.Fprintf(w, "%s: hint: %s\n", tool, h)
		}
		seen[h] = true
	}
}

// withoutCanceled returns the joined errors that are not about cancellation, or nil.
func withoutCanceled(err error) error {
	switch e := err.(type) {
	case *ranError:
		return withoutCanceled(e.err)
	case interface{ Unwrap() []error }:
		var rest []error
		for _, sub := range e.Unwrap() {
			rest = append(rest, withoutCanceled(sub))
		}
		return errors.Join(rest...)
	}
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
