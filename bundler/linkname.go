package bundler

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"net/url"
	"slices"
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
	ptr  types.Object // a variable of the program; a function returns its address
	hide bool         // the package of ptr is initialized later

	asm *types.Signature // of the link, where the type must be that
}

// A stdName is an object of the standard library.
type stdName struct{ path, name string }

// definition returns the object that stands for another by go:linkname.
func (p *program) definition(o types.Object) types.Object {
	for range 10 {
		a, ok := p.aliases[o]
		if !ok || a.to == nil {
			break
		}
		o = a.to
	}
	return o
}

// standIn returns the function of std that stands for an object.
func (p *program) standIn(o types.Object) (stdName, bool) {
	if o == nil {
		return stdName{}, false
	}
	a := p.aliases[p.definition(o)]
	return a.std, a.std.path != ""
}

// aliased reports whether another object stands for this one.
func (p *program) aliased(o types.Object) bool {
	a, ok := p.aliases[o]
	return ok && (a.to != nil || a.std.path != "")
}

// A link is one go:linkname directive of the form that names two symbols.
type link struct {
	pkg    *pkg
	local  types.Object
	remote string
}

// resolveLinks turns go:linkname directives between packages of the program
// into plain references where that changes no order of initialization, keeps
// those that lead into the standard library, and finds shims for the remaining
// functions without a body.
func resolveLinks(p *program) error {
	var all []link
	for _, k := range p.pkgs {
		all = append(all, links(k)...)
	}
	symbols := map[string]types.Object{} // what directives define, by symbol
	for _, l := range all {
		if p.hasBody(l.local) && symbols[l.remote] == nil {
			symbols[l.remote] = l.local
		}
	}
	for _, l := range all {
		if err := p.resolveLink(l, symbols); err != nil {
			return err
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

// resolveLink finds the object behind a directive's symbol, and makes one of the
// two stand for the other.
func (p *program) resolveLink(l link, symbols map[string]types.Object) error {
	path, name := splitSymbol(l.remote)
	home := p.packageOf(path)
	target := symbols[l.remote]
	if home != nil {
		if o := symbolIn(home.types, name); o != nil {
			target = o
		}
	}
	_, isVar := l.local.(*types.Var)
	switch {
	case target == l.local:
		if p.listed[path] != nil && home == nil { // a symbol of std, which can use it
			p.aliases[l.local] = alias{link: l.remote}
			p.pushes = append(p.pushes, p.partOf(l.local))
		}
		return nil
	case target != nil:
		return p.bind(l, target)
	case home == nil:
		p.aliases[l.local] = alias{link: l.remote}
		if isVar { // others that are linked there are the same variable
			symbols[l.remote] = l.local
		}
	case !isVar: // nothing defines the function: refused if it is reached
	case !token.IsIdentifier(name):
		return p.refuseLink(l, "which is no declared variable")
	default: // nothing declares the variable: the first one linked to it does
		symbols[l.remote] = l.local
	}
	return nil
}

// packageOf returns the package of the program that a symbol's path means, or
// nil.
func (p *program) packageOf(path string) *pkg {
	for _, k := range p.pkgs {
		if k.ImportPath == path && k != p.main || path == "main" && k == p.main {
			return k
		}
	}
	return nil
}

// bind makes the object without a definition stand for the one with the same
// symbol. Initializers wait for the variables that they refer to. A reference into
// a package that is initialized later therefore stays a go:linkname, which the
// compiler doesn't follow.
func (p *program) bind(l link, target types.Object) error {
	if isMethod(target) {
		p.aliases[l.local] = alias{self: target}
		return nil
	}
	from, to := l.local, target
	if p.hasBody(from) && !p.hasBody(to) {
		from, to = to, from
	}
	if _, done := p.aliases[from]; done || p.definition(to) == from {
		return nil
	}
	later := p.place(to) > p.place(from)
	identical := types.Identical(from.Type(), to.Type())
	_, fromVar := from.(*types.Var)
	_, toVar := to.(*types.Var)
	switch {
	case fromVar != toVar:
		return p.refuseLink(l, "which is a variable on one side and a function on the other")
	case fromVar && p.hasBody(from):
		return p.refuseLink(l, "where both variables have initial values")
	case identical && !later:
		p.aliases[from] = alias{to: to}
	case !fromVar:
		p.aliases[from] = alias{self: to}
	default:
		sizes := types.SizesFor("gc", p.target.GOARCH)
		if sizes.Sizeof(from.Type()) > sizes.Sizeof(to.Type()) {
			return p.refuseLink(l, "which is a smaller variable")
		}
		p.aliases[from] = alias{ptr: to, hide: later}
	}
	return nil
}

// place returns the place of an object's package in the order of initialization.
func (p *program) place(o types.Object) int {
	return slices.Index(p.pkgs, p.byTypes[o.Pkg()])
}

func (p *program) refuseLink(l link, why string) error {
	return &sourceError{
		Pos:  p.fset.PositionFor(l.local.Pos(), false),
		Text: fmt.Sprintf("%s: go:linkname of %s, %s: one package can't do that", l.local.Name(), l.remote, why),
	}
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

// hasBody reports whether a function is defined in Go, or a variable has a
// value.
func (p *program) hasBody(o types.Object) bool {
	t := p.partOf(o)
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
