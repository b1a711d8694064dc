package labeltable

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/internal/say"
	"github.com/deploy-kernel/deploy-kernel/internal/textfile"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
)

// parser turns the texts of the label columns into labels or targets.
type parser struct {
	*columns
	options Options
	table   *Table
	wrong   []error // of rows
	hint    string  // for the wrong rows
}

func (p *parser) parse() error {
	switch {
	case p.options.Task == task.Regression:
		return p.targets()
	case p.oneHot():
		return p.indicators()
	case len(p.labels) > 1 && p.options.Task != task.Multilabel:
		return hint.New(fmt.Errorf("%s:1: a row has one label, but labels.columns names %s", p.name, say.List(p.labelNames())),
			"name one column of labels, or columns that hold only 0 and 1")
	}
	return p.lists()
}

// rowError records that the labels of a row are wrong.
func (p *parser) rowError(row int, format string, args ...any) {
	p.wrong = append(p.wrong, fmt.Errorf("%s:%d: %s", p.name, p.lines[row], fmt.Sprintf(format, args...)))
}

// targets reads the numbers of a regression.
func (p *parser) targets() error {
	t, n := p.table, len(p.labels)
	if want := p.options.Classes; want > 0 && want != n {
		return hint.New(fmt.Errorf("%s:1: %s (%s), but model.num_classes is %d", p.name, say.Count(n, "column of targets"), say.Some(p.labelNames(), maxShown), want),
			"name the targets by labels.columns, or write `num_classes: %d`", n)
	}
	numbers := make([]float64, len(p.texts))
	for i, text := range p.texts {
		v, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsInf(float64(float32(v)), 0) {
			v = math.NaN()
		}
		numbers[i] = v
	}
	for row := range p.ids {
		for k, text := range p.row(row) {
			if math.IsNaN(numbers[text]) {
				p.rowError(row, "%q in the column %q is not a number", shorten(p.texts[text]), p.header[p.labels[k]])
			}
			t.Values = append(t.Values, float32(numbers[text]))
		}
	}
	t.Targets, t.Classes, t.Names = n, n, p.labelNames()
	return nil
}

// oneHot reports whether the label columns stand for a class each: several columns, or
// the column of the only class, that hold 0 and 1. In a column of the only class, 0
// alone is its number.
func (p *parser) oneHot() bool {
	any := len(p.labels) > 1
	if !any && (p.options.Classes != 1 || p.options.Task != task.Multilabel) {
		return false
	}
	for _, text := range p.texts {
		on, ok := indicator(text)
		if !ok {
			return false
		}
		any = any || on
	}
	return any
}

// indicator returns the value of a one-hot cell. ok is false for other texts.
func indicator(text string) (on, ok bool) {
	switch text {
	case "0", "0.0", "False", "false":
		return false, true
	case "1", "1.0", "True", "true":
		return true, true
	}
	return false, false
}

// indicators reads one-hot columns.
func (p *parser) indicators() error {
	classes, err := p.columnClasses()
	if err != nil {
		return err
	}
	p.table.OneHot = true
	for row := range p.ids {
		var labels []int
		for k, text := range p.row(row) {
			if on, _ := indicator(p.texts[text]); on {
				labels = append(labels, classes[k])
			}
		}
		slices.Sort(labels)
		p.add(row, labels)
	}
	return nil
}

// columnClasses returns the class of each one-hot column, and sets the names.
func (p *parser) columnClasses() ([]int, error) {
	names, t := p.labelNames(), p.table
	if want := p.options.Classes; want > 0 && want != len(names) {
		return nil, hint.New(fmt.Errorf("%s:1: %s of 0 and 1 (%s), but model.num_classes is %d", p.name, say.Count(len(names), "column"), say.Some(names, maxShown), want),
			"name the columns of labels by labels.columns, or write `num_classes: %d`", len(names))
	}
	t.Classes = len(names)
	classes := make([]int, len(names))
	if t.Names == nil || len(names) == 1 {
		for k := range names {
			classes[k] = k
		}
		if t.Names == nil {
			t.Names = names
		}
		return classes, nil
	}
	for k, name := range names {
		class := slices.Index(t.Names, name)
		if class < 0 {
			return nil, hint.New(fmt.Errorf("%s:1: the column %q is no class of labels.classes", p.name, name),
				"labels.classes names the columns: %s", say.Some(names, maxShown))
		}
		classes[k] = class
	}
	return classes, nil
}

// add appends the labels of a row, and checks their number.
func (p *parser) add(row int, labels []int) {
	p.table.Labels = append(p.table.Labels, labels)
	if p.options.Task != task.Multilabel && len(labels) != 1 {
		p.rowError(row, "%q has %s, but the task %s is for exactly one a row", shorten(p.ids[row]), say.Count(len(labels), "label"), p.options.Task)
	}
}

// lists reads columns of class numbers or names.
func (p *parser) lists() error {
	parts, err := p.split()
	if err != nil {
		return err
	}
	numbers, err := p.number(parts)
	if err != nil {
		return err
	}
	for row := range p.ids {
		var labels []int
		for k, text := range p.row(row) {
			for _, part := range parts[k][text] {
				class, ok := numbers[part]
				switch {
				case !ok && p.table.Names == nil:
					p.rowError(row, "%q is not a class number", shorten(part))
				case !ok:
					p.rowError(row, "%q is no class; there are %s", shorten(part), say.Some(p.table.Names, maxShown))
				case class < 0 || class >= p.table.Classes:
					p.rowError(row, "class %d, but there are %d (0 to %d)", class, p.table.Classes, p.table.Classes-1)
				default:
					labels = append(labels, class)
				}
			}
		}
		slices.Sort(labels)
		p.add(row, slices.Compact(labels))
	}
	return nil
}

// number returns the class of each part of a label. It sets the number of classes and,
// for names, the names.
func (p *parser) number(parts []map[uint32][]string) (map[string]int, error) {
	distinct := map[string]bool{}
	for _, column := range parts {
		for _, list := range column {
			for _, part := range list {
				distinct[part] = true
			}
		}
	}
	all := make([]string, 0, len(distinct))
	for part := range distinct {
		all = append(all, part)
	}
	slices.Sort(all)
	numbers := map[string]int{}
	if p.table.Names != nil && !p.onlyNumbers(all) {
		for class, name := range p.table.Names {
			numbers[name] = class
		}
		p.table.Classes = len(p.table.Names)
		return numbers, nil
	}
	var names []string // what can be no number
	highest := -1
	for _, part := range all {
		class, err := strconv.Atoi(part)
		if err == nil {
			numbers[part] = class
			highest = max(highest, class)
		} else if _, err := strconv.ParseFloat(part, 64); err != nil {
			names = append(names, part)
		}
	}
	if p.areNames(len(names), len(numbers), highest) {
		for part := range numbers {
			names = append(names, part)
		}
		slices.Sort(names)
		return p.named(names)
	}
	if p.table.Classes == 0 {
		p.table.Classes = highest + 1
	}
	if len(names) == 0 && highest >= len(all) && len(all) == p.options.Classes {
		p.hint = fmt.Sprintf("if the numbers are names, list them: `labels: {classes: [%s]}`", say.Some(all, maxShown))
	}
	return numbers, nil
}

// onlyNumbers reports whether labels are class numbers though the classes have names:
// all are numbers, and none is a name.
func (p *parser) onlyNumbers(all []string) bool {
	for _, part := range all {
		if _, err := strconv.Atoi(part); err != nil || slices.Contains(p.table.Names, part) {
			return false
		}
	}
	return true
}

// areNames reports whether labels are names although no list of classes says so: there
// are more names than numbers; or there are as many labels as classes, and some number is
// too high for a class. A few names among numbers are mistakes.
func (p *parser) areNames(names, numbers, highest int) bool {
	if names > numbers {
		return true
	}
	return names > 0 && names+numbers == p.options.Classes && highest >= p.options.Classes
}

// named numbers names in ascending order.
func (p *parser) named(all []string) (map[string]int, error) {
	if p.options.Task == task.Ordinal {
		return nil, hint.New(fmt.Errorf("%s:1: the grades have names (%s), whose order is unknown", p.name, say.Some(all, maxShown)),
			"list them from the lowest: `labels: {classes: [%s]}`", strings.Join(all[:min(len(all), maxShown)], ", "))
	}
	if want := p.options.Classes; want > 0 && want != len(all) {
		return nil, hint.New(fmt.Errorf("%s has %s (%s), but model.num_classes is %d", p.name, say.Count(len(all), "class"), say.Some(all, maxShown), want),
			"write `num_classes: %d`, or list the classes by labels.classes", len(all))
	}
	p.table.Names, p.table.Classes = all, len(all)
	numbers := make(map[string]int, len(all))
	for class, name := range all {
		numbers[name] = class
	}
	return numbers, nil
}

func shorten(text string) string { return textfile.Short(text) }
