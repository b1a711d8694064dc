package bundler

import (
	"go/ast"
	"go/types"
	"net/url"
	"strings"
)

// An alias says what stands for an object that has no definition of its own in
// Go. One of its fields is set.
type alias struct {
	to   types.Object // another object of the program
	std  stdName      // a function of the standard library
	link string       // a symbol, by go:linkname: outside of the program, or "" and main
	self types.Object // a symbol of the program whose type differs, by go:linkname
	body string       // the function's body; {path} stands for the import of path

	asm *types.Signature // of the link, where the type must be that
}

// A stdName is an object of the standard library.
type stdName struct{ path, name string }

// A link is one go:linkname directive of the form that names two symbols.
type link struct {
	pkg    *pkg
	local  types.Object
	remote string
}

// resolveLinks turns go:linkname directives between packages of the program
// into plain references, keeps those that lead into the standard library, and
// finds shims for the remaining functions without a body.
func resolveLinks(p *program) error {
	for _, k := range p.pkgs {
		for _, l := range links(k) {
			p.resolveLink(l)
		}
	}
	for _, k := range p.pkgs {
		functions := asmFunctions(k)
		for _, t := range k.parts {
			fn := t.fn()
			if !isPull(fn) || len(t.objs) == 0 {
				continue
			}
			if _, done := p.aliases[t.objs[0]]; !done {
				if s, ok := shims[stdName{k.ImportPath, fn.Name.Name}]; ok {
					p.aliases[t.objs[0]] = s
				} else if twin, ok := p.asmTwin(k, functions, t.objs[0].(*types.Func)); ok {
					p.aliases[t.objs[0]] = twin
				}
			}
		}
	}
	return nil
}

// links finds the directives of a package, in order.
func links(k *pkg) (found []link) {
	for _, f := range k.files {
		for _, g := range f.ast.Comments {
			for _, c := range g.List {
				w := strings.Fields(c.Text)
				if len(w) != 3 || w[0] != "//go:linkname" {
					continue
				}
				if o := k.types.Scope().Lookup(w[1]); o != nil {
					found = append(found, link{k, o, w[2]})
				}
			}
		}
	}
	return found
}

func (p *program) resolveLink(l link) {
	path, name := splitSymbol(l.remote)
	other := p.listed[path]
	if other == nil || other.Standard {
		if t := p.parts[l.local]; t != nil && t.fn() != nil && t.fn().Body != nil {
			p.pushes = append(p.pushes, t) // std calls it, unseen
		}
		p.aliases[l.local] = alias{link: l.remote}
		return
	}
	var target types.Object
	for _, k := range p.pkgs {
		if k.ImportPath == path {
			target = symbolIn(k.types, name)
		}
	}
	if target == nil || target == l.local {
		return
	}
	if isMethod(target) {
		p.aliases[l.local] = alias{self: target}
		return
	}
	from, to := l.local, target // from is the one without a definition
	if p.hasBody(from) && !p.hasBody(to) {
		from, to = to, from
	}
	a := alias{to: to}
	if !types.Identical(from.Type(), to.Type()) {
		a = alias{self: to}
	}
	p.aliases[from] = a
}

// symbolIn returns what a symbol's name means in its package: f, T.m or (*T).m.
func symbolIn(t *types.Package, name string) types.Object {
	typ, method, ok := strings.Cut(strings.NewReplacer("(*", "", ")", "").Replace(name), ".")
	if !ok {
		return t.Scope().Lookup(name)
	}
	if o := t.Scope().Lookup(typ); o != nil {
		if m, _, _ := types.LookupFieldOrMethod(o.Type(), true, t, method); m != nil && isMethod(m) {
			return m
		}
	}
	return nil
}

// symbolOf returns the symbol of a function, method or variable in the bundle.
func (p *program) symbolOf(o types.Object) string {
	name := p.names.of(o)
	fn, ok := o.(*types.Func)
	if !ok || !isMethod(fn) {
		return "main." + name
	}
	typ := p.names.of(receiver(fn).Obj())
	if _, ptr := fn.Signature().Recv().Type().(*types.Pointer); ptr {
		typ = "(*" + typ + ")"
	}
	return "main." + typ + "." + name
}

// hasBody reports whether a function is defined in Go, or a variable has a
// value.
func (p *program) hasBody(o types.Object) bool {
	t := p.parts[o]
	if t == nil {
		return false
	}
	if fn := t.fn(); fn != nil {
		return fn.Body != nil
	}
	return t.init != nil
}

// splitSymbol divides a linker symbol into the import path and the name.
func splitSymbol(symbol string) (path, name string) {
	slash := strings.LastIndexByte(symbol, '/') + 1
	dot := strings.IndexByte(symbol[slash:], '.')
	if dot < 0 {
		return "", symbol
	}
	path, name = symbol[:slash+dot], symbol[slash+dot+1:]
	if clear, err := url.PathUnescape(path); err == nil {
		path = clear // a dot of the last element is written %2e
	}
	return path, name
}

// isPull reports whether a declaration only names a symbol from elsewhere.
func isPull(d *ast.FuncDecl) bool { return d != nil && d.Body == nil }
