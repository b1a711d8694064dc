package bundler

import (
	"cmp"
	"context"
	"fmt"
	"go/types"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/bundler/internal/inittask"
)

// order puts the initialized variables of each package into the order of the
// language specification.
func order(ctx context.Context, p *program) error {
	for _, k := range p.pkgs {
		orderVars(k)
	}
	return ctx.Err()
}

// orderPackages puts the packages into the order in which gc's linker
// initializes them.
func orderPackages(p *program) error {
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
		export := l.Export
		if p.swapped != nil { // keep the order of the program with its assembly
			export = cmp.Or(p.swapped.exports[path], export)
		}
		task, err := inittask.Has(export, nodes[i].Path)
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
	return nil
}

// orderVars moves the variables so that they stand as they are initialised. The
// compiler takes the first variable all of whose dependencies are done, those
// without an initialiser included; so these come first. The others move down
// only: gc can't infer type arguments from a method that stands below. Where
// the source is in order already, nothing moves, as the compiler comes to the
// same order again.
func orderVars(k *pkg) {
	rank := make(map[*types.Initializer]int, len(k.info.InitOrder))
	for i, in := range k.info.InitOrder {
		rank[in] = 1 + i
	}
	place := map[*part]int{}
	var vars []*part
	sorted, last := true, 0
	for i, t := range k.parts {
		if !t.live || t.kind != varPart {
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
	slices.SortStableFunc(vars, func(a, b *part) int { return rank[a.init] - rank[b.init] })
	parts := make([]*part, 0, len(k.parts))
	for i, t := range k.parts {
		if !t.live || t.kind != varPart {
			parts = append(parts, t)
			continue
		}
		for len(vars) > 0 && place[vars[0]] <= i {
			parts, vars = append(parts, vars[0]), vars[1:]
		}
	}
	k.parts = parts
}
