// Package names is the third stage of the bundler: it gives the parts of all
// packages one name space.
//
// [Assign] takes a [reach.Live] and returns a [Table]: what each object is called
// in the bundle, the imports, and warnings about names that a program can show.
package names

import (
	"context"
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/bundler/internal/reach"
	"github.com/deploy-kernel/deploy-kernel/bundler/internal/source"
)

// Table holds what everything is called in the bundle. What isn't in a map
// keeps its name.
type Table struct {
	*reach.Live
	minify   bool
	Warnings []source.Warning
	Blank    []string // packages of std to import for their effects

	objs    map[types.Object]string // package-level objects, locals, fields
	methods map[string]string       // unexported methods, by MethodKey
	Idents  map[*ast.Ident]string   // variables of type switches
	Imports map[string]string       // of std, by path
	Embeds  map[*types.Var]types.Object
	Tags    map[*types.Var]string // added to fields, to tell their structs apart

	used      map[string]bool // every identifier of the live source
	taken     map[string]bool // names given at package level, and new names of locals
	Helpers   map[string]string
	crossings []crossing // places that another scope could capture
	shorts    int
}

// A crossing is a place where a name comes from another package.
type crossing struct {
	t     *reach.Part
	scope *types.Scope
	pos   token.Pos
	obj   types.Object // of the program; nil if path is set
	path  string       // an import
}

// Assign gives all objects one name space. A name is either the one of the
// source, given to the first that claims it, or a new one that occurs nowhere
// in the source, so that nothing can capture it.
func Assign(ctx context.Context, l *reach.Live, minify bool) (*Table, error) {
	n := &Table{
		Live: l, minify: minify, objs: map[types.Object]string{}, methods: map[string]string{}, Idents: map[*ast.Ident]string{},
		Imports: map[string]string{}, Embeds: map[*types.Var]types.Object{}, Tags: map[*types.Var]string{},
		used: map[string]bool{}, taken: map[string]bool{}, Helpers: map[string]string{},
	}
	n.collect()
	n.claim()
	n.unexported()
	n.capture()
	n.Blank = n.blankImports()
	n.warnRenamed()
	n.warnTagged()
	n.crossings = nil // they hold the syntax
	return n, ctx.Err()
}

// collect finds the names in use, the imports, and what embedded fields are
// called after.
func (n *Table) collect() {
	n.EachPart(func(t *reach.Part) {
		EachRef(t, func(r Ref) {
			n.used[r.Id.Name] = true
			if v, ok := r.Obj.(*types.Var); ok && r.Decl && v.Embedded() {
				if named := t.Pkg.Info.Uses[r.Id]; named != nil {
					n.Embeds[v] = named
				}
			}
			if !r.Decl {
				n.cross(t, r)
			}
		})
		for _, id := range embeddedIdents(t) {
			if v, ok := t.Pkg.Info.Defs[id].(*types.Var); ok {
				n.Embeds[v.Origin()] = source.Origin(t.Pkg.Info.Uses[id])
			}
		}
		for _, l := range FindLoops(t) {
			l.eachObject(func(o types.Object) {
				n.cross(t, Ref{Obj: o, scope: l.scope, pos: l.Pos()})
			})
		}
		for _, path := range n.extraImports(t) {
			n.Imports[path] = ""
		}
	})
}

// embeddedIdents finds the names of the types of embedded fields: they declare
// the field and use the type.
func embeddedIdents(t *reach.Part) (ids []*ast.Ident) {
	for _, node := range t.Nodes() {
		ast.Inspect(node, func(x ast.Node) bool {
			s, ok := x.(*ast.StructType)
			if !ok {
				return true
			}
			for _, f := range s.Fields.List {
				if len(f.Names) == 0 {
					if id := source.TypeIdent(f.Type); id != nil {
						ids = append(ids, id)
					}
				}
			}
			return true
		})
	}
	return ids
}

// cross notes a use of something from another package.
func (n *Table) cross(t *reach.Part, r Ref) {
	o := r.Obj
	if std, ok := n.StandIn(o); ok {
		n.Imports[std.Path] = ""
		n.crossings = append(n.crossings, crossing{t: t, scope: r.scope, pos: r.pos, path: std.Path})
		return
	}
	switch {
	case o.Pkg() == nil || !source.IsGlobal(o): // in the declarations that the bundler adds
		if r.Id == nil {
			n.crossings = append(n.crossings, crossing{t: t, scope: r.scope, pos: r.pos, obj: o})
		}
	case n.IsStd(o):
		n.Imports[o.Pkg().Path()] = ""
		n.crossings = append(n.crossings, crossing{t: t, scope: r.scope, pos: r.pos, path: o.Pkg().Path()})
	case n.InProgram(o) && source.IsGlobal(o):
		to := n.Definition(o)
		if to.Pkg() != t.Pkg.Types || to != o || r.Id == nil {
			n.crossings = append(n.crossings, crossing{t: t, scope: r.scope, pos: r.pos, obj: to})
		}
	}
}

// claim gives the names at package level: first to embedded types, whose name
// is a field's name, then to types that reflection shows, then to other types,
// to imports, to the main package, to the rest.
func (n *Table) claim() {
	n.taken["init"], n.taken["main"], n.taken["_"] = true, true, true
	var classes [6][]types.Object
	embedded := map[types.Object]bool{}
	for _, o := range n.Embeds {
		embedded[o] = true
	}
	for _, k := range n.claimants() {
		for _, t := range k.Kept {
			for _, o := range t.Objects {
				if source.IsMethod(o) || n.Aliased(o) {
					continue
				}
				class := 5
				switch typ, isType := o.(*types.TypeName); {
				case isType && embedded[o]:
					class = 0
				case isType && n.Shown[typ]:
					class = 1
				case isType && n.Faced[typ]:
					class = 2
				case isType:
					class = 3
				case k.Package == n.Main:
					class = 4
				}
				classes[class] = append(classes[class], o)
			}
		}
	}
	for i, objs := range classes {
		if i == 4 {
			n.nameImports()
		}
		n.give(objs)
	}
	for _, o := range classes[0] {
		if new := n.objs[o]; new != "" {
			n.Warnings = append(n.Warnings, source.Warning{
				Pos:  n.Fset.PositionFor(o.Pos(), false),
				Text: "embedded type " + source.Describe(o) + " is called " + new + " in the bundle, and so are the fields: another embedded type has its name",
			})
		}
	}
	for _, k := range n.Kept {
		for _, t := range k.Kept {
			if t.IsInit && k.Package != n.Main {
				n.objs[k.Info.Defs[t.Func().Name]] = n.Fresh("init_" + k.Name)
			}
		}
	}
}

// claimants are the packages, the main package first.
func (n *Table) claimants() []*reach.Package {
	i := slices.IndexFunc(n.Kept, func(k *reach.Package) bool { return k.Package == n.Main })
	return slices.Concat(n.Kept[i:i+1], n.Kept[:i], n.Kept[i+1:])
}

// give gives each object its own name if it is free, or a new one.
func (n *Table) give(objs []types.Object) {
	for _, o := range objs {
		name := o.Name()
		switch {
		case name == "main" && o.Pkg() == n.Main.Types:
		case n.minify && n.hidden(o):
			n.objs[o] = n.short()
		case types.Universe.Lookup(name) == nil && !n.taken[name]:
			n.taken[name] = true
		default:
			n.objs[o] = n.Fresh(name + "_" + o.Pkg().Name())
		}
	}
}

// nameImports gives the imports their names: the package's, or one with the
// folder before it.
func (n *Table) nameImports() {
	for _, imp := range slices.Sorted(maps.Keys(n.Imports)) {
		name := path.Base(imp)
		if t := n.Std[imp]; t != nil {
			name = t.Name()
		}
		if n.taken[name] || types.Universe.Lookup(name) != nil {
			name = n.Fresh(path.Base(path.Dir(imp)) + name)
		}
		n.taken[name] = true
		n.Imports[imp] = name
	}
}

// Fresh returns a name that nothing has.
func (n *Table) Fresh(base string) string {
	base = strings.Map(func(r rune) rune {
		if r == '.' || r == '/' || r == '-' {
			return '_'
		}
		return r
	}, base)
	for i := 1; ; i++ {
		name := base
		if i > 1 {
			name += strconv.Itoa(i)
		}
		if !n.used[name] && !n.taken[name] && types.Universe.Lookup(name) == nil && !token.IsKeyword(name) {
			n.taken[name] = true
			return name
		}
	}
}

// Helper returns the name of something that the bundler itself declares.
func (n *Table) Helper(want string) string {
	name, ok := n.Helpers[want]
	if !ok {
		name = n.Fresh(want)
		n.Helpers[want] = name
	}
	return name
}

// Of returns an object's name in the bundle.
func (n *Table) Of(o types.Object) string {
	o = n.Definition(source.Origin(o))
	if v, ok := o.(*types.Var); ok {
		if t := n.Embeds[v]; t != nil {
			return n.Of(t)
		}
	}
	if m, ok := o.(*types.Func); ok && source.IsMethod(m) {
		if new, ok := n.methods[reach.MethodKey(m)]; ok && !m.Exported() {
			return new
		}
		return m.Name()
	}
	if new, ok := n.objs[o]; ok {
		return new
	}
	return o.Name()
}

// capture renames the local objects that would hide something from another
// package where that was written with its package's name.
func (n *Table) capture() {
	locals := map[string]bool{}
	switches := map[types.Object]*ast.Ident{}
	n.EachPart(func(t *reach.Part) {
		n.locals(t, locals, switches)
		n.double(t)
	})
	for _, u := range n.crossings {
		name := ""
		if u.path != "" {
			name = n.Imports[u.path]
		} else {
			name = n.Of(u.obj)
		}
		if locals[name] {
			n.uncover(u, name, switches)
		}
	}
}

// double gives the local constants of doubled names the name of what they hide.
func (n *Table) double(t *reach.Part) {
	for _, node := range t.Nodes() {
		ast.Inspect(node, func(x ast.Node) bool {
			if d, ok := x.(*ast.GenDecl); ok {
				for _, d := range reach.DoubledNames(t.Pkg, d) {
					if name := n.Of(d.First); name != d.Later.Name() {
						n.objs[d.Later] = name
					}
				}
			}
			return true
		})
	}
}

// uncover renames all local objects of a name that are visible at a place.
func (n *Table) uncover(u crossing, name string, switches map[types.Object]*ast.Ident) {
	for s := u.scope; s != nil && s != u.t.Pkg.Types.Scope(); s = s.Parent() {
		if u.obj != nil && s == u.obj.Parent() { // it is local itself
			return
		}
		o := s.Lookup(name)
		if o == nil || o == u.obj || reach.IsImport(o) || source.IsGlobal(o) || n.objs[o] != "" || !visibleAt(u.scope, o, name, u.pos) {
			continue
		}
		n.renameLocal(u.t, o, switches)
	}
}

// visibleAt reports whether a local object's scope has begun at a position.
func visibleAt(scope *types.Scope, o types.Object, name string, pos token.Pos) bool {
	for s := scope; s != nil; s = s.Parent() {
		if s == o.Parent() {
			in, found := s.LookupParent(name, pos)
			return in == s && found == o
		}
	}
	return false
}

func (n *Table) renameLocal(t *reach.Part, o types.Object, switches map[types.Object]*ast.Ident) {
	new := n.Fresh(o.Name() + "2")
	id := switches[o]
	if id == nil {
		n.objs[o] = new
		return
	}
	n.Idents[id] = new
	for other, at := range switches {
		if at == id {
			n.objs[other] = new
		}
	}
}

// locals collects the names of local objects, and the names of type switches.
func (n *Table) locals(t *reach.Part, locals map[string]bool, switches map[types.Object]*ast.Ident) {
	for _, node := range t.Nodes() {
		ast.Inspect(node, func(x ast.Node) bool {
			switch x := x.(type) {
			case *ast.Ident:
				if o, ok := t.Pkg.Info.Defs[x]; ok && (o == nil || !source.IsGlobal(o)) {
					locals[x.Name] = true
				}
			case *ast.TypeSwitchStmt:
				if a, ok := x.Assign.(*ast.AssignStmt); ok {
					id := a.Lhs[0].(*ast.Ident)
					for _, c := range x.Body.List {
						if o := t.Pkg.Info.Implicits[c]; o != nil {
							switches[o] = id
						}
					}
				}
			}
			return true
		})
	}
}
