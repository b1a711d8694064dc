package input

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Fields reads the fields of a table of a known form. It is safe for concurrent use.
type Fields struct {
	form    *Form
	names   nameIndex
	classes int // number of classes
}

// NewFields returns a reader of fields of a form, for a number of classes.
func NewFields(form *Form, classes int) Fields {
	return Fields{form, newNameIndex(form.Names), classes}
}

// Class returns the class that text names. ok is false if there is no such class.
func (x Fields) Class(text string) (c int, ok bool) {
	if len(x.form.Names) > 0 {
		return x.names.find(text)
	}
	n, err := strconv.Atoi(text)
	c = n - x.form.First
	return c, err == nil && c >= 0 && c < x.classes
}

// Labels returns the classes of a field of Labels or Label. The field must be as a
// submission writes it: it returns an error for a class that does not exist or occurs
// twice, and for other separators than one between two classes.
func (x Fields) Labels(field string) ([]int, error) {
	if field == x.form.None {
		return nil, nil
	}
	parts := []string{field}
	if x.form.Separator != "" {
		parts = strings.Split(field, x.form.Separator)
	}
	var classes []int
	for _, part := range parts {
		c, ok := x.Class(part)
		switch {
		case !ok && part != strings.TrimSpace(part), part == "":
			return nil, fmt.Errorf("%q has more than one %q between two classes", field, x.form.Separator)
		case !ok && len(x.form.Names) == 0 && isNumber(part):
			return nil, fmt.Errorf("%q is no class number from %d to %d", part, x.form.First, x.form.First+x.classes-1)
		case !ok || string(x.form.AppendClass(nil, c)) != part:
			return nil, fmt.Errorf("%q is no class", part)
		case slices.Contains(classes, c):
			return nil, fmt.Errorf("class %q is given twice", part)
		}
		classes = append(classes, c)
	}
	return classes, nil
}

// splitID divides an id in RowPerClass into an image and a class.
func (x Fields) splitID(id string) (image string, class int, ok bool) {
	if len(x.form.Names) == 0 {
		return splitNumber(id, x.form.Separator, x.Class)
	}
	return splitName(id, x.form.Separator, x.Class)
}

// splitNumber divides an id into an image and the number of a class at its end.
func splitNumber(id, separator string, class func(string) (int, bool)) (image string, c int, ok bool) {
	i := strings.LastIndex(id, separator)
	if i < 1 {
		return "", 0, false
	}
	c, ok = class(id[i+len(separator):])
	return id[:i], c, ok
}

// maxNameParts bounds the separators inside of a class's name in an id.
const maxNameParts = 16

// splitName divides an id into an image and the name of a class. The class is the last
// part of the id that names one; of several parts that end at the same place, it is the
// longest. class finds a class by name.
func splitName(id, separator string, class func(string) (int, bool)) (image string, c int, ok bool) {
	parts := strings.Split(id, separator)
	for end := len(parts); end > 0; end-- {
		for start := max(0, end-maxNameParts); start < end; start++ {
			if start == 0 && end == len(parts) {
				continue // there is no image
			}
			if c, ok := class(strings.Join(parts[start:end], separator)); ok {
				return strings.Join(slices.Concat(parts[:start], parts[end:]), separator), c, true
			}
		}
	}
	return "", 0, false
}
