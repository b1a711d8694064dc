package bundler

import (
	"go/types"
	"maps"
	"slices"
	"strings"
)

// extraImports are the packages that a part needs for what the bundler adds.
func (n *names) extraImports(t *livePart) (paths []string) {
	if len(t.objs) == 0 {
		return nil
	}
	if body := n.aliases[t.objs[0]].body; body != "" {
		for _, f := range strings.Split(body, "{")[1:] {
			if path, _, ok := strings.Cut(f, "}"); ok && !strings.ContainsAny(path, " ;(") {
				paths = append(paths, path)
			}
		}
	}
	for _, o := range t.objs {
		if a := n.aliases[o]; a.ptr != nil && !types.Identical(a.ptr.Type(), o.Type()) {
			paths = append(paths, "unsafe")
		}
	}
	if len(t.embed) > 0 && t.embedKind() == embedFS {
		paths = append(paths, "embed", "unsafe")
	}
	return paths
}

// blankImports are the packages to import for their effects only.
func (n *names) blankImports() []string {
	blank := map[string]bool{}
	for _, path := range n.blankStd() {
		blank[path] = true
	}
	linked := n.closure(slices.Sorted(maps.Keys(n.imports)))
	for _, r := range registrars {
		if n.listed[r.path] != nil && !linked[r.path] && n.imports[r.with] != "" && n.live.uses(r.with, r.uses) {
			blank[r.path] = true
		}
	}
	n.eachPart(func(t *livePart) {
		for _, o := range t.objs {
			link := n.linkOf(o)
			if link == "" && !n.aliases[o].hide {
				continue
			}
			blank["unsafe"] = true
			path, _ := splitSymbol(link)
			if l := n.listed[path]; l == nil || !l.Standard || linked[path] || path == "runtime" {
				continue
			}
			if by := n.importable(path); by != "" {
				blank[by] = true
				maps.Copy(linked, n.closure([]string{by}))
			}
		}
	})
	for path := range n.imports {
		delete(blank, path)
	}
	return slices.Sorted(maps.Keys(blank))
}

// importable returns a package of std that links path in: path itself or, if only
// std may import that, the first package of the program's imports that leads to
// it.
func (n *names) importable(path string) string {
	if !restricted(path) {
		return path
	}
	for _, k := range n.kept {
		for _, imp := range k.Imports {
			if l := n.listed[imp]; l != nil && l.Standard && !restricted(imp) && n.closure([]string{imp})[path] {
				return imp
			}
		}
	}
	return ""
}
