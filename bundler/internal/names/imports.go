package names

import (
	"go/types"
	"maps"
	"slices"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/bundler/internal/reach"
	"github.com/deploy-kernel/deploy-kernel/bundler/internal/source"
)

// extraImports returns the packages that a part needs for code that the bundler adds.
func (n *Table) extraImports(t *reach.Part) (paths []string) {
	if len(t.Objects) == 0 {
		return nil
	}
	if body := n.Aliases[t.Objects[0]].Body; body != "" {
		for _, f := range strings.Split(body, "{")[1:] {
			if path, _, ok := strings.Cut(f, "}"); ok && !strings.ContainsAny(path, " ;(") {
				paths = append(paths, path)
			}
		}
	}
	for _, o := range t.Objects {
		if a := n.Aliases[o]; a.Pointer != nil && !types.Identical(a.Pointer.Type(), o.Type()) {
			paths = append(paths, "unsafe")
		}
	}
	if len(t.Embed) > 0 && t.EmbedKind() == source.EmbedFS {
		paths = append(paths, "embed", "unsafe")
	}
	return paths
}

// blankImports returns the sorted paths of packages to import for their effects only.
func (n *Table) blankImports() []string {
	blank := map[string]bool{}
	for _, path := range n.BlankStd() {
		blank[path] = true
	}
	linked := n.Closure(slices.Sorted(maps.Keys(n.Imports)))
	for _, r := range reach.Registrars {
		if n.Listed[r.Path] != nil && !linked[r.Path] && n.Imports[r.With] != "" && n.Live.Uses(r.With, r.Uses) {
			blank[r.Path] = true
		}
	}
	n.EachPart(func(t *reach.Part) {
		for _, o := range t.Objects {
			link := n.linkOf(o)
			if link == "" && !n.Aliases[o].Later {
				continue
			}
			blank["unsafe"] = true
			path, _ := source.SplitSymbol(link)
			if l := n.Listed[path]; l == nil || !l.Standard || linked[path] || path == "runtime" {
				continue
			}
			if by := n.importable(path); by != "" {
				blank[by] = true
				maps.Copy(linked, n.Closure([]string{by}))
			}
		}
	})
	for path := range n.Imports {
		delete(blank, path)
	}
	return slices.Sorted(maps.Keys(blank))
}

// importable returns a standard library package whose import links path into the
// bundle. It is path, or the first import of the program that leads to path. It is
// empty if there is none.
func (n *Table) importable(path string) string {
	if !source.Restricted(path) {
		return path
	}
	for _, k := range n.Kept {
		for _, imp := range k.Imports {
			if l := n.Listed[imp]; l != nil && l.Standard && !source.Restricted(imp) && n.Closure([]string{imp})[path] {
				return imp
			}
		}
	}
	return ""
}
