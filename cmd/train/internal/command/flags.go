package command

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/summary"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/runtime/arch"
	"github.com/deploy-kernel/deploy-kernel/trainer"
	"github.com/deploy-kernel/deploy-kernel/trainer/runfolder"
	"github.com/spf13/cobra"
)

// trainFlags are the flags of the root command.
type trainFlags struct {
	config configFlags
	fold   int
	folds  string

	weights, pretrained      string
	predictOOF, predictTest  bool
	all                      bool
	output                   string
	lrFinder, summary        bool
	printConfig, dryRun      bool
	lr                       float64
	numEpochs, numTTAs       int
	smoke                    int
	resume                   string
	force                    bool
	maxTime, checkpointEvery time.Duration
	threads                  int
	runDir                   string
}

func (f *trainFlags) add(cmd *cobra.Command) {
	f.config.add(cmd)
	fs := cmd.Flags()
	fs.IntVar(&f.fold, "fold", 0, "the fold to hold out")
	fs.StringVar(&f.folds, "folds", "", "several folds, one after the other: a `LIST` such as 0-4 or 0,2")
	fs.StringVar(&f.weights, "weights", "", "begin with these weights, or predict with them: a `FILE`, with --all folders")
	fs.StringVar(&f.pretrained, "pretrained", "", "begin with the weights of another task, a `FILE`; the last layer is new")
	fs.BoolVar(&f.predictOOF, "predict-oof", false, "predict the rows that the fold held out, and find the threshold")
	fs.BoolVar(&f.predictTest, "predict-test", false, "predict the test images")
	fs.BoolVar(&f.all, "all", false, "predict with every file of weights in the folders --weights and below")
	fs.StringVarP(&f.output, "output", "o", "", "the `FOLDER` of predictions (default: that of the weights)")
	fs.BoolVar(&f.lrFinder, "lr-finder", false, "search a learning rate instead: draws lr_finder.png")
	fs.BoolVar(&f.summary, "summary", false, "show the network's layers instead")
	fs.BoolVar(&f.printConfig, "print-config", false, "print the config with all defaults instead")
	fs.BoolVar(&f.dryRun, "dry-run", false, "check everything, take no step and write nothing")
	fs.Float64Var(&f.lr, "lr", 0, "the learning rate (default: optimizer.params.lr)")
	fs.IntVar(&f.numEpochs, "num-epochs", 0, "the number of epochs (default: train.num_epochs)")
	fs.IntVar(&f.numTTAs, "num-ttas", 0, "views of each image in predictions (default: test.num_ttas)")
	fs.IntVar(&f.smoke, "smoke", 0, "try it out: one epoch of `N` batches, in the folder <run>/smoke, which is overwritten")
	cli.ChoiceVar(fs, &f.resume, "resume", []string{"auto"}, "go on where a training stopped, or begin one")
	fs.BoolVar(&f.force, "force", false, "remove the training that is there, and begin anew")
	fs.DurationVar(&f.maxTime, "max-time", 0, "stop after this `TIME`, e.g. 8h30m, as Ctrl-C does")
	fs.DurationVar(&f.checkpointEvery, "checkpoint-every", 10*time.Minute, "the time between checkpoints within an epoch; 0 makes none")
	fs.IntVar(&f.threads, "threads", 0, "how many threads compute (default: one for each core)")
	fs.StringVar(&f.runDir, "run", "", "the `FOLDER` of the training, with one for each fold (default: runs/<config>)")
	cmd.MarkFlagsMutuallyExclusive("fold", "folds")
	cmd.MarkFlagsMutuallyExclusive("weights", "pretrained")
	cmd.MarkFlagsMutuallyExclusive("resume", "force")
	cmd.MarkFlagsMutuallyExclusive("lr-finder", "summary", "print-config", "dry-run", "smoke", "predict-oof")
	cmd.MarkFlagsMutuallyExclusive("lr-finder", "summary", "print-config", "dry-run", "smoke", "predict-test")
}

// check refuses flags that do not go together, and negative numbers.
func (f *trainFlags) check(cmd *cobra.Command) error {
	predict := f.predictOOF || f.predictTest
	switch {
	case f.threads < 0 || f.smoke < 0 || f.maxTime < 0 || f.checkpointEvery < 0:
		return cli.Usagef("--threads, --smoke, --max-time and --checkpoint-every can't be negative")
	case cmd.Flags().Changed("smoke") && f.smoke == 0:
		return cli.Usagef("--smoke needs a number of batches")
	case f.all && (!predict || f.weights == ""):
		return cli.Usagef("--all goes with --weights FOLDER and --predict-oof or --predict-test")
	case f.output != "" && !predict:
		return cli.Usagef("--output goes with --predict-oof or --predict-test; --run names the folder of a training")
	case predict && f.pretrained != "":
		return cli.Usagef("--pretrained begins a training; --weights names what to predict with")
	}
	return nil
}

// changes returns the flags that stand for keys of the config, as assignments.
func (f *trainFlags) changes(cmd *cobra.Command) []string {
	var list []string
	add := func(flag, key string, v any) {
		if cmd.Flags().Changed(flag) {
			list = append(list, fmt.Sprintf("%s=%v", key, v))
		}
	}
	add("lr", "optimizer.params.lr", f.lr)
	add("num-epochs", "train.num_epochs", f.numEpochs)
	add("num-ttas", "test.num_ttas", f.numTTAs)
	if f.smoke > 0 {
		list = append(list, "train.num_epochs=1", fmt.Sprintf("train.max_steps_per_epoch=%d", f.smoke))
	}
	return list
}

func (f *trainFlags) run(cmd *cobra.Command) error {
	if err := f.check(cmd); err != nil {
		return err
	}
	p, err := f.project(cmd)
	if err != nil {
		return err
	}
	if f.runDir == "" {
		f.runDir = filepath.Join("runs", p.name)
	}
	switch {
	case f.printConfig:
		text, err := p.config.Marshal()
		if err == nil {
			_, err = cmd.OutOrStdout().Write(text)
		}
		return err
	case p.config.Model.ONNX != "" && !f.predictOOF && !f.predictTest:
		return hint.New(trainer.ErrImported, "train it where it comes from, and import it again; `train --predict-oof` and `--predict-test` predict with it")
	case f.summary:
		m := p.config.Model
		g, err := p.arch.Build(arch.Config{InputSize: m.InputSize, Classes: m.Task().Logits(m.NumClasses), Dropout: m.Dropout})
		if err != nil {
			return err
		}
		return summary.Of(g).Write(cmd.OutOrStdout())
	}
	text := f.folds
	if text == "" {
		text = fmt.Sprint(f.fold)
	}
	folds, err := parseFolds(text, p.config.Model.NumFolds)
	if err != nil {
		return err
	}
	if f.predictOOF || f.predictTest {
		return f.predict(p, folds)
	}
	return f.train(p, folds)
}

// project returns the project of --config, or else of the weights to predict with.
func (f *trainFlags) project(cmd *cobra.Command) (*project, error) {
	if f.config.path == "" && f.weights != "" && (f.predictOOF || f.predictTest) {
		return f.projectOf(cmd)
	}
	return f.config.project(cmd, f.changes(cmd)...)
}

// mode says what to do with a training that is already in the folder.
func (f *trainFlags) mode() runfolder.Mode {
	switch {
	case f.resume == "auto":
		return runfolder.Resume
	case f.force, f.smoke > 0:
		return runfolder.Overwrite
	}
	return runfolder.Refuse
}

// timeIsUp reports whether err comes from the end of --max-time.
func timeIsUp(ctx context.Context, err error) bool {
	return errors.Is(err, context.DeadlineExceeded) && errors.Is(ctx.Err(), context.DeadlineExceeded)
}
