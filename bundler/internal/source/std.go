package source

import (
	"maps"
	"slices"
	"strconv"
)

// BlankStd returns the sorted paths of standard library packages that the program
// imports for their effects, by the blank identifier.
func (p *Program) BlankStd() []string {
	blank := map[string]bool{}
	for _, k := range p.Packages {
		for _, f := range k.Files {
			for _, imp := range f.Syntax.Imports {
				path, _ := strconv.Unquote(imp.Path.Value)
				path = k.imported(path)
				l := p.Listed[path]
				if imp.Name != nil && imp.Name.Name == "_" && l != nil && l.Standard && path != "embed" && path != "unsafe" {
					blank[path] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(blank))
}

// Closure returns the packages at paths and all that they import, directly or not.
func (p *Program) Closure(paths []string) map[string]bool {
	all := map[string]bool{}
	var add func(path string)
	add = func(path string) {
		l := p.Listed[path]
		if all[path] || l == nil {
			return
		}
		all[path] = true
		for _, imp := range l.Imports {
			add(imp)
		}
	}
	for _, path := range paths {
		add(path)
	}
	return all
}
