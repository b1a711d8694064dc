package command

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/artifact/foldfile"
	"github.com/deploy-kernel/deploy-kernel/artifact/labeltable"
	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/internal/say"
	"github.com/deploy-kernel/deploy-kernel/metric"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
	"github.com/deploy-kernel/deploy-kernel/trainer/fold"
	"github.com/spf13/cobra"
)

// foldsVerb divides a table.
func foldsVerb() *cobra.Command {
	var f configFlags
	var groupBy string
	var force bool
	cmd := &cobra.Command{
		Use:   "folds --config CONFIG.yml",
		Short: "Divide the rows of a table into folds",
		Long: `folds divides the table of a config into model.num_folds parts in which every
label is as frequent as in the whole, and writes train.folds_file: uint8, one
number per row. The same table and seed give the same folds. The targets of a
regression are spread by their quantiles.

Near-copies of one picture, or pictures of one patient, must not be in different
folds. --group-by names the column of the table that tells them, as labels.group
does in a config. If the table has no such column, it is the text that ends the
common part of their ids: with "-", the rows a-1 and a-2 stay together.`,
		Example: `  train folds --config small.yml
  train folds --config isic.yml --group-by patient_id
  train folds --config emoji.yml --group-by - --seed 3`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := f.project(cmd)
			if err != nil {
				return err
			}
			return p.divide(groupBy, force)
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&groupBy, "group-by", "", "keep rows together that are equal in this `COLUMN`, or whose ids are equal up to this text")
	cmd.Flags().BoolVar(&force, "force", false, "overwrite the file of folds that is there")
	return cmd
}

// division is a table and its division into folds.
type division struct {
	*labeltable.Table
	groups []string // nil: every row on its own
	folds  []uint8
	sizes  []int
}

func (p *project) divide(groupBy string, force bool) error {
	out := p.path(p.config.Train.FoldsFile)
	if foldfile.IsTable(out) {
		return hint.New(fmt.Errorf("train.folds_file is the table %s, whose folds are given", out), "`train folds` writes a .npy: name one by --set train.folds_file=folds.npy")
	}
	if _, err := os.Stat(out); err == nil && !force {
		return hint.New(fmt.Errorf("%s is there already", out), "--force overwrites it; trainings that used it can't be compared with new ones")
	}
	d, by, err := p.groupedTable(groupBy)
	if err != nil {
		return err
	}
	if err := p.stratify(d); err != nil {
		return err
	}
	if out, err = p.writeFolds(d.folds); err != nil {
		return err
	}
	cli.Printf(p.cmd, "%s: %s%s", out, d.summary(), by)
	cli.Printf(p.cmd, "to beat: %s", p.toBeat(d.Table))
	return nil
}

// groupedTable reads the table with the groups that --group-by or labels.group names. by
// says how the rows are grouped.
func (p *project) groupedTable(groupBy string) (d *division, by string, err error) {
	path := p.path(p.config.Train.CSV)
	header, err := labeltable.Header(path)
	if errors.Is(err, fs.ErrNotExist) {
		err = p.missing(err, "train.csv", "the table")
	}
	if err != nil {
		return nil, "", err
	}
	options, err := p.labelOptions()
	if err != nil {
		return nil, "", err
	}
	column := slices.Contains(header, groupBy)
	if column {
		options.Group = groupBy
	}
	table, err := labeltable.Open(path, options)
	if err != nil {
		return nil, "", err
	}
	d = &division{Table: table, groups: table.Groups}
	switch {
	case groupBy != "" && !column:
		if d.groups = prefixes(table.IDs, groupBy); d.groups == nil {
			return nil, "", hint.New(fmt.Errorf("--group-by %s: %s has no such column, and no id has this text", groupBy, path),
				"the columns are %s", say.Some(header, maxColumns))
		}
		by = fmt.Sprintf(", grouped by the ids up to %q", groupBy)
	case table.Groups != nil:
		by = ", grouped by the column " + options.Group
	}
	return d, by, nil
}

// maxColumns limits the columns in a message.
const maxColumns = 20

// prefixes returns the ids up to a separator, or nil if no id has it.
func prefixes(ids []string, separator string) []string {
	groups := make([]string, len(ids))
	any := false
	for i, id := range ids {
		found := false
		groups[i], _, found = strings.Cut(id, separator)
		any = any || found
	}
	if !any {
		return nil
	}
	return groups
}

// toBeat describes the best answer that is the same for all rows.
func (p *project) toBeat(t *labeltable.Table) string {
	by, y := p.config.Score(), metric.Rows{Labels: t.Labels, Values: t.Values, Classes: t.Classes, Task: p.config.Model.Task()}
	answer, score := by.Constant(y)
	var names []string
	for _, c := range answer.Labels {
		names = append(names, t.ClassName(c))
	}
	list := strings.Join(names, " ")
	if t.Names != nil {
		list = strings.Join(names, ", ")
	}
	what := "the mean of the targets"
	switch {
	case y.Task == task.Multilabel && by.Thresholds(y.Task):
		what = "the labels " + list
	case by.Decides() && y.Task != task.Regression:
		what = "the label " + list
	case y.Task == task.Ordinal:
		what = "the mean of the grades"
	case y.Task != task.Regression:
		what = "the share of each class"
	}
	return fmt.Sprintf("giving every row %s has %s", what, p.score(score))
}

// stratify divides the table.
func (p *project) stratify(d *division) (err error) {
	n, labels := p.config.Model.NumFolds, d.Labels
	if p.config.Model.Task() == task.Regression {
		labels = fold.Bins(d.Values, d.Targets, n)
	}
	if d.folds, err = fold.Stratify(labels, fold.Options{Folds: n, Seed: p.config.Train.Seed, Groups: d.groups}); err != nil {
		return fmt.Errorf("%s: %w", d.Name, err)
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
