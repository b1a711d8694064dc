package input

import (
	"math"
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

// isNumber reports whether a field is a finite number.
func isNumber(cell string) bool {
	x, err := strconv.ParseFloat(strings.TrimSpace(cell), 64)
	return err == nil && !math.IsNaN(x) && !math.IsInf(x, 0)
}

func shorten(text string) string {
	if len(text) > 40 {
		return strings.ToValidUTF8(text[:40], "") + "…"
	}
	return text
}
