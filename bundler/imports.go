package bundler

import (
	"go/types"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// extraImports are the packages that a part needs for what the bundler adds.
func (p *program) extraImports(t *part) (paths []string) {
	if len(t.objs) == 0 {
		return nil
	}
	if body := p.aliases[t.objs[0]].body; body != "" {
		for _, f := range strings.Split(body, "{")[1:] {
			if path, _, ok := strings.Cut(f, "}"); ok && !strings.ContainsAny(path, " ;(") {
				paths = append(paths, path)
			}
		}
	}
	for _, o := range t.objs {
		if a := p.aliases[o]; a.ptr != nil && !types.Identical(a.ptr.Type(), o.Type()) {
			paths = append(paths, "unsafe")
		}
	}
	if len(t.embed) > 0 && embedKind(t) == embedFS {
		paths = append(paths, "embed", "unsafe")
	}
	return paths
}

// A registrar is a standard library package whose initialisation registers
// something with another one. A program that imports it anywhere counts on
// that, even where the importing code is unreachable.
type registrar struct {
	path string
	with string   // does not matter unless this package is named
	uses []string // by one of these; empty means any
}

var registrars = []registrar{
	{"image/gif", "image", []string{"Decode", "DecodeConfig"}},
	{"image/jpeg", "image", []string{"Decode", "DecodeConfig"}},
	{"image/png", "image", []string{"Decode", "DecodeConfig"}},
	{"crypto/md5", "crypto", nil},
	{"crypto/sha1", "crypto", nil},
	{"crypto/sha256", "crypto", nil},
	{"crypto/sha3", "crypto", nil},
	{"crypto/sha512", "crypto", nil},
	{"expvar", "net/http", nil},
	{"net/http/pprof", "net/http", nil},
}

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
	return sortedKeys(blank)
}

// blankImports are the packages to import for their effects only.
func (p *program) blankImports() []string {
	blank := map[string]bool{}
	for _, path := range p.blankStd() {
		blank[path] = true
	}
	linked := p.closure(sortedKeys(p.names.imports))
	for _, r := range registrars {
		if p.listed[r.path] != nil && !linked[r.path] && p.names.imports[r.with] != "" && p.usesAny(r.with, r.uses) {
			blank[r.path] = true
		}
	}
	p.liveParts(func(t *part) {
		for _, o := range t.objs {
			link := p.linkOf(o)
			if link == "" && !p.aliases[o].hide {
				continue
			}
			blank["unsafe"] = true
			path, _ := splitSymbol(link)
			if l := p.listed[path]; l == nil || !l.Standard || linked[path] || path == "runtime" {
				continue
			}
			if by := p.importable(path); by != "" {
				blank[by] = true
				maps.Copy(linked, p.closure([]string{by}))
			}
		}
	})
	for path := range p.names.imports {
		delete(blank, path)
	}
	return sortedKeys(blank)
}

// importable returns a package of std that links path in: path itself or, if only
// std may import that, the first package of the program's imports that leads to
// it.
func (p *program) importable(path string) string {
	if !restricted(path) {
		return path
	}
	for _, k := range p.pkgs {
		for _, imp := range k.Imports {
			if l := p.listed[imp]; l != nil && l.Standard && !restricted(imp) && p.closure([]string{imp})[path] {
				return imp
			}
		}
	}
	return ""
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

// usesAny reports whether a live part names one of the objects of a package.
func (p *program) usesAny(path string, names []string) bool {
	found := false
	p.liveParts(func(t *part) {
		for _, o := range t.uses {
			if o.Pkg() != nil && o.Pkg().Path() == path && (len(names) == 0 || slices.Contains(names, o.Name())) {
				found = true
			}
		}
	})
	return found
}

// linkOf returns the symbol for the go:linkname directive of an object that
// needs one.
func (p *program) linkOf(o types.Object) string {
	a := p.aliases[o]
	switch {
	case a.self != nil && p.aliases[a.self].link != "":
		return p.aliases[a.self].link
	case a.self != nil:
		return p.symbolOf(a.self)
	default:
		return a.link
	}
}
