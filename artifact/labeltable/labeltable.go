// Package labeltable reads training tables as competitions publish them: the ids of the
// images, and the classes, grades or numbers that belong to each.
//
//	t, err := labeltable.Open("train.csv", labeltable.Options{Task: task.Multiclass, Classes: 5})
//	// t.IDs[0] is "1000015157.jpg", t.Labels[0] is []int{0}
//
// A table is a CSV file with a header. The forms of the labels are
//
//	numbers or names  one column; several labels are separated by spaces, commas,
//	                  semicolons or bars, or are a Python list: ['a', 'b']
//	one-hot columns   a column for each class with 0 or 1
//	label columns     several columns of numbers or names; an image has their union
//	targets           columns of numbers, for a regression
//
// Names are numbered by [Options.ClassNames], or else in ascending order of their bytes.
// [ReadClasses] reads such a list.
//
// The package refuses a table whose form is unclear. The error has the file and line,
// and the key of the config that settles the form.
package labeltable

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"

	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/runtime/input"
	"github.com/deploy-kernel/deploy-kernel/runtime/task"
)

// Options says how a table is read. The zero value means a multilabel table whose form
// the table shows.
type Options struct {
	Task task.Task
	// Classes is the number of classes, or of the targets of a regression. 0 accepts
	// any number.
	Classes int
	// ID names the column of ids. "" takes the first of two columns, or the only
	// column of many that is named like an id and has no value twice.
	ID string
	// Columns names the columns of the labels or targets. nil takes the other one of
	// two columns, the only column that is named like labels, or else all columns if
	// each holds only 0 and 1.
	Columns []string
	// Separator separates the labels of a field. "" takes the one that the column
	// shows.
	Separator string
	// ClassNames holds the names of the classes by number, or is nil.
	ClassNames []string
	// Group names a column of groups, such as patients; "" means none.
	Group string
}

// Table holds the labels of a table. All slices but Values have an element per row.
type Table struct {
	Name  string // of the file, for messages
	IDs   []string
	Lines []int // lines in the file, from 1
	// Labels holds the class numbers of each row, ascending, each once. It is nil for
	// a regression.
	Labels [][]int
	// Values holds the targets of a regression, rows x Targets, in row-major order.
	Values  []float32
	Targets int
	// Classes is the number of classes or targets: that of the options or, if it is 0
	// there, as many as the table shows.
	Classes int
	// Names holds the names of the classes or targets by number; nil for class numbers.
	Names []string
	// Groups is the column of the groups, or nil.
	Groups []string
	// IDColumn and LabelColumns are the columns that were read.
	IDColumn     string
	LabelColumns []string
	// OneHot reports whether the label columns hold 0 and 1 for a class each.
	OneHot bool
}

// ClassName returns the name of a class, or its number if it has none.
func (t *Table) ClassName(class int) string {
	if t.Names != nil {
		return t.Names[class]
	}
	return strconv.Itoa(class)
}

// maxListed limits the wrong rows that an error lists.
const maxListed = 5

// RowsError is returned, together with the table, if only the labels of some rows are
// wrong. The labels of these rows are incomplete.
type RowsError struct {
	Errs []error // in the order of the rows
}

// Error lists the first errors.
func (e *RowsError) Error() string {
	text := e.Errs[0].Error()
	for _, err := range e.Errs[1:min(len(e.Errs), maxListed)] {
		text += "\n" + err.Error()
	}
	if n := len(e.Errs) - maxListed; n > 0 {
		text += fmt.Sprintf("\nand %d more rows with wrong labels", n)
	}
	return text
}

// Open reads the table at path.
func Open(path string, o Options) (*Table, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return Read(path, f, o)
}

// Header returns the names of the columns of the table at path.
func Header(path string) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return input.NewRecords(path, f).Header()
}

// Read reads a table. name is what errors call it.
func Read(name string, r io.Reader, o Options) (*Table, error) {
	if err := checkNames(o); err != nil {
		return nil, err
	}
	c, err := readColumns(name, r, o)
	if err != nil {
		return nil, err
	}
	t := &Table{
		Name: name, IDs: c.ids, Lines: c.lines, Groups: c.groups, Classes: o.Classes, Names: slices.Clone(o.ClassNames),
		IDColumn: c.header[c.id], LabelColumns: c.labelNames(),
	}
	p := &parser{columns: c, options: o, table: t}
	if err := p.parse(); err != nil {
		return nil, err
	}
	switch {
	case len(p.wrong) == 0:
		return t, nil
	case p.hint != "":
		return t, hint.New(&RowsError{p.wrong}, "%s", p.hint)
	}
	return t, &RowsError{p.wrong}
}

// checkNames refuses class names that are empty or come twice, and another number of
// them than of classes.
func checkNames(o Options) error {
	seen := map[string]int{}
	for i, name := range o.ClassNames {
		if first, twice := seen[name]; twice {
			return fmt.Errorf("labels.classes: %q is there twice, as class %d and %d", name, first, i)
		}
		if name == "" {
			return fmt.Errorf("labels.classes: the name of class %d is empty", i)
		}
		seen[name] = i
	}
	if n := len(o.ClassNames); n > 0 && o.Classes > 0 && n != o.Classes {
		return fmt.Errorf("labels.classes has %d names, but model.num_classes is %d", n, o.Classes)
	}
	return nil
}
