package cli

import (
	"fmt"
	"log/slog"

	"github.com/lmittmann/tint"
	"github.com/spf13/cobra"
)

// Printf prints "tool: message" as a line on the command's standard error.
func Printf(cmd *cobra.Command, format string, args ...any) {
	fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s\n", cmd.Root().Name(), fmt.Sprintf(format, args...))
}

// Logger returns a log on the command's standard error. It has colors if that is a
// terminal.
func Logger(cmd *cobra.Command, level slog.Level) *slog.Logger {
	w := cmd.ErrOrStderr()
	return slog.New(tint.NewTextHandler(w, &tint.Options{
		Level:      level,
		TimeFormat: "15:04:05",
		NoColor:    !isTerminal(w),
	}))
}
