package command

import (
	"context"
	"fmt"

	"github.com/deploy-kernel/deploy-kernel/metric"
	"github.com/spf13/cobra"
)

// score returns the command that scores an ensemble as it stands.
func score() *cobra.Command {
	var f ensembleFlags
	beta := 2.0
	cmd := &cobra.Command{
		Use:   "score ENSEMBLE.yml",
		Short: "Score an ensemble, fold by fold",
		Long: `score blends the out-of-fold predictions of an ensemble with the coefficients in
its file. For each fold and for all, it prints the mean F-beta of the rows, the
F-beta of all entries and the accuracy of the highest class. It computes them
from all predictions, by definition.`,
		Example: `  blend score best_val_0.6397.yml --predictions models/`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := f.open(args[0])
			if err != nil {
				return err
			}
			return b.score(cmd, beta)
		},
	}
	f.add(cmd)
	cmd.Flags().Float64Var(&beta, "beta", beta, "recall counts this many times as much as precision")
	return cmd
}

// sums are the sums over the rows of a fold.
type sums struct {
	rows           int
	fBeta, correct float64
	counts         metric.Counts
}

func (s *sums) add(o sums) {
	s.rows += o.rows
	s.fBeta += o.fBeta
	s.correct += o.correct
	s.counts.Add(o.counts)
}

// score prints the scores of each fold and of all.
func (b *blended) score(cmd *cobra.Command, beta float64) error {
	folds := make([]sums, b.set.Truth.Folds)
	err := withProgress(cmd, b.set, func(ctx context.Context, done func(int)) error {
		return b.set.EachFold(ctx, func(ctx context.Context, fold int) error {
			return b.set.Blend(ctx, fold, b.mix, func(rows []int, values []float32) error {
				folds[fold].add(b.rows(rows, values, beta))
				done(len(values) * len(b.mix.Coefficients))
				return nil
			})
		})
	})
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "fold    rows   f-beta  micro-f-beta  accuracy\n")
	line := func(name string, s sums) {
		fmt.Fprintf(out, "%4s %7d %8.6f %13.6f %9.6f\n", name, s.rows, s.fBeta/float64(s.rows), s.counts.FBeta(beta), s.correct/float64(s.rows))
	}
	var all sums
	for fold, s := range folds {
		line(fmt.Sprint(fold), s)
		all.add(s)
	}
	line("all", all)
	return nil
}

// rows returns the sums over some rows.
func (b *blended) rows(rows []int, values []float32, beta float64) sums {
	y := metric.Rows{Scores: values, Classes: b.set.Classes}
	for _, r := range rows {
		y.Labels = append(y.Labels, b.set.Labels[r])
	}
	s := sums{rows: len(rows), correct: y.Accuracy() * float64(len(rows))}
	for i := range rows {
		c := y.Counts(i, 0)
		s.fBeta += c.FBeta(beta)
		s.counts.Add(c)
	}
	return s
}
