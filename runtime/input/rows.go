package input

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/runtime/task"
)

// idSeparators are what may separate the image and the class in an id, the preferred
// first.
var idSeparators = []string{"_", "-", " ", ":", "|", "/", "."}

// rowPerClass recognizes a table of two columns with a row for each image and class,
// whose ids join both. The form is undecided for another table.
func (s *survey) rowPerClass() (Form, string, error) {
	i := s.others()[0]
	c := &s.columns[i]
	if len(s.ids) == 0 || !c.numeric() || c.means == meansOther || c.means == meansSeveral || s.rules.Task == task.Ordinal {
		return Form{}, "", nil
	}
	f := Form{Layout: RowPerClass, Field: i}
	for _, separator := range idSeparators {
		p, ok := s.pairs(separator)
		if !ok {
			continue
		}
		if !p.certain && c.decimals == 0 && c.means == meansOne {
			return Form{}, "", nil // a label for each of the images 1_0, 1_1, 2_0, …
		}
		ok, note, err := s.mapTexts(&f, p.texts)
		if err == nil && !ok && p.certain {
			err = s.unnamed(0, "it has %d rows for every image, one for each of %s, but the ensemble has %d classes", len(p.texts), quoted(p.texts), s.rules.Classes)
		}
		if err != nil || !ok {
			return Form{}, "", err
		}
		f.Separator = separator
		f.Answer, f.No, f.Yes = s.perClass(i)
		return f, note, s.inRange(&f, i)
	}
	return Form{}, "", nil
}

// pairs are the images and classes of a table with a row for each.
type pairs struct {
	texts   []string // distinct classes, by their first row
	certain bool     // the texts are names of classes, or the images exist without them
}

// newPairs returns the pairs of images and classes. ok is false unless every image has
// the same classes, at least two, each once.
func newPairs(images, classes []string) (p pairs, ok bool) {
	number := map[string]int{} // of a class
	type pair struct {
		image string
		class int
	}
	seen, count := make(map[pair]bool, len(images)), map[string]int{}
	for i, image := range images {
		n, known := number[classes[i]]
		if !known {
			n = len(p.texts)
			number[classes[i]] = n
			p.texts = append(p.texts, classes[i])
		}
		if seen[pair{image, n}] {
			return pairs{}, false
		}
		seen[pair{image, n}] = true
		count[image]++
	}
	for _, n := range count {
		if n != len(p.texts) {
			return pairs{}, false
		}
	}
	return p, len(p.texts) > 1
}

// pairs divides the ids into images and classes, by the names of the classes or at the
// last separator. ok is false if the ids are those of images.
func (s *survey) pairs(separator string) (p pairs, ok bool) {
	byName := func(id string) (image, class string, ok bool) {
		image, c, ok := splitName(id, separator, s.names.find)
		if !ok {
			return "", "", false
		}
		return image, s.rules.Names[c], true
	}
	atLast := func(id string) (image, class string, ok bool) {
		i := strings.LastIndex(id, separator)
		if i < 1 {
			return "", "", false
		}
		return id[:i], id[i+len(separator):], true
	}
	splits := []func(string) (string, string, bool){atLast}
	if len(s.rules.Names) > 0 {
		splits = append([]func(string) (string, string, bool){byName}, atLast)
	}
	for n, split := range splits {
		images, classes := make([]string, len(s.ids)), make([]string, len(s.ids))
		ok = true
		for i, id := range s.ids {
			if images[i], classes[i], ok = split(id); !ok {
				break
			}
		}
		if !ok {
			continue
		}
		if p, ok = newPairs(images, classes); !ok {
			continue
		}
		whole, part := s.exist(s.ids[0], images[0])
		p.certain = !whole && (part || len(splits) == 2 && n == 0)
		if p.certain || !whole && len(p.texts) == s.rules.Classes && len(images) > len(p.texts) {
			return p, true
		}
	}
	return pairs{}, false
}

// exist reports whether there are images of two ids.
func (s *survey) exist(a, b string) (bool, bool) {
	if s.rules.Images == nil {
		return false, false
	}
	where, err := s.rules.Images([]string{a, b})
	if err != nil {
		return false, false // the caller of ReadSample gets the error of its next search
	}
	_, hasA := where.Path(a)
	_, hasB := where.Path(b)
	return hasA, hasB
}

// classColumn recognizes a table of three columns with a row for each image and class.
func (s *survey) classColumn() (f Form, note string, ok bool, err error) {
	if s.rules.Task == task.Ordinal {
		return Form{}, "", false, nil
	}
	others := s.others()
	for k, class := range others {
		value := others[1-k]
		if !s.columns[value].numeric() || s.columns[value].means == meansOther {
			continue
		}
		classes := make([]string, len(s.fields))
		for i, record := range s.fields {
			classes[i] = strings.TrimSpace(record[class])
		}
		p, ok := newPairs(s.ids, classes)
		if !ok {
			continue
		}
		f := Form{Layout: ClassColumn, Class: class, Field: value}
		ok, note, err := s.mapTexts(&f, p.texts)
		if err != nil || ok {
			f.Answer, f.No, f.Yes = s.perClass(value)
			return f, note, ok, err
		}
	}
	return Form{}, "", false, nil
}

// mapTexts sets how a form writes the classes, which are texts in a table with a row for
// each class. They may be the names of classes, consecutive numbers, or as many texts as
// classes in a sorted order. ok is false if the texts are no classes.
func (s *survey) mapTexts(f *Form, texts []string) (ok bool, note string, err error) {
	r := &s.rules
	named := 0
	for _, text := range texts {
		if _, ok := s.names.find(text); ok {
			named++
		}
	}
	if named == len(texts) {
		f.Names = r.Names
		if named < len(r.Names) {
			note = fmt.Sprintf("the sample has rows for %d of the ensemble's %d classes", named, len(r.Names))
		}
		return true, note, nil
	}
	if len(texts) != r.Classes {
		return false, "", nil
	}
	if first, ok := consecutive(texts); ok {
		f.First = first
		return true, "", nil
	}
	switch {
	case len(r.Names) > 0:
		return false, "", s.unnamed(0, "it has a row for each image and class, but %s are no names of classes such as %s", quoted(texts), quoted(r.Names))
	case !sorted(texts):
		return false, "", s.unnamed(0, "it has a row for each image and one of %s, which are not sorted, and the ensemble's classes have no names: their order is unknown", quoted(texts))
	}
	f.Names = texts
	return true, s.assumed(quoted(texts)), nil
}

// assumed returns a note that the order of classes is assumed.
func (s *survey) assumed(what string) string {
	return fmt.Sprintf("the ensemble's classes have no names: %s are taken for its %d classes in this order; if it is another, name them by --classes", what, s.rules.Classes)
}

// consecutive returns the lowest of texts that are consecutive numbers in any order.
func consecutive(texts []string) (first int, ok bool) {
	numbers := make([]int, len(texts))
	for i, text := range texts {
		n, err := strconv.Atoi(text)
		if err != nil || strconv.Itoa(n) != text || n < 0 {
			return 0, false
		}
		numbers[i] = n
	}
	slices.Sort(numbers)
	for i, n := range numbers {
		if n != numbers[0]+i {
			return 0, false
		}
	}
	return numbers[0], len(numbers) > 0
}
