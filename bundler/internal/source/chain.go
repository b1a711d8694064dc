package source

import (
	"slices"
	"strings"
)

// Chain returns a shortest chain of imports from the main package to path.
func (p *Program) Chain(path string) []string {
	root := p.Paths[len(p.Paths)-1]
	if p.via == nil {
		p.via = p.importTree(root)
	}
	names := []string{path}
	for at := path; at != root; {
		from, ok := p.via[at]
		if !ok {
			break
		}
		names, at = append(names, from), from
	}
	slices.Reverse(names)
	return names
}

// importTree maps each package to its importer on a shortest chain of imports from
// the root.
func (p *Program) importTree(root string) map[string]string {
	via := map[string]string{}
	queue := []string{root}
	for len(queue) > 0 {
		l := p.Listed[queue[0]]
		queue = queue[1:]
		if l == nil {
			continue
		}
		for _, imp := range l.Imports {
			if _, seen := via[imp]; !seen && imp != root {
				via[imp] = l.ImportPath
				queue = append(queue, imp)
			}
		}
	}
	return via
}

// chainText returns the chain to path for a message. It is empty if the main package
// imports path.
func (p *Program) chainText(path string) string {
	if c := p.Chain(path); len(c) > 2 {
		return " (imported by " + strings.Join(c[:len(c)-1], " → ") + ")"
	}
	return ""
}
