package command

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/keyfile"
	"github.com/deploy-kernel/deploy-kernel/crypt"
	"github.com/deploy-kernel/deploy-kernel/deploy/plan"
	"github.com/deploy-kernel/deploy-kernel/internal/datafolder"
	"github.com/deploy-kernel/deploy-kernel/runtime/engine"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble"
	"github.com/deploy-kernel/deploy-kernel/runtime/ensemble/predict"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision/formats"
	"github.com/spf13/cobra"
)

// predictFlags are the flags of the root command.
type predictFlags struct {
	run     predict.Options
	kind    string // of submission
	classes string // a list of names or a file
	plan    plan.Options
	key     keyfile.Source
}

// predictCommand returns the root command, which predicts an ensemble.
func predictCommand() *cobra.Command {
	var f predictFlags
	cmd := &cobra.Command{
		Use:   "infer ENSEMBLE.yml",
		Short: "Predict an ensemble of image models in place",
		Long: `infer predicts the images of a sample submission with every network of an ensemble
file, and writes the submission. The kernel that deploy-kernel makes of the same
file writes the same bytes.

For each level1_train_<model>.npy in the ensemble, the weights are
<model>.safetensors, .safetensors.enc, .pth, .ckpt or any other ending. The config
is in the weights or in <config>.yml, the threshold in <model>.yml or in the
weights. import-weights makes these files from weights of other training code.

The sample submission lists the images and shows the form of the submission: labels
or probabilities, in one column or in a column or row for each class. infer prints
the form that it recognizes. It refuses a sample that it does not understand, and
says what was seen. --submission and --classes settle a doubt.

An image that is missing, that can't be read or for which --budget leaves no time
gets a default answer: the best constant answer of train.csv (--oof, --data), else
the most frequent labels or the mean values.`,
		Example: `  infer best_val_0.6397.yml --weights models/ --input data/ --output submission.csv
  infer best_val_0.6397.yml --weights models/ --key my.key --input data/ --predictions out/ --limit 100
  infer best_val_0.6397.yml --weights models/ --sample data/stage_2_sample_submission.csv --images data/stage_2_test/
  infer best_val_0.6397.yml --weights models/ --input data/ --submission labels
  infer best_val_0.6397.yml --weights models/ --input data/ --classes healthy,rust,scab`,
		Args: cobra.MatchAll(cobra.ExactArgs(1), ensembleFile),
		RunE: func(cmd *cobra.Command, args []string) error { return f.predict(cmd, args[0]) },
	}
	f.add(cmd)
	return cmd
}

// ensembleFile refuses an argument that was meant to be a verb.
func ensembleFile(cmd *cobra.Command, args []string) error {
	if _, err := os.Stat(args[0]); err != nil && !strings.ContainsAny(args[0], "./"+string(filepath.Separator)) {
		return fmt.Errorf("unknown command %q, and no ensemble file of that name", args[0])
	}
	return nil
}

func (f *predictFlags) add(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVar(&f.run.Input, "data", "", "the `FOLDER` of the sample submission and the images (default: the first of ., data, ../input, /kaggle/input that has them)")
	fs.StringVar(&f.run.Input, "input", "", "the same as --data")
	fs.StringVar(&f.run.Sample, "sample", "", "the sample submission's `FILE` (default: found under --data)")
	cli.ChoiceVar(fs, &f.kind, "submission", input.Answers(), "what the submission says of an image, if the sample does not show it")
	fs.StringVar(&f.classes, "classes", "", "`NAMES` of the classes as the sample writes them, in the order of the network's outputs: a list with commas, or a .json, .csv or .txt file (default: the names in the weights)")
	fs.StringVar(&f.run.Images, "images", "", "the images' `FOLDER` (default: found under --data)")
	fs.StringVarP(&f.run.Output, "output", "o", "submission.csv", "the `FILE` to write")
	fs.StringVar(&f.run.Predictions, "predictions", "", "`FOLDER` to write level1_test_<model>.npy files to (default: none)")
	fs.StringSliceVar(&f.plan.Weights, "weights", nil, "`FOLDERS` of weights and thresholds (default: the ensemble's folder)")
	fs.StringSliceVar(&f.plan.Configs, "configs", nil, "`FOLDERS` of configs, for weights that do not contain theirs")
	fs.StringVar(&f.plan.WeightsKey, "weights-key", "", "`NAME` of the weights to read from files with several sets, such as model_ema (default: the config's model.weights_key, else the average)")
	f.key.AddFlag(fs)
	fs.IntVar(&f.run.Threads, "threads", 0, "number of threads (default: one for each core)")
	fs.IntVar(&f.run.Batch, "batch", 0, "number of images in a batch (default 32)")
	fs.IntVar(&f.run.Limit, "limit", 0, "predict only the first `N` images (default: all)")
	fs.DurationVar(&f.run.Budget, "budget", 0, "`TIME` that the run may take, such as 30m; it drops views and folds that do not fit; 0 means no limit")
	fs.StringSliceVar(&f.plan.OOF, "oof", nil, "`FOLDERS` of out-of-fold predictions, train.csv and folds.npy, which decide what --budget drops first (default: the folders of the weights)")
	cmd.MarkFlagsMutuallyExclusive("input", "data")
}

func (f *predictFlags) predict(cmd *cobra.Command, path string) error {
	if f.run.Threads < 0 || f.run.Batch < 0 || f.run.Limit < 0 || f.run.Budget < 0 {
		return cli.Usagef("--threads, --batch, --limit and --budget can't be negative")
	}
	var err error
	if f.plan.Submission, err = input.ParseAnswer(f.kind); err != nil {
		return cli.Usagef("--submission: %v", err)
	}
	if f.plan.Classes, err = plan.ParseClasses(f.classes); err != nil {
		return cli.Usagef("--classes: %v", err)
	}
	f.run.Start = time.Now()
	f.plan.Data = f.run.Input
	if f.run.Input == "" && f.run.Sample == "" {
		f.run.Input = datafolder.OfTest()
	}
	f.plan.Cuts = f.run.Budget > 0
	ctx := cmd.Context()
	if f.key.Given() {
		f.plan.Key = func() (crypt.Key, error) { return f.key.Load(ctx) }
	}
	f.plan.Warn = func(text string) { cli.Printf(cmd, "warning: %s", text) }
	built, err := plan.Build(ctx, path, f.plan)
	if err != nil {
		return err
	}
	if f.run.Predictions != "" {
		if err := os.MkdirAll(f.run.Predictions, 0o755); err != nil {
			return err
		}
	}
	f.run.Archs, f.run.Operations, f.run.Formats = built.Archs, engine.Operations(), formats.All()
	f.run.Tool = cmd.Root().Name()
	f.run.Read = func(ctx context.Context, fold *ensemble.Fold) ([]byte, error) {
		w, ok := built.Weight(fold.Name)
		if !ok {
			return nil, fmt.Errorf("no weights for %s", fold.Name)
		}
		return w.Plain(ctx)
	}
	if !cli.Quiet(cmd) {
		f.run.Log = cmd.ErrOrStderr()
	}
	summary, err := predict.Run(ctx, built.Plan, f.run)
	if err != nil {
		return err
	}
	cli.Printf(cmd, "%s: %d images by %d networks in %s", f.run.Output, summary.Images, summary.Folds, summary.Took.Round(1e8))
	return nil
}
