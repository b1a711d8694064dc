package source

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/bundler/internal/inittask"
)

// orderPackages sorts p.Packages into the order in which gc's linker initializes
// them.
func orderPackages(p *Program) error {
	nodes := make([]inittask.Package, len(p.Paths))
	index := make(map[string]int, len(p.Paths))
	for i, path := range p.Paths {
		index[path] = i
	}
	for i, path := range p.Paths {
		l := p.Listed[path]
		nodes[i].Path = path
		if l.Name == "main" && i == len(p.Paths)-1 {
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
		place[p.Paths[i]] = at
	}
	slices.SortFunc(p.Packages, func(a, b *Package) int { return place[a.ImportPath] - place[b.ImportPath] })
	return nil
}
