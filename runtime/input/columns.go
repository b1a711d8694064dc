package input

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/runtime/task"
)

// columnPerClass maps the columns of a table to classes: by the names of the classes, by
// numbers in the columns' names, or else by their order.
func (s *survey) columnPerClass() (Form, string, error) {
	f := Form{Layout: ColumnPerClass, Answer: s.rules.Submission}
	others := s.others()
	numeric := slices.DeleteFunc(slices.Clone(others), func(i int) bool { return !s.columns[i].numeric() })
	if s.rules.Task == task.Ordinal {
		return Form{}, "", s.wrong(0, "it has %d columns after the id, but an ordinal ensemble predicts one grade for each image", len(others))
	}
	note, err := s.mapColumns(&f, others, numeric)
	if err != nil {
		return Form{}, "", err
	}
	var written []int
	for i, c := range f.Classes {
		if c >= 0 {
			written = append(written, i)
		}
	}
	f.Answer, f.No, f.Yes = s.perClass(written...)
	return f, note, s.inRange(&f, written...)
}

// perClass decides between values and indicators for columns of single classes.
func (s *survey) perClass(columns ...int) (a Answer, no, yes string) {
	a = s.rules.Submission
	words := &s.columns[columns[0]]
	for _, i := range columns {
		if s.columns[i].booleans > 0 {
			words = &s.columns[i]
		}
	}
	if a == Unsettled {
		a = Values
		if words.booleans > 0 {
			a = Indicators
		}
	}
	no, yes = indicators(a, words)
	return a, no, yes
}

// mapColumns sets the classes of the columns.
func (s *survey) mapColumns(f *Form, others, numeric []int) (note string, err error) {
	n := s.rules.Classes
	f.Classes = make([]int, len(s.header))
	for i := range f.Classes {
		f.Classes[i] = -1
	}
	if found, note, err := s.mapNames(f, numeric); found || err != nil {
		return note, err
	}
	if run := s.numberedColumns(numeric); run != nil {
		for c, i := range run {
			f.Classes[i] = c
		}
		return "", nil
	}
	if len(numeric) != n {
		return "", s.unnamed(0, "it has %d columns after the id, but the ensemble has %d classes", len(others), n)
	}
	names := make([]string, n)
	for c, i := range numeric {
		names[c], f.Classes[i] = s.header[i], c
	}
	if !sorted(names) {
		return "", s.unnamed(0, "its columns %s are not sorted, and the ensemble's classes have no names: their order is unknown", quoted(names))
	}
	return s.assumed("the columns " + quoted(names)), nil
}

// mapNames maps the columns named like classes. found is false if none is.
func (s *survey) mapNames(f *Form, numeric []int) (found bool, note string, err error) {
	column := make([]int, len(s.rules.Names)) // by class
	var unknown []string
	for _, i := range numeric {
		c, ok := s.names.findFolded(s.header[i])
		switch {
		case !ok:
			unknown = append(unknown, s.header[i])
			continue
		case column[c] > 0:
			return false, "", s.wrong(0, "its columns %q and %q are both the class %q", s.header[column[c]-1], s.header[i], s.rules.Names[c])
		}
		found = true
		column[c], f.Classes[i] = i+1, c
	}
	if !found {
		return false, "", nil
	}
	var missing []string
	for c, i := range column {
		if i == 0 {
			missing = append(missing, s.rules.Names[c])
		}
	}
	switch {
	case len(missing) > 0 && len(unknown) > 0:
		return false, "", s.unnamed(0, "it has no column for the classes %s, and its columns %s are no classes", quoted(missing), quoted(unknown))
	case len(missing) > 0:
		note = "the sample has no column for the classes " + quoted(missing)
	case len(unknown) > 0:
		note = fmt.Sprintf("the columns %s are no classes of the ensemble: they are copied from the sample", quoted(unknown))
	}
	return true, note, nil
}

// numberedColumns returns the columns whose names are a common text and consecutive
// numbers, by number, or nil if there is not one for each class.
func (s *survey) numberedColumns(columns []int) []int {
	byPrefix := map[string]map[int]int{}
	for _, i := range columns {
		prefix, n, ok := splitTrailing(s.header[i])
		if !ok {
			continue
		}
		if byPrefix[prefix] == nil {
			byPrefix[prefix] = map[int]int{}
		}
		if _, ok := byPrefix[prefix][n]; ok {
			return nil
		}
		byPrefix[prefix][n] = i
	}
	var run []int
	for _, numbers := range byPrefix {
		if len(numbers) != s.rules.Classes {
			continue
		}
		if run != nil {
			return nil
		}
		first := -1
		for n := range numbers {
			if first < 0 || n < first {
				first = n
			}
		}
		for n := first; n < first+len(numbers); n++ {
			i, ok := numbers[n]
			if !ok {
				return nil
			}
			run = append(run, i)
		}
	}
	return run
}

// splitTrailing divides a name into a text and the number at its end.
func splitTrailing(name string) (prefix string, n int, ok bool) {
	prefix = strings.TrimRight(name, "0123456789")
	n, err := strconv.Atoi(name[len(prefix):])
	return prefix, n, err == nil
}

// sorted reports whether names are in the order of their bytes, or in a natural order.
func sorted(names []string) bool {
	return slices.IsSorted(names) || slices.IsSortedFunc(names, compareNatural)
}

// compareNatural compares names without regard to case. Numbers in them compare by value.
func compareNatural(a, b string) int {
	a, b = strings.ToLower(a), strings.ToLower(b)
	for a != "" && b != "" {
		x, restA := leadingNumber(a)
		y, restB := leadingNumber(b)
		switch {
		case restA != a && restB != b && x != y:
			return cmp.Compare(x, y)
		case restA != a && restB != b:
			a, b = restA, restB
		case a[0] != b[0]:
			return int(a[0]) - int(b[0])
		default:
			a, b = a[1:], b[1:]
		}
	}
	return len(a) - len(b)
}

// leadingNumber returns the number at the beginning of a text and the rest. Without a
// number, or for one that is too large, the rest is the text.
func leadingNumber(text string) (n int, rest string) {
	rest = strings.TrimLeft(text, "0123456789")
	n, err := strconv.Atoi(text[:len(text)-len(rest)])
	if err != nil {
		return 0, text
	}
	return n, rest
}
