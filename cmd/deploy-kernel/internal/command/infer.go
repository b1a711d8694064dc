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
	"github.com/deploy-kernel/deploy-kernel/deploy/plan"
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
	options deploy.Options
	key     keyfile.Source
	keyIn   string
	plain   bool
	public  []string
	limit   time.Duration
	kind    string // of submission
	classes string // a list of names or a file
}

// infer returns the verb that turns an ensemble into a folder to upload.
func infer() *cobra.Command {
	var f inferFlags
	cmd := &cobra.Command{
		Use:   "infer ENSEMBLE.yml",
		Short: "Make a kernel that predicts an ensemble offline",
		Long: `infer turns an ensemble file into a folder to upload. The folder holds

  - kernel.go, the kernel as one Go file, and the static program built from it;
  - kernel.py, which Kaggle starts, and which finds and runs the program;
  - the encrypted weights, and the metadata of Kaggle's client.

infer prints the commands that upload it. It checks everything before it writes
the folder. Every weight file is there and fits its architecture. The kernel
compiles, and predicts two images as the unbundled runtime does. All sizes are
under Kaggle's limits.

--key or $DEPLOY_KERNEL_KEY gives the key of the weights. Without it, infer makes a
key beside the folder, and the next deploy to the same folder uses it again. The
kernel contains the key, so it must be private. With --key-in dataset the key has a
private dataset of its own, and the rest may be public.

The sample submission, that of --sample or else the one under --data, shows the form
of the submission: labels or probabilities, in one column or in a column or row for
each class. infer prints the form that it recognizes, and the kernel keeps to it.
infer refuses a sample that it does not understand, and says what was seen.
--submission and --classes settle a doubt.

With --dtype f16 or bf16 the weights take half the space. infer measures and
prints how much the predictions change, and refuses a change above --max-change.

The kernel measures its speed. If it can't predict everything before the
competition's time limit, it predicts fewer views of each image, and then drops
folds, in the order that costs the least validation score. The order follows from
the out-of-fold predictions of train --predict-oof.`,
		Example: `  deploy-kernel infer best_val_0.6397.yml --weights models/ --user you -o deploy/
  deploy-kernel infer best.yml --weights models/ --key my.key --user you --competition imet-2019-fgvc6 -o deploy/
  deploy-kernel infer best.yml --weights models/ --oof level1/ --time-limit 9h --user you -o deploy/
  deploy-kernel infer best.yml --weights models/ --user you --key-in dataset --public weights,program -o deploy/
  deploy-kernel infer best.yml --weights models/ --user you --dtype f16 -o deploy/
  deploy-kernel infer best.yml --weights models/ --user you --sample data/sampleSubmission.csv --images data/test/ -o deploy/
  deploy-kernel infer best.yml --weights models/ --user you --competition https://www.kaggle.com/competitions/imet-2019-fgvc6 -o deploy/`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.options.Ensemble = args[0]
			return f.run(cmd)
		},
	}
	f.add(cmd)
	return cmd
}

func (f *inferFlags) add(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVarP(&f.options.Output, "output", "o", "deploy", "the `FOLDER` to make")
	fs.StringSliceVar(&f.options.Plan.Weights, "weights", nil, "`FOLDERS` of weights and thresholds (default: the ensemble's folder)")
	fs.StringSliceVar(&f.options.Plan.Configs, "configs", nil, "`FOLDERS` of configs, for weights that do not contain theirs")
	fs.StringVar(&f.options.Plan.WeightsKey, "weights-key", "", "`NAME` of the weights to read from files with several sets, such as model_ema (default: the config's model.weights_key, else the average)")
	fs.StringSliceVar(&f.options.Plan.OOF, "oof", nil, "`FOLDERS` of out-of-fold predictions, train.csv and folds.npy, which decide what to drop first if time is short (default: the folders of the weights)")
	fs.DurationVar(&f.limit, "time-limit", 9*time.Hour, "time limit of the competition, a `TIME`; the kernel ends before it; 0 means none")
	f.key.AddFlag(fs)
	halfflag.Add(fs, &f.options.Plan.Half)
	f.keyIn = folder.InKernel.String()
	cli.ChoiceVar(fs, &f.keyIn, "key-in", []string{"kernel", "dataset", "environment"}, "where the kernel finds the key")
	fs.BoolVar(&f.plain, "plain", false, "do not encrypt the weights")
	fs.StringVar(&f.options.Owner, "user", os.Getenv("KAGGLE_USERNAME"), "your `NAME` on Kaggle (default: $KAGGLE_USERNAME)")
	fs.StringVar(&f.options.Title, "title", "", "`TITLE` of the kernel, 5 to 50 characters (default: from the ensemble's name)")
	fs.StringSliceVar(&f.options.Competitions, "competition", nil, "the competition's `NAME` or address, to mount its data")
	fs.StringSliceVar(&f.options.Datasets, "dataset", nil, "more datasets to mount, as `OWNER/NAME` or address")
	cli.ChoicesVar(fs, &f.public, "public", []string{"kernel", "program", "weights"}, "`PARTS` that everybody may see, of kernel, program, weights (default: none)")
	fs.StringVar(&f.options.Licence, "licence", "other", "license of the datasets, by Kaggle's `NAME`")
	fs.StringVar(&f.options.Input, "data", "", "`FOLDER` of the sample submission and the images; the first two verify the kernel (default: the first of ., data, ../input, /kaggle/input that has them, else drawn images)")
	fs.StringVar(&f.options.Input, "input", "", "the same as --data")
	cmd.MarkFlagsMutuallyExclusive("input", "data")
	cli.ChoicesVar(fs, &f.options.Formats, "formats", formats.Names(), "image `FORMATS` that the kernel decodes, of "+strings.Join(formats.Names(), ", ")+" (default: jpeg, png and the formats of the images; all without images)")
	fs.StringVar(&f.options.Sample, "sample", "", "the sample submission's `FILE`, which shows the form; the kernel searches for this name first (default: found under --data)")
	fs.StringVar(&f.options.Images, "images", "", "the images' `FOLDER`; the first two verify the kernel (default: found under --data)")
	cli.ChoiceVar(fs, &f.kind, "submission", input.Answers(), "what the submission says of an image, if the sample does not show it")
	fs.StringVar(&f.classes, "classes", "", "`NAMES` of the classes as the sample writes them, in the order of the network's outputs: a list with commas, or a .json, .csv or .txt file (default: the names in the weights)")
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
		cli.Printf(cmd, "using the sample submission and the images of %s; --data names another folder", found)
	}
	if f.options.Images != "" && f.options.Sample == "" && f.options.Input == "" {
		return cli.Usagef("--images needs --sample or --data: the ids of the images are unknown")
	}
	madeKey, err := f.loadKey(cmd)
	if err != nil {
		return err
	}
	f.options.Plan.Warn = func(text string) { cli.Printf(cmd, "warning: %s", text) }
	f.options.Plan.Halved = func(path string, c shrink.Change) {
		cli.Printf(cmd, "%s as %v: %v", path, f.options.Plan.Half.DType, c)
	}
	if !cli.Quiet(cmd) {
		f.options.Step = func(text string) { cli.Printf(cmd, "%s", text) }
	}
	m, err := deploy.Deploy(cmd.Context(), f.options)
	if err != nil {
		if madeKey != "" {
			return errors.Join(err, os.Remove(madeKey))
		}
		return err
	}
	if madeKey != "" {
		cli.Printf(cmd, "made the key %s: keep a copy, because nobody can read the weights without it", madeKey)
	}
	report(cmd, m, f.options.Output)
	return nil
}

// resolve sets the options that follow from other flags.
func (f *inferFlags) resolve() error {
	switch {
	case f.plain:
		f.options.KeyPlace = folder.NoKey
	case f.keyIn == "kernel":
		f.options.KeyPlace = folder.InKernel
	case f.keyIn == "dataset":
		f.options.KeyPlace = folder.InDataset
	case f.keyIn == "environment":
		f.options.KeyPlace = folder.InEnvironment
	}
	var err error
	if f.options.Plan.Submission, err = input.ParseAnswer(f.kind); err != nil {
		return cli.Usagef("--submission: %v", err)
	}
	if f.options.Plan.Classes, err = plan.ParseClasses(f.classes); err != nil {
		return cli.Usagef("--classes: %v", err)
	}
	if f.limit < 0 {
		return cli.Usagef("--time-limit can't be negative")
	}
	f.options.Budget, f.options.Limit = deploy.Budget(f.limit), f.limit
	f.options.Plan.Cuts = true
	for _, part := range f.public {
		switch part {
		case "kernel":
			f.options.PublicKernel = templates.Public
		case "program":
			f.options.PublicProgram = templates.Public
		case "weights":
			f.options.PublicWeights = templates.Public
		}
	}
	return nil
}

// loadKey loads the key of --key, or the one beside the output. If there is neither, it
// makes one there and returns its path.
func (f *inferFlags) loadKey(cmd *cobra.Command) (made string, err error) {
	if f.plain {
		if f.key.Given() {
			f.options.Plan.Key = func() (crypt.Key, error) { return f.key.Load(cmd.Context()) }
		}
		return "", nil
	}
	beside := filepath.Clean(f.options.Output) + ".key"
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
	f.options.Key = key
	f.options.Plan.Key = func() (crypt.Key, error) { return key, nil }
	return made, err
}

// report describes the folder, and prints the commands that upload it.
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

// reportDatasets describes the datasets.
func reportDatasets(cmd *cobra.Command, m *folder.Manifest, dir string) {
	for _, d := range m.Datasets {
		visibility := "private"
		if d.Public {
			visibility = "public"
		}
		cli.Printf(cmd, "%s: %s dataset %s, %s, %s", filepath.Join(dir, d.Folder), visibility, d.ID, say.Count(len(d.Files), "file"), say.Size(d.Size()))
	}
}
