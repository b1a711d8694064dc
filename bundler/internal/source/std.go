package source

import (
	"maps"
	"slices"
	"strconv"
)

// BlankStd are the packages of std that the program imports without a name, for
// their effects.
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

// Closure returns what the standard library packages import, themselves
// included.
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
