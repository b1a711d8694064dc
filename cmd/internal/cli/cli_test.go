package cli_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/internal/say"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"tool": func() { cli.Main(newTool()) }})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       os.Getenv("UPDATE") != "",
		RequireExplicitExec: true,
	})
}

// newTool returns a command tree that has one of everything.
func newTool() *cobra.Command {
	root := &cobra.Command{Use: "tool", Short: "Try the package"}
	copyCmd := &cobra.Command{
		Use: "copy FILE", Short: "Copy", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, _ := cmd.Flags().GetInt("batch-size")
			fmt.Fprintf(cmd.OutOrStdout(), "%s %d\n", args[0], n)
			return nil
		},
	}
	copyCmd.Flags().Int("batch-size", 16, "images at once")
	copyCmd.Flags().Bool("all", false, "")
	copyCmd.Flags().Bool("none", false, "")
	copyCmd.MarkFlagsMutuallyExclusive("all", "none")
	copyCmd.Flags().Duration("max-time", 10*time.Minute, "")
	copyCmd.Flags().Float64("lr", 0, "")
	copyCmd.Flags().Uint64("seed", 0, "")
	copyCmd.Flags().StringSlice("weights", nil, "`FOLDERS` of weights")
	copyCmd.Flags().StringP("output", "o", "", "the `FILE` to write")
	metric, parts := "accuracy", []string(nil)
	cli.ChoiceVar(copyCmd.Flags(), &metric, "metric", []string{"accuracy", "log-loss"}, "the score")
	cli.ChoicesVar(copyCmd.Flags(), &parts, "public", []string{"kernel", "weights"}, "what everybody may see")
	// blend does something of its own, and has verbs too.
	blend := &cobra.Command{
		Use: "blend NAME FILES...", Short: "Blend", Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error { fmt.Fprintln(cmd.OutOrStdout(), args); return nil },
	}
	blend.AddCommand(&cobra.Command{
		Use: "score ENSEMBLE.yml", Short: "Score", Args: cobra.ExactArgs(1), SuggestFor: []string{"evaluate"},
		RunE: func(*cobra.Command, []string) error { return nil },
	})
	root.AddCommand(blend)
	run := func(use string, f func(cmd *cobra.Command) error) *cobra.Command {
		return &cobra.Command{Use: use, Short: use, Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error { return f(cmd) }}
	}
	fail := run("fail", func(*cobra.Command) error {
		first := hint.New(errors.New("reading a: no such file"), "make a")
		second := hint.New(errors.New("reading b: no such file"), "make a")
		return errors.Join(first, second)
	})
	usage := run("usage", func(*cobra.Command) error { return cli.Usagef("--a needs --b") })
	wait := run("wait", func(cmd *cobra.Command) error {
		fmt.Fprintln(cmd.OutOrStdout(), "waiting")
		<-cmd.Context().Done()
		return errors.Join(fmt.Errorf("reading a: %w", cmd.Context().Err()), errors.New("b was not read"))
	})
	stubborn := run("stubborn", func(*cobra.Command) error { time.Sleep(time.Minute); return nil })
	finish := run("finish", func(cmd *cobra.Command) error { <-cmd.Context().Done(); return nil })
	ask := run("ask", func(cmd *cobra.Command) error {
		secret, err := cli.NewPassphrase(cmd.Context())
		if err == nil {
			fmt.Fprintf(cmd.OutOrStdout(), "got %q\n", secret)
		}
		return err
	})
	progress := run("progress", func(cmd *cobra.Command) error {
		p := cli.NewProgress(cmd, "reading", 3e6, cli.Bytes)
		defer p.Close()
		w := p.Writer(io.Discard)
		for range 3 {
			_, _ = w.Write(make([]byte, 1e6))
			time.Sleep(200 * time.Millisecond)
		}
		p.Close()
		cli.Printf(cmd, "read %s", say.Size(3e6))
		return nil
	})
	root.AddCommand(copyCmd, fail, usage, wait, stubborn, finish, ask, progress)
	return root
}

func TestSizesReadAsHumansWriteThem(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 999: "999 B", 1000: "1.0 kB", 1500: "1.5 kB", 9949: "9.9 kB", 9951: "10 kB",
		999_499: "999 kB", 999_500: "1.0 MB", 110_000_000: "110 MB", 2_000_000_000: "2.0 GB", 9e18: "9000 PB",
	} {
		if got := say.Size(n); got != want {
			t.Errorf("Size(%d) = %q, want %q", n, got, want)
		}
	}
}
