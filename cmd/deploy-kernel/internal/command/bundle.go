package command

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/bundler"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/runtime/atomicfile"
	"github.com/spf13/cobra"
)

// bundle returns the verb that turns any program into one Go file.
func bundle() *cobra.Command {
	o := bundler.Options{By: "deploy-kernel bundle"}
	var output, verify string
	var tags []string
	var report bool
	cmd := &cobra.Command{
		Use:   "bundle [DIR-OR-IMPORT-PATH]",
		Short: "Turn any pure-Go program into one Go file",
		Long: `bundle writes a main package and everything that it imports outside of the
standard library into one Go file. The file is package main and gofmt-clean, lacks
unreachable code, and does what the program does.

GOOS, GOARCH and GOEXPERIMENT of the environment select the files. bundle refuses
what one Go file can't hold: C, and assembly without a variant in Go.`,
		Example: `  deploy-kernel bundle ./cmd/hello -o hello.go
  deploy-kernel bundle --tags purego,netgo --report -o tool.go ./cmd/tool
  deploy-kernel bundle . -o tool.go --verify '$BIN --help'`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.Package = args[0]
			}
			o.TagsSet = cmd.Flags().Changed("tags")
			o.Tags = nil
			for _, t := range tags {
				if t = strings.TrimSpace(t); t != "" {
					o.Tags = append(o.Tags, t)
				}
			}
			return runBundle(cmd, o, output, verify, report)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&output, "output", "o", "", "the `FILE` to write (default: standard output)")
	f.StringSliceVar(&tags, "tags", nil, "build `TAGS`, separated by commas (default: those of GOFLAGS)")
	f.StringVar(&verify, "verify", "", "build program and bundle, run the shell command `CMD` with BIN set to each, and compare the outputs")
	f.BoolVar(&report, "report", false, "print what the bundle keeps of each package, and why, on standard error")
	f.BoolVar(&o.Licenses, "licenses", false, "append the license files of the modules as comments")
	f.BoolVar(&o.Minify, "minify", false, "drop comments except licenses, and shorten names that are invisible at run time")
	f.BoolVar(&o.KeepAll, "keep-all", false, "keep unreachable code too, for comparison")
	return cmd
}

// gcPercent saves a third of the memory for a fifth more CPU time.
const gcPercent = 40

// runBundle bundles, verifies and writes.
func runBundle(cmd *cobra.Command, o bundler.Options, output, verify string, report bool) error {
	if output != "" && output != "-" {
		o.Output = output
		if err := writable(output); err != nil {
			return err
		}
	}
	if os.Getenv("GOGC") == "" {
		// Nearly all of the heap is live until the program is read, so a heap of twice
		// that size would be wasted.
		defer debug.SetGCPercent(debug.SetGCPercent(gcPercent))
	}
	progress := startStages(cmd)
	defer progress.done()
	o.Progress = progress.begin
	res, err := bundler.Bundle(cmd.Context(), o)
	if err != nil {
		return err
	}
	if verify != "" {
		progress.begin("building and comparing program and bundle")
		if err := bundler.Verify(cmd.Context(), o, res.Source, verify); err != nil {
			return fmt.Errorf("verifying: %w", err)
		}
	}
	progress.done()
	for _, w := range res.Warnings {
		cli.Printf(cmd, "warning: %s", w)
	}
	if report {
		if err := res.Report.Write(cmd.ErrOrStderr()); err != nil {
			return err
		}
	}
	if verify != "" {
		cli.Printf(cmd, "verified: program and bundle agree on %s", verify)
	}
	return writeOutput(cmd.OutOrStdout(), output, res.Source)
}

// writable returns an error if the file can't be written. It saves minutes of work.
func writable(name string) error {
	info, err := os.Stat(name)
	switch {
	case err == nil && info.IsDir():
		return hint.New(fmt.Errorf("--output %s is a folder", name), "name the file: %s", filepath.Join(name, "bundle.go"))
	case err == nil && !info.Mode().IsRegular():
		return nil // a device or a pipe
	}
	f, err := atomicfile.Create(name)
	if err != nil {
		return err
	}
	return f.Close()
}

// writeOutput writes a whole file, or to standard output if none is named.
func writeOutput(stdout io.Writer, name string, data []byte) error {
	if name == "" || name == "-" {
		_, err := stdout.Write(data)
		return err
	}
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return os.WriteFile(name, data, 0o644) // a device or a pipe
	}
	return atomicfile.WriteFile(name, data)
}
