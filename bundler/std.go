package bundler

import (
	"maps"
	"slices"
	"strconv"
)

// blankStd are the packages of std that the program imports without a name, for
// their effects.
func (p *program) blankStd() []string {
	blank := map[string]bool{}
	for _, k := range p.pkgs {
		for _, f := range k.files {
			for _, imp := range f.ast.Imports {
				path, _ := strconv.Unquote(imp.Path.Value)
				path = k.imported(path)
				l := p.listed[path]
				if imp.Name != nil && imp.Name.Name == "_" && l != nil && l.Standard && path != "embed" && path != "unsafe" {
					blank[path] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(blank))
}

// closure returns what the standard library packages import, themselves
// included.
func (p *program) closure(paths []string) map[string]bool {
	all := map[string]bool{}
	var add func(path string)
	add = func(path string) {
		l := p.listed[path]
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
