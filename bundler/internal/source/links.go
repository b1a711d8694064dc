package source

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"net/url"
	"slices"
	"strings"
)

// An Alias is what stands for an object that has no definition in Go. One of the
// fields To, Std, Link, Self, Body and Pointer is set.
type Alias struct {
	To      types.Object // another object of the program
	Std     StdName      // a function of the standard library
	Link    string       // a linker symbol outside of the program, by go:linkname
	Self    types.Object // a function of the program, by go:linkname
	Body    string       // a function body; {path} stands for the name of an import
	Pointer types.Object // a variable, whose address a function returns
	Later   bool         // the package of Pointer is initialized later

	asm *types.Signature // the type that the function must have
}

// A StdName is the import path and the name of an object of the standard library.
type StdName struct{ Path, Name string }

// Definition returns the object that stands for o in the bundle, or o.
func (p *Program) Definition(o types.Object) types.Object {
	for range 10 {
		a, ok := p.Aliases[o]
		if !ok || a.To == nil {
			break
		}
		o = a.To
	}
	return o
}

// StandIn returns the standard library function that stands for o, if there is one.
func (p *Program) StandIn(o types.Object) (StdName, bool) {
	if o == nil {
		return StdName{}, false
	}
	a := p.Aliases[p.Definition(o)]
	return a.Std, a.Std.Path != ""
}

// Aliased reports whether another object stands for o, so that the bundle has no o.
func (p *Program) Aliased(o types.Object) bool {
	a, ok := p.Aliases[o]
	return ok && (a.To != nil || a.Std.Path != "")
}

// A link is a go:linkname directive with a local name and a symbol.
type link struct {
	pkg    *Package
	local  types.Object
	remote string
}

// resolveLinks decides what stands for linked objects and bodyless functions. The
// directive go:linkname between packages of the program becomes a plain reference if
// that keeps the order of initialization. Links into the standard library stay. The
// other functions get a shim or a twin, if there is one.
func resolveLinks(p *Program) error {
	var all []link
	for _, k := range p.Packages {
		all = append(all, links(k)...)
	}
	symbols := map[string]types.Object{} // definitions by symbol
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
	for _, k := range p.Packages {
		functions := asmFunctions(k)
		for _, t := range k.Parts {
			fn := t.Func()
			if !IsPull(fn) || len(t.Objects) == 0 {
				continue
			}
			if _, done := p.Aliases[t.Objects[0]]; !done {
				if s, ok := shims[StdName{k.ImportPath, fn.Name.Name}]; ok {
					p.Aliases[t.Objects[0]] = s
				} else if twin, ok := p.asmTwin(k, functions, t.Objects[0].(*types.Func)); ok {
					p.Aliases[t.Objects[0]] = twin
				}
			}
		}
	}
	return nil
}

// links returns the go:linkname directives of a package in source order.
func links(k *Package) (found []link) {
	for _, f := range k.Files {
		for _, g := range f.Syntax.Comments {
			for _, c := range g.List {
				w := strings.Fields(c.Text)
				if len(w) != 3 || w[0] != "//go:linkname" {
					continue
				}
				if o := k.Types.Scope().Lookup(w[1]); o != nil {
					found = append(found, link{k, o, w[2]})
				}
			}
		}
	}
	return found
}

// resolveLink finds the object behind a directive's symbol, and makes it stand for
// the local object or the other way round.
func (p *Program) resolveLink(l link, symbols map[string]types.Object) error {
	path, name := SplitSymbol(l.remote)
	home := p.packageOf(path)
	target := symbols[l.remote]
	if home != nil {
		if o := symbolIn(home.Types, name); o != nil {
			target = o
		}
	}
	_, isVar := l.local.(*types.Var)
	switch {
	case target == l.local:
		if p.Listed[path] != nil && home == nil { // defines a symbol for the standard library
			p.Aliases[l.local] = Alias{Link: l.remote}
			p.Pushes = append(p.Pushes, p.PartOf(l.local))
		}
		return nil
	case target != nil:
		return p.bind(l, target)
	case home == nil:
		p.Aliases[l.local] = Alias{Link: l.remote}
		if isVar { // further links to the symbol mean this variable
			symbols[l.remote] = l.local
		}
	case !isVar: // an undefined function, refused if it is reached
	case !token.IsIdentifier(name):
		return p.refuseLink(l, "which is no declared variable")
	default: // an undeclared variable: the first link declares it
		symbols[l.remote] = l.local
	}
	return nil
}

// packageOf returns the package of the program with the path of a symbol, or nil.
func (p *Program) packageOf(path string) *Package {
	for _, k := range p.Packages {
		if k.ImportPath == path && k != p.Main || path == "main" && k == p.Main {
			return k
		}
	}
	return nil
}

// bind makes the object with a definition stand for the one without. Initializers
// wait for the variables that they refer to. A reference into a package that is
// initialized later therefore stays a go:linkname, which the compiler ignores there.
func (p *Program) bind(l link, target types.Object) error {
	if IsMethod(target) {
		p.Aliases[l.local] = Alias{Self: target}
		return nil
	}
	from, to := l.local, target
	if p.hasBody(from) && !p.hasBody(to) {
		from, to = to, from
	}
	if _, done := p.Aliases[from]; done || p.Definition(to) == from {
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
		p.Aliases[from] = Alias{To: to}
	case !fromVar:
		p.Aliases[from] = Alias{Self: to}
	default:
		sizes := types.SizesFor("gc", p.Target.GOARCH)
		if sizes.Sizeof(from.Type()) > sizes.Sizeof(to.Type()) {
			return p.refuseLink(l, "which is a smaller variable")
		}
		p.Aliases[from] = Alias{Pointer: to, Later: later}
	}
	return nil
}

// place returns the index of an object's package in the order of initialization.
func (p *Program) place(o types.Object) int {
	return slices.Index(p.Packages, p.byTypes[o.Pkg()])
}

func (p *Program) refuseLink(l link, why string) error {
	return &Error{
		Pos:  p.Fset.PositionFor(l.local.Pos(), false),
		Text: fmt.Sprintf("%s: go:linkname of %s, %s: one package can't do that", l.local.Name(), l.remote, why),
	}
}

// symbolIn returns the object that the name of a symbol denotes in its package. The
// name has the form f, T.m or (*T).m.
func symbolIn(t *types.Package, name string) types.Object {
	typ, method, ok := strings.Cut(strings.NewReplacer("(*", "", ")", "").Replace(name), ".")
	if !ok {
		return t.Scope().Lookup(name)
	}
	if o := t.Scope().Lookup(typ); o != nil {
		if m, _, _ := types.LookupFieldOrMethod(o.Type(), true, t, method); m != nil && IsMethod(m) {
			return m
		}
	}
	return nil
}

// hasBody reports whether a function has a body, or a variable an initializer.
func (p *Program) hasBody(o types.Object) bool {
	t := p.PartOf(o)
	if t == nil {
		return false
	}
	if fn := t.Func(); fn != nil {
		return fn.Body != nil
	}
	return t.Init != nil
}

// SplitSymbol splits a linker symbol into import path and name.
func SplitSymbol(symbol string) (path, name string) {
	slash := strings.LastIndexByte(symbol, '/') + 1
	dot := strings.IndexByte(symbol[slash:], '.')
	if dot < 0 {
		return "", symbol
	}
	path, name = symbol[:slash+dot], symbol[slash+dot+1:]
	if clear, err := url.PathUnescape(path); err == nil {
		path = clear // symbols escape dots in the last element as %2e
	}
	return path, name
}

// IsPull reports whether d declares a function without a body.
func IsPull(d *ast.FuncDecl) bool { return d != nil && d.Body == nil }
