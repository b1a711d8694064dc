package command

import (
	"fmt"
	"path/filepath"

	"github.com/deploy-kernel/deploy-kernel/blend"
	"github.com/deploy-kernel/deploy-kernel/blend/oof"
	"github.com/deploy-kernel/deploy-kernel/blend/search"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/internal/say"
	"github.com/spf13/cobra"
)

// fitFlags are the flags of the root command.
type fitFlags struct {
	data   dataFlags
	metric metricFlags
	method string
	search search.Options
	report bool
	// strength is the strength of shrinkage, nil if cross-validation chooses it.
	strength *float64
}

// fit returns the root command, which fits an ensemble.
func fit() *cobra.Command {
	var f fitFlags
	var strength float64
	cmd := &cobra.Command{
		Use:   "blend NAME level1_train_*_f0_*.npy",
		Short: "Find the coefficients of an ensemble",
		Long: `blend reads the out-of-fold predictions of several models. It finds the
coefficients with which they score best together, and writes the ensemble
NAME_val_<score>.yml for infer and deploy-kernel.

Name the predictions of one fold of each model; those of the other folds lie in
the same folder. A model with the coefficient 0 is left out.

The file <model>.yml beside the predictions says what they are: the task, the
metric and how to read the table of labels. Without it they are those of a
multilabel model. The ensemble names the metric, unless it is f-beta or
micro-f-beta of a multilabel model. For quadratic-kappa it holds grade bounds,
which are fitted too.

With --thresholds per-class, each class gets its own threshold, shrunk towards
the common one; the rarer the class, the stronger. Look at the held-out score:
per-class thresholds over-fit, and often do not help.`,
		Example: `  blend best models/level1_train_*_f0_*.npy
  blend even models/level1_train_*_f0_*.npy --method equal --data data/
  blend fine models/level1_train_*_f0_*.npy --thresholds per-class`,
		Args: arguments,
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("shrinkage") {
				f.strength = &strength
			}
			return f.run(cmd, args[0], args[1:])
		},
	}
	f.data.add(cmd)
	f.metric.add(cmd)
	fs := cmd.Flags()
	f.method = search.Exact.String()
	cli.ChoiceVar(fs, &f.method, "method", search.Names(), "search method")
	fs.Uint64Var(&f.search.Seed, "seed", 1, "seed of everything random")
	fs.IntVar(&f.search.Starts, "starts", search.DefaultStarts, "number of points that the exact search starts from")
	fs.IntVar(&f.search.Evaluations, "evaluations", search.DefaultEvaluations, "number of points that the other methods score")
	fs.Float64Var(&strength, "shrinkage", 0, "number of true rows at which a class's threshold moves half the way from the common one to its own; inf keeps the common one (default: chosen by cross-validation)")
	fs.BoolVar(&f.report, "report", true, "validate the coefficients; --report=false skips that and saves time")
	return cmd
}

func arguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 && filepath.Ext(args[0]) == ".npy" {
		return cli.Usagef("%s: the NAME of the ensemble comes first", args[0])
	}
	if len(args) < 2 {
		return cli.Usagef("a NAME and the predictions of one fold of each model are needed")
	}
	for _, path := range args[1:] {
		if filepath.Ext(path) != ".npy" {
			return hint.New(cli.Usagef("%s: predictions are level1_train_<model>.npy files", path), "see: blend --help")
		}
	}
	return nil
}

func (f *fitFlags) run(cmd *cobra.Command, name string, paths []string) error {
	if err := f.check(); err != nil {
		return err
	}
	spec, err := oof.ReadSpec(paths)
	if err != nil {
		return err
	}
	m, err := f.metric.metric(cmd, spec)
	if err != nil {
		return err
	}
	set, err := f.data.open(paths, spec)
	if err != nil {
		return err
	}
	if err := blend.Trouble(); err != nil {
		cli.Printf(cmd, "warning: the search runs on plain loops, which are slower: %v", err)
	}
	w := &watcher{cmd: cmd, flags: f, set: set, metric: m}
	defer w.close()
	fitted, err := blend.Fit(cmd.Context(), set, f.options(w))
	if err != nil {
		return err
	}
	for _, model := range fitted.LeftOut {
		cli.Printf(cmd, "%s has the coefficient 0 and is left out", model)
	}
	path, err := fitted.WriteFile(name)
	if err != nil {
		return err
	}
	fmt.Fprintln(cmd.OutOrStdout(), path)
	return nil
}

func (f *fitFlags) options(w *watcher) blend.Options {
	return blend.Options{
		Metric: w.metric, MaxOffset: f.metric.offset,
		PerClass: f.metric.thresholds == perClass, Shrinkage: f.strength,
		Search: f.search, SkipValidation: !f.report, Observer: blend.Observer{Begin: w.begin, End: w.end},
	}
}

func (f *fitFlags) check() (err error) {
	if f.search.Method, err = search.ParseMethod(f.method); err != nil {
		return err
	}
	if f.search.Starts < 1 || f.search.Evaluations < 1 {
		return cli.Usagef("--starts and --evaluations must be at least 1")
	}
	if f.strength != nil && !(*f.strength >= 0) {
		return cli.Usagef("--shrinkage %s: a number from 0 on is needed, or inf", say.Number(*f.strength))
	}
	if f.strength != nil && f.metric.thresholds != perClass {
		return cli.Usagef("--shrinkage: only --thresholds per-class are shrunk")
	}
	return f.metric.check()
}
