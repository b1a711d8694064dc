// Package nearest finds the name that a user probably meant, for "did you mean".
//
//	if s, ok := nearest.Name("encypt", []string{"encrypt", "decrypt"}); ok {
//		fmt.Printf("did you mean %q?\n", s) // encrypt
//	}
//
// It returns nothing if no name is near.
package nearest

import (
	"fmt"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/internal/hint"
	"github.com/deploy-kernel/deploy-kernel/internal/say"
)

// Name returns the candidate with the smallest edit distance to name; ties go to the
// first. It ignores case and treats underscores as dashes. An abbreviation comes before
// candidates with two differences or more: the only candidate that begins with name, or
// has a part after a dash that does. No candidate may differ in more than a third of
// its letters otherwise. ok reports whether it found one.
func Name(name string, candidates []string) (best string, ok bool) {
	folded := fold(name)
	bestDistance := -1
	for _, c := range candidates {
		d := distance(folded, fold(c))
		if limit := max(1, max(len(name), len(c))/3); d > limit {
			continue
		}
		if bestDistance < 0 || d < bestDistance {
			best, bestDistance = c, d
		}
	}
	if bestDistance < 0 || bestDistance > 1 {
		if short, ok := abbreviated(folded, candidates); ok {
			return short, true
		}
	}
	return best, bestDistance >= 0
}

// minAbbreviation is the number of letters from which a name can be an abbreviation.
const minAbbreviation = 3

// abbreviated returns the only candidate that begins with name, or has a part after a
// dash that does.
func abbreviated(name string, candidates []string) (only string, ok bool) {
	if len(name) < minAbbreviation {
		return "", false
	}
	for _, c := range candidates {
		if !strings.HasPrefix(fold(c), name) && !strings.Contains(fold(c), "-"+name) {
			continue
		}
		if ok {
			return "", false
		}
		only, ok = c, true
	}
	return only, ok
}

func fold(s string) string { return strings.ToLower(strings.ReplaceAll(s, "_", "-")) }

// distance returns the optimal string alignment distance of Damerau and Levenshtein:
// the number of bytes to insert, delete, replace or swap with their neighbor to turn
// a into b.
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			replace := rows[i-1][j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, replace)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[len(a)][len(b)]
}

// Unknown returns an error that lists the valid names, with the nearest one as a
// hint.
func Unknown(name string, names []string) error {
	err := fmt.Errorf("unknown name %q; there are %s", name, say.List(names))
	if near, ok := Name(name, names); ok {
		return hint.New(err, "did you mean %s?", near)
	}
	return err
}
