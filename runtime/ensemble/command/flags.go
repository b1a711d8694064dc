package command

import (
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble/predict"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
)

// request is what the flags ask for.
type request struct {
	options predict.Options
	keyFile string
	elapsed time.Duration // part of the budget that was used up before the start
	plan    bool          // only print the plan
	version bool          // only print the version
}

// flags returns the flags of a kernel, and the request that parsing them fills.
func (k *kernel) flags() (*flag.FlagSet, *request) {
	var r request
	o := &r.options
	fs := flag.NewFlagSet(tool, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.StringVar(&o.Input, "input", "", "`FOLDER` to search for weights, images and the sample submission (default ../input, else /kaggle/input)")
	fs.StringVar(&o.Output, "output", "submission.csv", "`FILE` to write the submission to")
	fs.StringVar(&o.Sample, "sample", "", "`FILE` with the ids to predict (default: the sample submission under the input)")
	fs.StringVar(&o.Images, "images", "", "`FOLDER` of the images (default: searched for under the input)")
	fs.Func("submission", "`KIND` of submission: "+strings.Join(input.Answers(), ", ")+" (default: the sample submission decides)", func(text string) (err error) {
		o.Submission, err = input.ParseAnswer(text)
		return err
	})
	fs.StringVar(&o.Predictions, "predictions", "", "`FOLDER` to write level1_test_NAME.npy of every fold to")
	fs.StringVar(&o.Scratch, "scratch", k.defaultScratch(), "`FOLDER` of intermediate results, from which a restart resumes; empty for none")
	fs.IntVar(&o.Threads, "threads", 0, "number of computing threads (default: the number of cores)")
	fs.IntVar(&o.Batch, "batch", 32, "number of images that a network gets at a time")
	fs.IntVar(&o.Limit, "limit", 0, "predict only the first `N` images")
	fs.BoolVar(&o.Partial, "partial", k.getenv("KAGGLE_IS_COMPETITION_RERUN") != "", "go on without weights that are missing or damaged (default: only in Kaggle's final run)")
	fs.DurationVar(&o.Budget, "budget", k.plan.Budget, "`TIME` limit of the run, e.g. 8h30m; 0 for none")
	fs.DurationVar(&r.elapsed, "elapsed", 0, "`TIME` of the budget that was used up before the kernel started (default 0s)")
	fs.StringVar(&r.keyFile, "key", "", "`FILE` with the key (default: the key in $"+envPrefix+"KEY, in the kernel, or in a .key file under the input)")
	fs.BoolVar(&r.plan, "plan", false, "print the plan of the run, and exit")
	fs.BoolVar(&r.version, "version", false, "print the version, and exit")
	fs.VisitAll(shortenDefault)
	return fs, &r
}

// defaultScratch returns a folder for this plan, outside of the folder that Kaggle
// publishes as the output of the kernel.
func (k *kernel) defaultScratch() string {
	h := sha256.New()
	for _, m := range k.plan.Models {
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

// variable returns the environment variable of a flag.
func variable(f *flag.Flag) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
}

// parse sets the flags from the environment, and then from the arguments.
func (k *kernel) parse(fs *flag.FlagSet, args []string) error {
	var first error
	fs.VisitAll(func(f *flag.Flag) {
		value := k.getenv(variable(f))
		if value == "" || f.Name == "key" || f.Name == "plan" || f.Name == "version" {
			return
		}
		if err := fs.Set(f.Name, value); err != nil && first == nil {
			first = fmt.Errorf("$%s %s: %s", variable(f), value, wanted(f, value))
		}
	})
	if first != nil {
		return first
	}
	if err := fs.Parse(args); errors.Is(err, flag.ErrHelp) {
		return err
	} else if err != nil {
		return usageError(fs, err)
	}
	if fs.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	return nil
}

func (k *kernel) help(fs *flag.FlagSet) {
	fmt.Fprintf(k.stdout, "Predict %s: %d folds of %d models.\n\nEvery flag --NAME can be given as $%sNAME.\n\n",
		k.plan.Name, len(k.plan.FoldNames()), len(k.plan.Models), envPrefix)
	fs.SetOutput(k.stdout)
	fs.PrintDefaults()
}
