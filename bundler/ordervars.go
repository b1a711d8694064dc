package bundler

import (
	"go/types"
	"slices"
)

// orderVars moves the variables so that they stand as they are initialised. The
// compiler takes the first variable all of whose dependencies are done, those
// without an initialiser included; so these come first. The others move down
// only: gc can't infer type arguments from a method that stands below. Where
// the source is in order already, nothing moves, as the compiler comes to the
// same order again.
func orderVars(k *livePkg) {
	rank := make(map[*types.Initializer]int, len(k.info.InitOrder))
	for i, in := range k.info.InitOrder {
		rank[in] = 1 + i
	}
	place := map[*livePart]int{}
	var vars []*livePart
	sorted, last := true, 0
	for i, t := range k.kept {
		if t.kind != varPart {
			continue
		}
		vars = append(vars, t)
		if t.init != nil {
			place[t] = i
			sorted = sorted && last <= rank[t.init]
			last = rank[t.init]
		}
	}
	if sorted {
		return
	}
	slices.SortStableFunc(vars, func(a, b *livePart) int { return rank[a.init] - rank[b.init] })
	parts := make([]*livePart, 0, len(k.kept))
	for i, t := range k.kept {
		if t.kind != varPart {
			parts = append(parts, t)
			continue
		}
		for len(vars) > 0 && place[vars[0]] <= i {
			parts, vars = append(parts, vars[0]), vars[1:]
		}
	}
	k.kept = parts
}
