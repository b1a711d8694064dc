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

// Logger returns a log on the command's standard error, in colour where that
// is a terminal.
func Logger(cmd *cobra.Command, level slog.Level) *slog.Logger {
	w := cmd.ErrOrStderr()
	return slog.New(tint.NewTextHandler(w, &tint.Options{
		Level:      level,
		TimeFormat: "15:04:05",
		NoColor:    !isTerminal(w),
	}))
}

// Size returns a number of bytes as humans read it: "0 B", "999 B", "1.5 MB".
// A kB is 1000 bytes.
func Size(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	v, unit := float64(n)/1000, 0
	for v >= 999.5 && unit < 4 {
		v /= 1000
		unit++
	}
	digits := 0
	if v < 9.95 {
		digits = 1
	}
	return fmt.Sprintf("%.*f %cB", digits, v, "kMGTP"[unit])
}
