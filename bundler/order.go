package bundler

import (
	"context"
	"fmt"
	"go/types"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/bundler/internal/inittask"
)

// order puts the packages into the order in which gc's linker initialises
// them, and the initialised variables of each package into the order of the
// language specification.
func order(ctx context.Context, p *program) error {
	nodes := make([]inittask.Package, len(p.order))
	index := make(map[string]int, len(p.order))
	for i, path := range p.order {
		index[path] = i
	}
	for i, path := range p.order {
		l := p.listed[path]
		nodes[i].Path = path
		if l.Name == "main" && i == len(p.order)-1 {
			nodes[i].Path = "main"
		}
		for _, imp := range l.Imports {
			if d, ok := index[imp]; ok {
				nodes[i].Imports = append(nodes[i].Imports, d)
			}
		}
		if path == "unsafe" {
			continue
		}
		task, err := inittask.Has(l.Export, nodes[i].Path)
		if err != nil {
			return fmt.Errorf("package %s: reading the compiled package: %w (is the go command newer than this program?)", path, err)
		}
		nodes[i].Task = task
	}
	place := make(map[string]int, len(nodes))
	for at, i := range inittask.Order(nodes) {
		place[p.order[i]] = at
	}
	slices.SortFunc(p.pkgs, func(a, b *pkg) int { return place[a.ImportPath] - place[b.ImportPath] })
	for _, k := range p.pkgs {
		orderVars(k)
	}
	return ctx.Err()
}

// orderVars permutes the variables with initialisers among their places, so
// that they stand as they are initialised: the compiler takes them in source
// order when nothing unready is named. Where the source is in order already,
// nothing moves.
func orderVars(k *pkg) {
	rank := make(map[*types.Initializer]int, len(k.info.InitOrder))
	for i, in := range k.info.InitOrder {
		rank[in] = i
	}
	var places []int
	var vars []*part
	for i, t := range k.parts {
		if t.live && t.init != nil {
			places = append(places, i)
			vars = append(vars, t)
		}
	}
	slices.SortStableFunc(vars, func(a, b *part) int { return rank[a.init] - rank[b.init] })
	for i, at := range places {
		k.parts[at] = vars[i]
	}
}
