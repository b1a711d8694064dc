package command

import (
	"fmt"
	"os"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/internal/foldfile"
	"github.com/deploy-kernel/deploy-kernel/internal/metric"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/trainer/fold"
	"github.com/spf13/cobra"
)

// foldsVerb divides a table.
func foldsVerb() *cobra.Command {
	var f configFlags
	var separator string
	var force bool
	cmd := &cobra.Command{
		Use:   "folds --config CONFIG.yml",
		Short: "Divide the rows of a table into folds",
		Long: `folds divides the table of a config into model.num_folds parts in which every
label is as frequent as in the whole, and writes train.folds_file: uint8, one
number per row. The same table and seed give the same folds.

Near-copies of one picture must not be in different folds. Where their ids begin
alike, --group-by names what ends that part: with "-", the rows a-1 and a-2 stay
together.`,
		Example: `  train folds --config small.yml
  train folds --config emoji.yml --group-by - --seed 3`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := f.project(cmd)
			if err != nil {
				return err
			}
			return p.divide(separator, force)
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&separator, "group-by", "", "keep rows together whose ids are equal up to this `TEXT`")
	cmd.Flags().BoolVar(&force, "force", false, "overwrite the file of folds that is there")
	return cmd
}

func (p *project) divide(separator string, force bool) error {
	out := p.path(p.c.Train.FoldsFile)
	if _, err := os.Stat(out); err == nil && !force {
		return cli.Hint(fmt.Errorf("%s is there already", out), "--force overwrites it; trainings that used it can't be compared with new ones")
	}
	table, err := input.ReadTableFile(p.path(p.c.Train.CSV))
	if err != nil {
		return err
	}
	labels := make([][]int, len(table.Rows))
	o := fold.Options{Folds: p.c.Model.NumFolds, Seed: p.c.Train.Seed}
	for i, row := range table.Rows {
		if labels[i], err = table.Classes(i, p.c.Model.NumClasses); err != nil {
			return err
		}
		if separator != "" {
			group, _, _ := strings.Cut(row.ID, separator)
			o.Groups = append(o.Groups, group)
		}
	}
	folds, err := fold.Stratify(labels, o)
	if err != nil {
		return fmt.Errorf("%s: %w", table.Name, err)
	}
	if err := foldfile.Write(out, folds); err != nil {
		return err
	}
	sizes := make([]int, o.Folds)
	for _, f := range folds {
		sizes[f]++
	}
	cli.Printf(p.cmd, "%s: %d rows in %d folds of %s", out, len(folds), o.Folds, strings.Trim(fmt.Sprint(sizes), "[]"))
	given, score := metric.BestConstant(labels, p.c.Model.NumClasses, 2)
	cli.Printf(p.cmd, "to beat: giving every row the labels %s has F2 %.4f", strings.Trim(fmt.Sprint(given), "[]"), score)
	return nil
}
