package command

import (
	"context"
	"fmt"
	"runtime"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/blend/oof"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/metric"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
)

// score returns the command that scores an ensemble as it stands.
func score() *cobra.Command {
	var f ensembleFlags
	var parameters parameterFlags
	cmd := &cobra.Command{
		Use:   "score ENSEMBLE.yml",
		Short: "Score an ensemble, fold by fold",
		Long: `score blends the out-of-fold predictions of an ensemble with the coefficients in
its file. For each fold and for all, it prints every metric that fits the task.
It computes them from all predictions, by definition.

Metrics of the probabilities of a multilabel ensemble need the thresholds in
<model>.yml beside the predictions. Without them they are left out. So are
roc-auc, average-precision and partial-auc of more than 32 million predictions.`,
		Example: `  blend score best_val_0.6397.yml --predictions models/`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := parameters.check(); err != nil {
				return err
			}
			b, err := f.open(args[0])
			if err != nil {
				return err
			}
			return b.score(cmd, b.metrics(cmd, &parameters))
		},
	}
	f.add(cmd)
	parameters.add(cmd)
	return cmd
}

// maxRanked is the number of predictions up to which metrics of ranks are printed. They
// take some minutes for more.
const maxRanked = 1 << 25

// metrics returns the metrics that fit the task. They have the parameters of the
// ensemble's metric, or else those of the flags.
func (b *blended) metrics(cmd *cobra.Command, f *parameterFlags) []metric.Metric {
	var all []metric.Metric
	for _, name := range metric.Fitting(b.set.Task) {
		m := metric.Metric{Name: name}
		if m.HasBeta() {
			m.Beta = b.metric.Beta
		}
		if name == b.metric.Name {
			m = b.metric
		}
		m = f.set(cmd, m)
		if m.Ranks() && len(b.set.Truth.Table.IDs)*b.set.Columns > maxRanked {
			continue
		}
		all = append(all, m)
	}
	return all
}

// score prints the scores of each fold and of all.
func (b *blended) score(cmd *cobra.Command, metrics []metric.Metric) error {
	labels := b.set.Task == task.Multilabel
	decisions := make([][]float32, b.set.Truth.Folds) // blended, by fold
	plain := decisions
	thresholds, err := b.set.Thresholds()
	if labels {
		plain = make([][]float32, len(decisions))
		if err != nil {
			cli.Printf(cmd, "without the metrics of probabilities: %v", err)
			plain = nil
		}
	} else if err != nil {
		return err
	}
	err = withProgress(cmd, b.set, func(ctx context.Context, done func(int)) error {
		return b.set.EachFold(ctx, func(ctx context.Context, fold int) (err error) {
			if labels {
				if decisions[fold], err = b.values(ctx, fold, b.mix, done); err != nil || plain == nil {
					return err
				}
			}
			mix, err := b.plain(thresholds, fold)
			if err != nil {
				return err
			}
			plain[fold], err = b.values(ctx, fold, mix, func(int) {})
			return err
		})
	})
	if err != nil {
		return err
	}
	var columns []column
	for _, m := range metrics {
		values := decisions
		if !m.Decides() {
			values = plain
		}
		if values != nil {
			columns = append(columns, column{metric: m, values: values})
		}
	}
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range columns {
		group.Go(func() error {
			columns[i].fill(b)
			return nil
		})
	}
	_ = group.Wait() // no goroutine returns an error
	var out strings.Builder
	out.WriteString("fold    rows")
	for _, c := range columns {
		fmt.Fprintf(&out, " %*s", c.width(), c.metric.Name)
	}
	out.WriteString("\n")
	for row := range b.set.Truth.Folds + 1 {
		name, rows := "all", 0
		for fold, r := range b.set.Truth.Rows {
			if fold == row {
				name = fmt.Sprint(fold)
			}
			if fold == row || row == b.set.Truth.Folds {
				rows += len(r)
			}
		}
		fmt.Fprintf(&out, "%4s %7d", name, rows)
		for _, c := range columns {
			fmt.Fprintf(&out, " %*.6f", c.width(), c.scores[row])
		}
		out.WriteString("\n")
	}
	_, err = cmd.OutOrStdout().Write([]byte(out.String()))
	return err
}

// values returns the blended predictions of a fold. done reports the values read.
func (b *blended) values(ctx context.Context, fold int, mix oof.Mix, done func(int)) ([]float32, error) {
	var all []float32
	err := b.set.Blend(ctx, fold, mix, func(_ []int, values []float32) error {
		all = append(all, values...)
		done(len(values) * len(mix.Coefficients))
		return nil
	})
	return all, err
}

// column holds the scores of one metric.
type column struct {
	metric metric.Metric
	values [][]float32 // blended predictions, by fold
	scores []float64   // by fold, and of all
}

func (c column) width() int { return max(8, len(c.metric.Name)) }

// fill computes the scores.
func (c *column) fill(b *blended) {
	all := metric.Rows{Classes: b.set.Classes, Task: b.set.Task}
	for fold, values := range c.values {
		y := metric.Rows{Scores: values, Classes: b.set.Classes, Task: b.set.Task}
		for _, r := range b.set.Truth.Rows[fold] {
			if b.set.Task == task.Regression {
				y.Values = append(y.Values, b.set.Values[r*b.set.Columns:(r+1)*b.set.Columns]...)
			} else {
				y.Labels = append(y.Labels, b.set.Labels[r])
			}
		}
		c.add(b, y)
		all.Scores, all.Labels, all.Values = append(all.Scores, y.Scores...), append(all.Labels, y.Labels...), append(all.Values, y.Values...)
	}
	c.add(b, all)
}

func (c *column) add(b *blended, y metric.Rows) {
	c.scores = append(c.scores, c.metric.Score(y, metric.Decision{Bounds: b.bounds}))
}
