package command

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/halfflag"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/keyfile"
	"github.com/deploy-kernel/deploy-kernel/crypt"
	"github.com/deploy-kernel/deploy-kernel/deploy"
	"github.com/deploy-kernel/deploy-kernel/deploy/folder"
	"github.com/deploy-kernel/deploy-kernel/deploy/push"
	"github.com/deploy-kernel/deploy-kernel/deploy/shrink"
	"github.com/deploy-kernel/deploy-kernel/internal/say"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision/formats"
	"github.com/deploy-kernel/deploy-kernel/templates"
	"github.com/spf13/cobra"
)

// inferFlags are the flags of the verb infer.
type inferFlags struct {
	o        deploy.Options
	key      keyfile.Source
	keyIn    string
	plain    bool
	portable bool
	public   []string
	limit    time.Duration
	kind     string // of submission
}

// infer is the verb that makes a folder to upload of an ensemble.
func infer() *cobra.Command {
	var f inferFlags
	cmd := &cobra.Command{
		Use:   "infer ENSEMBLE.yml",
		Short: "Make a kernel that predicts an ensemble offline",
		Long: `infer makes a folder to upload of an ensemble file: kernel.go, the kernel as one
Go file; the static program built from exactly that file; kernel.py, which
Kaggle starts and which finds the program and runs it; the encrypted weights;
and the metadata of Kaggle's client. It prints the commands that upload it all.

Nothing is written before everything was checked: every weight is there and fits
its architecture, the kernel compiles and predicts two images as the unbundled
runtime does, and all sizes are under Kaggle's limits.

The weights are encrypted under the key of --key. Without it a new key is made
and saved beside the output; the next deploy to the same place takes it from
there. The key is built into the kernel, which is private then; with
--key-in dataset it lies in a private dataset of its own, and the rest may be
public.

A kernel submits an id and the numbers of its classes in each row. infer refuses a
sample submission of any other kind: the one of --sample, else the one under --data.
If a sample could be either, --submission labels settles it.

With --dtype f16 or bf16 the weights take half the space. What that changes of
the predictions is measured and printed, and refused above --max-change.

The kernel measures how fast it is. Where it can't do everything before the
competition's time limit, it first predicts fewer views of each image and then
leaves out folds, in the order that costs the least validation score; the
out-of-fold predictions of train --predict-oof tell that order.`,
		Example: `  deploy-kernel infer best_val_0.6397.yml --weights models/ --user you -o deploy/
  deploy-kernel infer best.yml --weights models/ --key my.key --user you --competition imet-2019-fgvc6 -o deploy/
  deploy-kernel infer best.yml --weights models/ --oof level1/ --time-limit 9h --user you -o deploy/
  deploy-kernel infer best.yml --weights models/ --user you --key-in dataset --public weights,program -o deploy/
  deploy-kernel infer best.yml --weights models/ --user you --dtype f16 -o deploy/
  deploy-kernel infer best.yml --weights models/ --user you --sample data/sampleSubmission.csv --images data/test/ -o deploy/
  deploy-kernel infer best.yml --weights models/ --user you --competition https://www.kaggle.com/competitions/imet-2019-fgvc6 -o deploy/`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.o.Ensemble = args[0]
			return f.run(cmd)
		},
	}
	f.add(cmd)
	return cmd
}

func (f *inferFlags) add(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVarP(&f.o.Output, "output", "o", "deploy", "the `FOLDER` to make")
	fs.StringSliceVar(&f.o.Plan.Weights, "weights", nil, "`FOLDERS` of weights and thresholds (default: that of the ensemble)")
	fs.StringSliceVar(&f.o.Plan.Configs, "configs", nil, "`FOLDERS` of configs, for weights that do not carry theirs")
	fs.StringVar(&f.o.Plan.WeightsKey, "weights-key", "", "`NAME` of the weights to take of files that hold several sets, e.g. model_ema (default: the config's model.weights_key, else the average)")
	fs.StringSliceVar(&f.o.Plan.OOF, "oof", nil, "`FOLDERS` of out-of-fold predictions, train.csv and folds.npy, which show what to leave out first if time is short (default: those of the weights)")
	fs.DurationVar(&f.limit, "time-limit", 9*time.Hour, "`TIME` that the competition gives a kernel; the kernel ends before it; 0 for any")
	f.key.AddFlag(fs)
	halfflag.Add(fs, &f.o.Plan.Half)
	f.keyIn = folder.InKernel.String()
	cli.ChoiceVar(fs, &f.keyIn, "key-in", []string{"kernel", "dataset", "environment"}, "where the kernel has the key from")
	fs.BoolVar(&f.plain, "plain", false, "do not encrypt the weights")
	fs.StringVar(&f.o.Owner, "user", os.Getenv("KAGGLE_USERNAME"), "your `NAME` on Kaggle (default: the environment's KAGGLE_USERNAME)")
	fs.StringVar(&f.o.Title, "title", "", "`TITLE` of the kernel, 5 to 50 characters (default: from the ensemble's name)")
	fs.StringSliceVar(&f.o.Competitions, "competition", nil, "the competition's `NAME` or address, to mount its data")
	fs.StringSliceVar(&f.o.Datasets, "dataset", nil, "further datasets to mount, as `OWNER/NAME` or address")
	cli.ChoicesVar(fs, &f.public, "public", []string{"kernel", "program", "weights"}, "what everybody may see: `PARTS` of kernel, program, weights (default: nothing)")
	fs.StringVar(&f.o.Licence, "licence", "other", "licence of the datasets, by Kaggle's `NAME`")
	fs.BoolVar(&f.portable, "portable", false, "make a kernel that any Go builds, without SIMD")
	fs.StringVar(&f.o.Input, "data", "", "`FOLDER` of the sample submission and the images, to verify on the first two (default: the first of ., data, ../input, /kaggle/input that has them, else drawn ones)")
	fs.StringVar(&f.o.Input, "input", "", "the same as --data")
	cmd.MarkFlagsMutuallyExclusive("input", "data")
	cli.ChoicesVar(fs, &f.o.Formats, "formats", formats.Names(), "image `FORMATS` that the kernel decodes, of "+strings.Join(formats.Names(), ", ")+" (default: jpeg, png and those of the images of --data; all without it)")
	fs.StringVar(&f.o.Sample, "sample", "", "the sample submission's `FILE`, to check its kind; the kernel looks for its name first (default: searched for under --data)")
	fs.StringVar(&f.o.Images, "images", "", "the images' `FOLDER`, to verify on the first two (default: searched for)")
	fs.StringVar(&f.kind, "submission", "", "`KIND` of submission, if the sample does not show it: labels (an id and class numbers)")
	cmd.MarkFlagsMutuallyExclusive("plain", "key")
	cmd.MarkFlagsMutuallyExclusive("plain", "key-in")
}

func (f *inferFlags) run(cmd *cobra.Command) error {
	if err := f.resolve(); err != nil {
		return err
	}
	found, err := f.findData(cmd.Context())
	if err != nil {
		return err
	}
	if found != "" {
		cli.Printf(cmd, "the sample submission and the images are those of %s; --data names another folder", found)
	}
	if f.o.Images != "" && f.o.Sample == "" && f.o.Input == "" {
		return cli.Usagef("--images needs --sample or --data: the ids of the images are unknown")
	}
	madeKey, err := f.loadKey(cmd)
	if err != nil {
		return err
	}
	f.o.Plan.Warn = func(text string) { cli.Printf(cmd, "warning: %s", text) }
	f.o.Plan.Halved = func(path string, c shrink.Change) {
		cli.Printf(cmd, "%s as %v: %v", path, f.o.Plan.Half.DType, c)
	}
	if !cli.Quiet(cmd) {
		f.o.Step = func(text string) { cli.Printf(cmd, "%s", text) }
	}
	m, err := deploy.Deploy(cmd.Context(), f.o)
	if err != nil {
		if madeKey != "" {
			return errors.Join(err, os.Remove(madeKey))
		}
		return err
	}
	if madeKey != "" {
		cli.Printf(cmd, "made the key %s: without it nobody can read the weights; keep a copy", madeKey)
	}
	report(cmd, m, f.o.Output)
	return nil
}

// resolve turns what the flags say into options.
func (f *inferFlags) resolve() error {
	switch {
	case f.plain:
		f.o.KeyPlace = folder.NoKey
	case f.keyIn == "kernel":
		f.o.KeyPlace = folder.InKernel
	case f.keyIn == "dataset":
		f.o.KeyPlace = folder.InDataset
	case f.keyIn == "environment":
		f.o.KeyPlace = folder.InEnvironment
	}
	var err error
	if f.o.Plan.Submission, err = input.ParseSubmission(f.kind); err != nil {
		return cli.Usagef("--submission: %v", err)
	}
	if f.limit < 0 {
		return cli.Usagef("--time-limit can't be negative")
	}
	f.o.Budget, f.o.Limit = deploy.Budget(f.limit), f.limit
	f.o.Plan.Cuts = true
	if f.portable {
		f.o.Target = deploy.Portable
	}
	for _, part := range f.public {
		switch part {
		case "kernel":
			f.o.PublicKernel = templates.Public
		case "program":
			f.o.PublicProgram = templates.Public
		case "weights":
			f.o.PublicWeights = templates.Public
		}
	}
	return nil
}

// loadKey takes the key that was given, or the one beside the output, or makes
// one there; it returns the path of a key that it made.
func (f *inferFlags) loadKey(cmd *cobra.Command) (made string, err error) {
	if f.plain {
		if f.key.Given() {
			f.o.Plan.Key = func() (crypt.Key, error) { return f.key.Load(cmd.Context()) }
		}
		return "", nil
	}
	beside := filepath.Clean(f.o.Output) + ".key"
	if !f.key.Given() {
		if _, err := os.Stat(beside); err == nil {
			f.key.Path = beside
		} else if made, err = keyfile.Create(beside); err != nil {
			return "", err
		} else {
			f.key.Path = made
		}
	}
	key, err := f.key.Load(cmd.Context())
	f.o.Key = key
	f.o.Plan.Key = func() (crypt.Key, error) { return key, nil }
	return made, err
}

// report says what was made, and prints the commands that upload it.
func report(cmd *cobra.Command, m *folder.Manifest, dir string) {
	cli.Printf(cmd, "%s: kernel %s from %s of Go, checked on two images", dir, m.Kernel, say.Size(m.Source.Size))
	reportDatasets(cmd, m, dir)
	if m.KeyIn == folder.InKernel.String() {
		cli.Printf(cmd, "the key is in kernel.go, kernel.py and the program: keep them private")
	}
	printUpload(cmd, m, dir)
}

// printUpload prints the commands of the first upload.
func printUpload(cmd *cobra.Command, m *folder.Manifest, dir string) {
	for _, c := range push.Commands(m, dir) {
		fmt.Fprintln(cmd.OutOrStdout(), c)
	}
}

// reportDatasets says which datasets there are.
func reportDatasets(cmd *cobra.Command, m *folder.Manifest, dir string) {
	for _, d := range m.Datasets {
		visibility := "private"
		if d.Public {
			visibility = "public"
		}
		cli.Printf(cmd, "%s: %s dataset %s, %s, %s", filepath.Join(dir, d.Folder), visibility, d.ID, say.Count(len(d.Files), "file"), say.Size(d.Size()))
	}
}
