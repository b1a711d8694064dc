package names

import (
	"go/token"
	"go/types"
	"testing"
)

func TestShortNamesAreNoKeywordsAndNotPredeclared(t *testing.T) {
	n := &Table{used: map[string]bool{"ab": true}, taken: map[string]bool{}}
	seen := map[string]bool{}
	for range 60_000 { // all names of three letters
		name := n.short()
		if seen[name] || name == "ab" || !token.IsIdentifier(name) || types.Universe.Lookup(name) != nil {
			t.Fatalf("the name %q was given", name)
		}
		seen[name] = true
	}
}
