package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/internal/nearest"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// usageError tells of arguments that make no sense; exit status 2. An empty one
// prints nothing.
type usageError struct{ message string }

func (e *usageError) Error() string { return e.message }

// Usagef makes an error that ends the process with status 2: for arguments and
// flags that do not fit each other, which cobra can't know.
func Usagef(format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...)}
}

// hintError carries a hint beside an error, out of its message.
type hintError struct {
	err  error
	hint string
}

func (e *hintError) Error() string { return e.err.Error() }
func (e *hintError) Unwrap() error { return e.err }
func (e *hintError) Hint() string  { return e.hint }

// Hint attaches to err what the user can do about it; it is printed on a line
// of its own. It returns nil where err is nil.
func Hint(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return &hintError{err, fmt.Sprintf(format, args...)}
}

// hints returns all hints in err's tree, inner ones first. Errors of packages
// that don't know this one give theirs by a method Hint.
func hints(err error) []string {
	var all []string
	switch e := err.(type) {
	case interface{ Unwrap() []error }:
		for _, sub := range e.Unwrap() {
			all = append(all, hints(sub)...)
		}
	case interface{ Unwrap() error }:
		if sub := e.Unwrap(); sub != nil {
			all = hints(sub)
		}
	}
	if h, ok := err.(interface{ Hint() string }); ok {
		all = append(all, h.Hint())
	}
	return all
}

// asUsage makes of cobra's complaint a usage error with a hint.
func asUsage(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() == "" {
		return unknownFlag(cmd, unknown.GetSpecifiedName())
	}
	message, _, _ := strings.Cut(err.Error(), "\n")
	return Hint(Usagef("%s", message), "see: %s --help", cmd.CommandPath())
}

func unknownFlag(cmd *cobra.Command, name string) error {
	var names []string
	add := func(f *pflag.Flag) { names = append(names, f.Name) }
	cmd.Flags().VisitAll(add)
	cmd.InheritedFlags().VisitAll(add)
	err := Usagef("unknown flag --%s", name)
	if near, ok := nearest.Name(name, names); ok {
		return Hint(err, "did you mean --%s?", near)
	}
	return Hint(err, "see: %s --help", cmd.CommandPath())
}

func unknownCommand(cmd *cobra.Command, name string) error {
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	err := Usagef("unknown command %q", name)
	if near, ok := nearest.Name(name, names); ok {
		return Hint(err, "did you mean %q?", cmd.CommandPath()+" "+near)
	}
	return Hint(err, "the commands are %s", strings.Join(names, ", "))
}
