package command

import (
	"fmt"
	"slices"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/cmd/internal/cli"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/internal/say"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
	"github.com/deploy-kernel/deploy-kernel/trainer/data"
	"github.com/deploy-kernel/deploy-kernel/trainer/fold"
)

// crossEntropy names the loss that needs exactly one label per row.
const crossEntropy = "cross_entropy"

// checkLabels refuses rows whose number of labels does not fit the loss.
func (p *project) checkLabels(set *data.Set) error {
	if p.config.Loss.Name != crossEntropy || set.Task != task.Multilabel {
		return nil // the table has been checked by the task
	}
	first, count := -1, 0
	for i, labels := range set.Labels {
		if len(labels) != 1 {
			if count++; first < 0 {
				first = i
			}
		}
	}
	if first < 0 {
		return nil
	}
	return hint.New(fmt.Errorf("%s:%d: %q has %s, but the loss cross_entropy is for exactly one a row (%d of %d rows have another number)",
		set.Name, set.Lines[first], set.IDs[first], say.Count(len(set.Labels[first]), "label"), count, len(set.IDs)),
		"--set loss.name=binary_cross_entropy is for rows of any number of labels")
}

// adviseTask notes that a table of one label per row could be of another task, unless the
// config names one.
func (p *project) adviseTask(set *data.Set) {
	c := p.config
	if c.Model.TaskName != "" || c.Loss.Name == crossEntropy || set.Classes < 2 {
		return
	}
	for _, labels := range set.Labels {
		if len(labels) != 1 {
			return
		}
	}
	cli.Printf(p.cmd, "every row has one label: `task: multiclass` in the section model trains a network that gives one")
}

// maxAbsent limits the absent classes that a warning lists.
const maxAbsent = 10

// warnAbsent warns of classes without a row to train on: those absent from the
// table, and those whose rows are all in one of the folds to hold out.
func (p *project) warnAbsent(set *data.Set, of []uint8, folds []int) {
	all := make([]int, len(set.IDs))
	for i := range all {
		all[i] = i
	}
	never := set.Absent(all)
	if len(never) > 0 {
		cli.Printf(p.cmd, "warning: no row has %s of %d: %s; networks only learn not to give them",
			say.Count(len(never), "class"), set.Classes, someClasses(set, never))
	}
	var parts []string
	total := 0
	for _, number := range folds {
		rows, _, err := fold.Split(of, number)
		if err != nil {
			continue // prepare reports it
		}
		absent := slices.DeleteFunc(set.Absent(rows), func(c int) bool { return slices.Contains(never, c) })
		if len(absent) > 0 {
			total += len(absent)
			parts = append(parts, fmt.Sprintf("fold %d: %s", number, someClasses(set, absent)))
		}
	}
	if total > 0 {
		cli.Printf(p.cmd, "warning: all rows of %s are held out, so that networks only learn not to give them: %s", say.Count(total, "class"), strings.Join(parts, "; "))
	}
}

// someClasses lists the names or numbers of the first classes.
func someClasses(set *data.Set, classes []int) string {
	names := make([]string, len(classes))
	for i, c := range classes {
		names[i] = set.ClassName(c)
	}
	return say.Some(names, maxAbsent)
}
