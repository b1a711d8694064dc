package input

import (
	"strings"
	"unicode"
)

// nameIndex finds classes by name.
type nameIndex struct {
	exact  map[string]int
	folded map[string]int // -1 for a text that several names fold to
}

func newNameIndex(names []string) nameIndex {
	x := nameIndex{make(map[string]int, len(names)), make(map[string]int, len(names))}
	for c, name := range names {
		x.exact[name] = c
		key := fold(name)
		if _, ok := x.folded[key]; ok {
			c = -1
		}
		x.folded[key] = c
	}
	return x
}

// find returns the class of exactly this name.
func (x nameIndex) find(name string) (int, bool) {
	c, ok := x.exact[name]
	return c, ok
}

// findFolded also returns the class whose name differs only in case, spaces and
// punctuation.
func (x nameIndex) findFolded(name string) (int, bool) {
	if c, ok := x.exact[name]; ok {
		return c, true
	}
	c, ok := x.folded[fold(name)]
	return c, ok && c >= 0
}

// fold returns the letters and digits of a name, in lower case.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}
