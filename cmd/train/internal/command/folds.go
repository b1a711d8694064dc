package command

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/metric"
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

// division is a table and its division into folds.
type division struct {
	name   string // of the table
	ids    []string
	labels [][]int
	groups []string
	folds  []uint8
	sizes  []int
}

func (p *project) divide(separator string, force bool) error {
	if out := p.path(p.config.Train.FoldsFile); !force {
		if _, err := os.Stat(out); err == nil {
			return hint.New(fmt.Errorf("%s is there already", out), "--force overwrites it; trainings that used it can't be compared with new ones")
		}
	}
	table, err := input.ReadTableFile(p.path(p.config.Train.CSV))
	if errors.Is(err, fs.ErrNotExist) {
		err = p.missing(err, "train.csv", "the table")
	}
	if err != nil {
		return err
	}
	d := division{name: table.Name, ids: table.IDs(), labels: make([][]int, len(table.Rows))}
	for i, row := range table.Rows {
		if d.labels[i], err = table.Classes(i, p.config.Model.NumClasses); err != nil {
			return err
		}
		if separator != "" {
			group, _, _ := strings.Cut(row.ID, separator)
			d.groups = append(d.groups, group)
		}
	}
	if err := p.stratify(&d); err != nil {
		return err
	}
	out, err := p.writeFolds(d.folds)
	if err != nil {
		return err
	}
	cli.Printf(p.cmd, "%s: %s", out, d.summary())
	given, score := metric.BestConstant(d.labels, p.config.Model.NumClasses, 2)
	cli.Printf(p.cmd, "to beat: giving every row the labels %s has F2 %.4f", strings.Trim(fmt.Sprint(given), "[]"), score)
	return nil
}

// stratify divides the table.
func (p *project) stratify(d *division) (err error) {
	n := p.config.Model.NumFolds
	if d.folds, err = fold.Stratify(d.labels, fold.Options{Folds: n, Seed: p.config.Train.Seed, Groups: d.groups}); err != nil {
		return fmt.Errorf("%s: %w", d.name, err)
	}
	d.sizes = make([]int, n)
	for _, f := range d.folds {
		d.sizes[f]++
	}
	return nil
}

func (d *division) summary() string {
	return fmt.Sprintf("%d rows in %d folds of %s", len(d.folds), len(d.sizes), strings.Trim(fmt.Sprint(d.sizes), "[]"))
}
