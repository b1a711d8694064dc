package labeltable

import (
	"strconv"
	"strings"
)

// Cells returns the fields of the label columns of row i, in the form in which the table
// was read. If there are several label columns, the first gets all labels. separator
// stands between labels, as in Options. If it is "", numbers are separated by spaces, and
// names form a list.
func (t *Table) Cells(i int, separator string) []string {
	cells := make([]string, len(t.LabelColumns))
	switch {
	case t.Labels == nil:
		for k := range cells {
			cells[k] = strconv.FormatFloat(float64(t.Values[i*t.Targets+k]), 'g', -1, 32)
		}
	case t.OneHot:
		for k := range cells {
			cells[k] = "0"
		}
		for _, class := range t.Labels[i] {
			cells[t.columnOf(class)] = "1"
		}
	default:
		cells[0] = t.list(t.Labels[i], separator)
	}
	return cells
}

// columnOf returns the one-hot column of a class.
func (t *Table) columnOf(class int) int {
	for k, name := range t.LabelColumns {
		if len(t.LabelColumns) > 1 && name == t.Names[class] {
			return k
		}
	}
	return class
}

// list returns labels as a field.
func (t *Table) list(labels []int, separator string) string {
	names := make([]string, len(labels))
	for k, class := range labels {
		names[k] = t.ClassName(class)
	}
	switch {
	case len(names) < 2:
		return strings.Join(names, "")
	case separator != "":
		return strings.Join(names, separator)
	case t.Names == nil:
		return strings.Join(names, " ")
	}
	return "['" + strings.Join(names, "', '") + "']"
}
