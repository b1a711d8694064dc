package command

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/blend/oof"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/internal/say"
	"github.com/deploy-kernel/deploy-kernel/runtime/atomicfile"
	"github.com/deploy-kernel/deploy-kernel/runtime/npy"
	"github.com/spf13/cobra"
)

// outOfFold returns the command that writes the predictions of a blend.
func outOfFold() *cobra.Command {
	var f ensembleFlags
	var output string
	cmd := &cobra.Command{
		Use:   "oof ENSEMBLE.yml",
		Short: "Write the out-of-fold predictions of an ensemble",
		Long: `oof blends the out-of-fold predictions of an ensemble, with coefficients scaled to
sum to 1. It writes one float32 array with a row for each row of train.csv, in
its order, and a column for each class or target. If the metric of a multilabel
ensemble scores labels, a value above 0 is a label given. Otherwise the values are
probabilities, expected grades or targets.`,
		Example: `  blend oof best_val_0.6397.yml --predictions models/ -o best_oof.npy`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := f.open(args[0])
			if err != nil {
				return err
			}
			if output == "" {
				output = strings.TrimSuffix(filepath.Base(args[0]), filepath.Ext(args[0])) + "_oof.npy"
			}
			if err := b.scale(); err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			if err := b.write(cmd, output); err != nil {
				return err
			}
			cli.Printf(cmd, "%s: %d rows x %s", output, len(b.set.Truth.Table.IDs), say.Count(b.set.Columns, columnNoun(b.set)))
			return nil
		},
	}
	f.add(cmd)
	cmd.Flags().StringVarP(&output, "output", "o", "", "`FILE` to write (default: <ensemble>_oof.npy)")
	return cmd
}

// scale makes the coefficients sum to 1.
func (b *blended) scale() error {
	sum := 0.0
	for _, w := range b.mix.Coefficients {
		sum += w
	}
	if sum <= 0 {
		return fmt.Errorf("the weights sum to %s; the sum must be above 0", say.Number(sum))
	}
	for i := range b.mix.Coefficients {
		b.mix.Coefficients[i] /= sum
	}
	return nil
}

// write writes the blended predictions of all rows, several folds at once.
func (b *blended) write(cmd *cobra.Command, path string) error {
	out, err := atomicfile.Create(path)
	if err != nil {
		return err
	}
	defer out.Close()
	var header bytes.Buffer
	if err := npy.WriteHeader(&header, npy.Header{DType: npy.Float32, Shape: []int{len(b.set.Truth.Table.IDs), b.set.Columns}}); err != nil {
		return err
	}
	if _, err := out.WriteAt(header.Bytes(), 0); err != nil {
		return err
	}
	mixOf := func(int) (oof.Mix, error) { return b.mix, nil }
	if !b.metric.Decides() {
		thresholds, err := b.set.Thresholds()
		if err != nil {
			return err
		}
		mixOf = func(fold int) (oof.Mix, error) { return b.plain(thresholds, fold) }
	}
	err = withProgress(cmd, b.set, func(ctx context.Context, done func(int)) error {
		return b.set.EachFold(ctx, func(ctx context.Context, fold int) error {
			mix, err := mixOf(fold)
			if err != nil {
				return err
			}
			var row bytes.Buffer
			return b.set.Blend(ctx, fold, mix, func(rows []int, values []float32) error {
				for i, r := range rows {
					row.Reset()
					if err := npy.AppendFloat32s(&row, values[i*b.set.Columns:(i+1)*b.set.Columns]); err != nil {
						return err
					}
					if _, err := out.WriteAt(row.Bytes(), int64(header.Len())+int64(r)*int64(row.Len())); err != nil {
						return err
					}
				}
				done(len(values) * len(b.mix.Coefficients))
				return nil
			})
		})
	})
	if err != nil {
		return err
	}
	return out.Commit()
}
