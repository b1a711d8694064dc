package reach

import (
	"go/types"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/bundler/internal/source"
)

// orderVars sorts the variables of a package by their order of initialization.
// Variables without an initializer come first, because others may wait for them.
// Variables with an initializer move down only: gc can't infer type arguments from a
// method that is declared below. If the source is in order, nothing moves.
func orderVars(k *Package) {
	rank := make(map[*types.Initializer]int, len(k.Info.InitOrder))
	for i, in := range k.Info.InitOrder {
		rank[in] = 1 + i
	}
	place := map[*Part]int{}
	var vars []*Part
	sorted, last := true, 0
	for i, t := range k.Kept {
		if t.Kind != source.VarPart {
			continue
		}
		vars = append(vars, t)
		if t.Init != nil {
			place[t] = i
			sorted = sorted && last <= rank[t.Init]
			last = rank[t.Init]
		}
	}
	if sorted {
		return
	}
	slices.SortStableFunc(vars, func(a, b *Part) int { return rank[a.Init] - rank[b.Init] })
	parts := make([]*Part, 0, len(k.Kept))
	for i, t := range k.Kept {
		if t.Kind != source.VarPart {
			parts = append(parts, t)
			continue
		}
		for len(vars) > 0 && place[vars[0]] <= i {
			parts, vars = append(parts, vars[0]), vars[1:]
		}
	}
	k.Kept = parts
}
