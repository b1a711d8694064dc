package input

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// meaning is what a column's name says about its values.
type meaning uint8

const (
	meansAnything meaning = iota
	meansSeveral          // labels, attribute_ids
	meansOne              // label, class, target
	meansNumber           // probability, score
	meansOther            // masks, boxes
)

// The words of column names. A single word decides.
var (
	idWords      = wordSet("id image images img filename file name path ids")
	severalWords = wordSet("labels classes attributes attribute tags targets categories genres concepts diagnoses keywords")
	oneWords     = wordSet("label class target category diagnosis grade level species breed type digit answer severity cls y tag")
	numberWords  = wordSet("probability probabilities prob proba score confidence value likelihood percent percentage risk p price age count rating pawpularity")
	otherWords   = wordSet("encodedpixels encoded rle mask box boxes bbox predictionstring")
)

func wordSet(text string) map[string]bool {
	set := map[string]bool{}
	for word := range strings.FieldsSeq(text) {
		set[word] = true
	}
	return set
}

// words splits a column's name: "EncodedPixels" and "encoded_pixels" are two words,
// "ID" is one.
func words(name string) []string {
	var all []string
	word := []rune{}
	end := func() {
		if len(word) > 0 {
			all = append(all, strings.ToLower(string(word)))
		}
		word = word[:0]
	}
	lower := false
	for _, r := range name {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			end()
			lower = false
			continue
		}
		if unicode.IsUpper(r) && lower {
			end()
		}
		lower = unicode.IsLower(r)
		word = append(word, r)
	}
	end()
	return all
}

// columnMeaning returns what a column's name says about its values.
func columnMeaning(name string) meaning {
	all := words(name)
	has := func(set map[string]bool) bool {
		return slices.ContainsFunc(all, func(w string) bool { return set[w] })
	}
	switch {
	case has(otherWords), otherWords[strings.Join(all, "")]:
		return meansOther
	case has(numberWords):
		return meansNumber
	case has(severalWords), len(all) > 0 && all[len(all)-1] == "ids":
		return meansSeveral
	case has(oneWords):
		return meansOne
	}
	return meansAnything
}

func isNumber(cell string) bool {
	_, err := strconv.ParseFloat(strings.TrimSpace(cell), 64)
	return err == nil
}

// values counts the labels of a sample's rows.
type values struct {
	empty, single, several int
	highest                int // class number
}

// add counts the labels of one row. It returns what is wrong with them if they cannot
// be class numbers, else "".
func (v *values) add(cell string) string {
	n := 0
	var seen []int
	for text := range strings.FieldsSeq(cell) {
		c, err := strconv.Atoi(text)
		switch {
		case err == nil && c < 0:
			return fmt.Sprintf("%q is no class number", text)
		case err == nil && slices.Contains(seen, c):
			return fmt.Sprintf("%q has the number %d twice, so these are no class numbers", shorten(cell), c)
		case err == nil:
			n++
			v.highest = max(v.highest, c)
			if len(seen) < 64 {
				seen = append(seen, c)
			}
			continue
		case isNumber(text):
			return fmt.Sprintf("it has decimal numbers, such as probabilities: %q", text)
		case strings.ContainsAny(text, ",;|"):
			return fmt.Sprintf("%q is not separated by spaces", shorten(cell))
		}
		return fmt.Sprintf("it has text, such as names of classes: %q", shorten(cell))
	}
	switch n {
	case 0:
		v.empty++
	case 1:
		v.single++
	default:
		v.several++
	}
	return ""
}

func shorten(text string) string {
	if len(text) > 40 {
		return strings.ToValidUTF8(text[:40], "") + "…"
	}
	return text
}

// judge decides, by names and values, whether a table of two columns is a sample of
// labels. It returns a note if the table may be of another kind.
func (s *sampleReader) judge(t *Table, v values) (note string, err error) {
	if s.rules.Submission == Labels {
		return "", nil
	}
	ambiguous := func(format string, args ...any) error {
		e := s.wrong(0, format, args...)
		e.Ambiguous = true
		return e
	}
	column := t.Columns[1]
	means := columnMeaning(column)
	switch {
	case means == meansOther:
		return "", ambiguous("its column %q is one of masks or boxes", column)
	case s.rules.Classes > 0 && v.highest >= s.rules.Classes:
		return "", ambiguous("it has the number %d, but the ensemble has %d classes (0 to %d)", v.highest, s.rules.Classes, s.rules.Classes-1)
	case v.several > 0 || v.empty > 0 && v.single > 0 || means == meansSeveral:
		return "", nil
	}
	if what, err := s.longForm(t, v); err != nil {
		return "", err
	} else if what != "" {
		return "", ambiguous("%s", what)
	}
	switch {
	case means == meansNumber:
		return "", ambiguous("its column %q is one of numbers, such as probabilities", column)
	case s.rules.Training == SeveralLabels:
		return "", nil
	case means == meansOne && v.single > 0:
		return "", ambiguous("it has one number in every row of the column %q: one class for each image", column)
	case means == meansOne:
		return "", ambiguous("its column %q names one class for each image, and no value shows anything else", column)
	case v.single > 0 && s.rules.Training == OneLabel:
		return "", ambiguous("it has one number in every row, as the training table has: one class for each image")
	case v.single > 0:
		return fmt.Sprintf("%s has one number in every row of the column %q; any number of classes is written: where the competition takes one, this is the wrong kind",
			t.Name, column), nil
	}
	return "", nil
}

// longForm returns the evidence that a table has a row for each image and class, or
// "": every id occurs equally often, or has the form IMAGE_CLASS.
func (s *sampleReader) longForm(t *Table, v values) (what string, err error) {
	if v.single != len(t.Rows) || v.single == 0 {
		return "", nil
	}
	perID, perPrefix := map[string]int{}, map[string]int{}
	suffixes := map[string]bool{}
	allSplit := true
	for _, row := range t.Rows {
		perID[row.ID]++
		i := strings.LastIndexByte(row.ID, '_')
		if i < 1 {
			allSplit = false
			continue
		}
		perPrefix[row.ID[:i]]++
		suffixes[row.ID[i+1:]] = true
	}
	if n, ok := everyCount(perID); ok && n > 1 {
		return fmt.Sprintf("it has %d rows for every image, with one number each", n), nil
	}
	n, ok := everyCount(perPrefix)
	if !allSplit || !ok || n < 2 || n != len(suffixes) {
		return "", nil
	}
	image, class := t.Rows[0].ID[:strings.LastIndexByte(t.Rows[0].ID, '_')], t.Rows[0].ID
	if s.rules.Images != nil {
		where, err := s.rules.Images([]string{class, image})
		if err != nil {
			return "", err
		}
		_, whole := where.Path(class)
		_, part := where.Path(image)
		if whole || !part && n != s.rules.Classes {
			return "", nil
		}
	} else if n != s.rules.Classes || len(perPrefix) < 2 {
		return "", nil
	}
	return fmt.Sprintf("it has %d rows for every image, such as %q of the image %q", n, class, image), nil
}

// everyCount returns the count that all keys share; ok is false if they differ.
func everyCount(counts map[string]int) (int, bool) {
	first := 0
	for _, n := range counts {
		if first == 0 {
			first = n
		}
		if n != first {
			return 0, false
		}
	}
	return first, first > 0
}
