// Package command is the command line of a generated kernel: flags, environment
// variables, help, messages and exit statuses around predict.Run.
//
//	func main() { command.Main(plan, archs, formats, key) }
//
// It refuses unknown flags and values that a flag can not have, with exit status 2.
package command

import (
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/deploy-kernel/deploy-kernel/crypt"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble/predict"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
)

// envPrefix begins the environment variables of a kernel.
const envPrefix = "DEPLOY_KERNEL_"

// tool is the program's name in its messages.
const tool = "kernel"

// Exit statuses.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// Main runs a plan as a program of its own, with flags and environment
// variables, and ends the process: with status 0 where there is a submission,
// 1 where something failed, 2 where the arguments make no sense, 130 after
// SIGINT or SIGTERM. The key is the text of the key that opens the weights, or
// "".
func Main(p *ensemble.Plan, archs []arch.Arch, formats []vision.Format, key string) {
	start := time.Now()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal kills
	limitMemory()
	c := &command{
		plan: p, archs: archs, formats: formats, key: key, start: start,
		getenv: os.Getenv, stdout: os.Stdout, stderr: os.Stderr,
	}
	os.Exit(c.run(ctx, os.Args[1:]))
}

// command is a kernel's command line.
type command struct {
	plan           *ensemble.Plan
	archs          []arch.Arch
	formats        []vision.Format
	key            string
	start          time.Time
	getenv         func(string) string
	stdout, stderr io.Writer
}

// run does what the arguments say and returns the exit status.
func (c *command) run(ctx context.Context, args []string) int {
	o := predict.Options{Archs: c.archs, Formats: c.formats, Log: c.stderr, Start: c.start}
	flags, keyFile, only := c.flags(&o)
	if err := c.parse(flags, args); errors.Is(err, flag.ErrHelp) {
		c.usage(flags)
		return exitOK
	} else if err != nil {
		fmt.Fprintf(c.stderr, "%s: %v\n%s: hint: see: %s --help\n", tool, err, tool, tool)
		return exitUsage
	}
	o.Start = c.start.Add(-*only.elapsed)
	err := c.loadKey(&o, *keyFile)
	if err == nil {
		switch {
		case only.version:
			c.version()
		case only.plan:
			err = predict.Describe(ctx, c.plan, o, c.stdout)
		default:
			_, err = predict.Run(ctx, c.plan, o)
		}
	}
	switch {
	case err == nil:
		return exitOK
	case ctx.Err() != nil:
		fmt.Fprintf(c.stderr, "%s: interrupted\n", tool)
		return exitInterrupted
	}
	printError(c.stderr, err)
	return exitFailed
}

// only are the flags that ask for something else than to predict.
type only struct {
	version, plan bool
	elapsed       *time.Duration // of the budget, before the start
}

// flags defines the command line. A flag --some-name has the default of the
// environment variable DEPLOY_KERNEL_SOME_NAME, if that is set.
func (c *command) flags(o *predict.Options) (*flag.FlagSet, *string, *only) {
	var what only
	fs := flag.NewFlagSet(tool, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.StringVar(&o.Input, "input", "", "`FOLDER` that is searched for weights, images and the sample submission (default ../input, else /kaggle/input)")
	fs.StringVar(&o.Output, "output", "submission.csv", "`FILE` to write the labels to")
	fs.StringVar(&o.Sample, "sample", "", "`FILE` with the ids to predict (default: the sample submission under the input)")
	fs.StringVar(&o.Images, "images", "", "`FOLDER` of the images (default: searched for under the input)")
	fs.Func("submission", "`KIND` of submission that the sample asks for: labels (default: told by the sample)", func(text string) (err error) {
		o.Submission, err = input.ParseSubmission(text)
		return err
	})
	fs.StringVar(&o.Predictions, "predictions", "", "`FOLDER` to write level1_test_NAME.npy of every fold to")
	fs.StringVar(&o.Scratch, "scratch", c.defaultScratch(), "`FOLDER` for what a restart needs to go on; empty for none")
	fs.IntVar(&o.Threads, "threads", 0, "how many images are computed at once (default: the number of cores)")
	fs.IntVar(&o.Batch, "batch", 32, "how many images are decoded ahead")
	fs.IntVar(&o.Limit, "limit", 0, "predict only the first `N` images")
	fs.BoolVar(&o.Partial, "partial", c.getenv("KAGGLE_IS_COMPETITION_RERUN") != "", "go on without weights that are missing or damaged (default: only in Kaggle's final run)")
	fs.DurationVar(&o.Budget, "budget", c.plan.Budget, "`TIME` the run may take, e.g. 8h30m; 0 for any")
	what.elapsed = fs.Duration("elapsed", 0, "`TIME` of the budget that was gone when the kernel started (default 0s)")
	keyFile := fs.String("key", "", "`FILE` with the key (default: the key in $"+envPrefix+"KEY, in the kernel, or in a .key file under the input)")
	fs.BoolVar(&what.plan, "plan", false, "print what would be predicted, and end")
	fs.BoolVar(&what.version, "version", false, "print what this is, and end")
	fs.VisitAll(shortTimes)
	return fs, keyFile, &what
}

// parse sets the flags from the environment and then from the arguments.
func (c *command) parse(fs *flag.FlagSet, args []string) error {
	var wrong error
	fs.VisitAll(func(f *flag.Flag) {
		name := envPrefix + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		value := c.getenv(name)
		if value == "" || f.Name == "key" || f.Name == "plan" || f.Name == "version" {
			return
		}
		if err := fs.Set(f.Name, value); err != nil && wrong == nil {
			wrong = fmt.Errorf("$%s %s: %s", name, value, needed(f, value))
		}
	})
	if wrong != nil {
		return wrong
	}
	if err := fs.Parse(args); errors.Is(err, flag.ErrHelp) {
		return err
	} else if err != nil {
		return usage(fs, err)
	}
	if fs.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	return nil
}

func (c *command) usage(fs *flag.FlagSet) {
	fmt.Fprintf(c.stdout, "Predict %s: %d folds of %d models.\n\nEvery flag --NAME can be given as $%sNAME.\n\n",
		c.plan.Name, len(c.plan.FoldNames()), len(c.plan.Models), envPrefix)
	fs.SetOutput(c.stdout)
	fs.PrintDefaults()
}

func (c *command) version() {
	fmt.Fprintf(c.stdout, "kernel for %s: %d folds of %d models, %d classes\n%s %s/%s\n",
		c.plan.Name, len(c.plan.FoldNames()), len(c.plan.Models), c.plan.Classes,
		runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// defaultScratch is a folder of this plan's own, outside of what is published
// as the kernel's output.
func (c *command) defaultScratch() string {
	h := sha256.New()
	for _, m := range c.plan.Models {
		for _, f := range m.Folds {
			fmt.Fprintln(h, f.SHA256)
		}
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	return filepath.Join(dir, fmt.Sprintf("deploy-kernel-%x", h.Sum(nil)[:6]))
}

// loadKey takes the key from where the user said, else from the kernel.
func (c *command) loadKey(o *predict.Options, file string) error {
	where, text := "the kernel's key", c.key
	if env := c.getenv(envPrefix + "KEY"); env != "" {
		where, text = "$"+envPrefix+"KEY", env
	}
	if file != "" {
		data, err := readSmall(file)
		if err != nil {
			return err
		}
		where, text = file, data
	}
	if text == "" {
		return nil
	}
	key, err := crypt.ParseKey(text)
	if err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	o.Key = &key
	return nil
}

// readSmall reads a file that can only be small.
func readSmall(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, 1<<12))
	return string(data), err
}

// printError prints an error, a line for each that was joined, and its hints.
func printError(w io.Writer, err error) {
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintf(w, "%s: %s\n", tool, strings.TrimSuffix(line, "\n"))
	}
	told := map[string]bool{}
	for _, text := range hints(err) {
		if !told[text] {
			fmt.Fprintf(w, "%s: hint: %s\n", tool, text)
		}
		told[text] = true
	}
}

// hints lists the hints in an error's tree.
func hints(err error) []string {
	var all []string
	switch e := err.(type) {
	case *ensemble.HintError:
		return append(hints(e.Err), e.Text)
	case interface{ Unwrap() []error }:
		for _, sub := range e.Unwrap() {
			all = append(all, hints(sub)...)
		}
	case interface{ Unwrap() error }:
		all = hints(e.Unwrap())
	}
	return all
}
