package layout_test

import (
	"fmt"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/runtime/layout"
	"pgregory.net/rapid"
)

func Example() {
	// A chain of layers: each reads what the one before it wrote.
	at, floats := layout.Place([]layout.Life{{100, 0, 1}, {80, 1, 2}, {60, 2, 3}, {10, 3, 4}})
	fmt.Println(at, floats)
	// Output: [0 100 0 60] 180
}

func TestBuffersInUseTogetherDoNotOverlap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lives := rapid.SliceOf(rapid.Custom(func(t *rapid.T) layout.Life {
			birth := rapid.IntRange(0, 20).Draw(t, "birth")
			return layout.Life{rapid.IntRange(1, 50).Draw(t, "floats"), birth, birth + rapid.IntRange(0, 8).Draw(t, "steps")}
		})).Draw(t, "lives")
		at, floats := layout.Place(lives)
		all := 0
		for i, a := range lives {
			all += a.Floats
			if at[i] < 0 || at[i]+a.Floats > floats {
				t.Fatalf("%d of %d floats at %d, of %d", i, a.Floats, at[i], floats)
			}
			for j, b := range lives[:i] {
				together := a.Birth <= b.Death && b.Birth <= a.Death
				if together && at[i] < at[j]+b.Floats && at[j] < at[i]+a.Floats {
					t.Fatalf("%v at %d overlaps %v at %d", a, at[i], b, at[j])
				}
			}
		}
		if floats > all {
			t.Fatalf("%d floats for %d", floats, all)
		}
	})
}
