// Package names is the third stage of the bundler: it gives the parts of all
// packages one name space.
//
// [Assign] takes a [reach.Live] and returns a [Table]: the name of each object in the
// bundle, the imports, and warnings about new names that the program can show.
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

// A Table is the output of this stage: the names in the bundle. Objects that aren't in
// its maps keep their names.
type Table struct {
	*reach.Live
	Warnings []source.Warning // of this stage and those before

	objs    map[types.Object]string     // package-level objects and locals
	methods map[string]string           // unexported methods, by MethodKey
	Idents  map[*ast.Ident]string       // new names of the variables of type switches
	Imports map[string]string           // names of imported standard library packages, by path
	Blank   []string                    // paths of packages to import for their effects
	Embeds  map[*types.Var]types.Object // embedded fields to the types that name them
	Tags    map[*types.Var]string       // fields to the package path in their added tags; see structs.go

	minify    bool
	used      map[string]bool   // all identifiers of the live parts
	taken     map[string]bool   // names at package level, and new names of locals
	Helpers   map[string]string // names of the declarations that the bundler adds; see Helper
	crossings []crossing        // uses that a local object could capture
	shorts    int
}

// A crossing is a use whose object is in scope as package.name, or not at all, in the
// source.
type crossing struct {
	t     *reach.Part
	scope *types.Scope
	pos   token.Pos
	obj   types.Object // an object of the program; nil if path is set
	path  string       // the path of an import
}

// Assign assigns names to the objects of all packages. The first object that claims a
// name keeps it. Others get a new name that occurs nowhere in the source, so that
// nothing can capture it. If minify, hidden objects get short names.
func Assign(ctx context.Context, l *reach.Live, minify bool) (*Table, error) {
	n := &Table{
		Live: l, Warnings: slices.Clone(l.Warnings), minify: minify, objs: map[types.Object]string{}, methods: map[string]string{}, Idents: map[*ast.Ident]string{},
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
	n.crossings = nil // they keep the syntax alive
	return n, ctx.Err()
}

// collect finds the identifiers in use, the imports, the crossings, and the types of
// embedded fields.
func (n *Table) collect() {
	n.EachPart(func(t *reach.Part) {
		EachRef(t, func(r Ref) {
			n.used[r.Ident.Name] = true
			if v, ok := r.Obj.(*types.Var); ok && r.Decl && v.Embedded() {
				if named := t.Pkg.Info.Uses[r.Ident]; named != nil {
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

// embeddedIdents returns the type names of embedded fields. They declare the field and
// use the type.
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

// cross notes the use r if it is a crossing.
func (n *Table) cross(t *reach.Part, r Ref) {
	o := r.Obj
	if std, ok := n.StandIn(o); ok {
		n.Imports[std.Path] = ""
		n.crossings = append(n.crossings, crossing{t: t, scope: r.scope, pos: r.pos, path: std.Path})
		return
	}
	switch {
	case o.Pkg() == nil || !source.IsGlobal(o): // used in a declaration that the bundler adds
		if r.Ident == nil {
			n.crossings = append(n.crossings, crossing{t: t, scope: r.scope, pos: r.pos, obj: o})
		}
	case n.IsStd(o):
		n.Imports[o.Pkg().Path()] = ""
		n.crossings = append(n.crossings, crossing{t: t, scope: r.scope, pos: r.pos, path: o.Pkg().Path()})
	case n.InProgram(o) && source.IsGlobal(o):
		to := n.Definition(o)
		if to.Pkg() != t.Pkg.Types || to != o || r.Ident == nil {
			n.crossings = append(n.crossings, crossing{t: t, scope: r.scope, pos: r.pos, obj: to})
		}
	}
}

// claim assigns the names at package level. Objects claim their names in this order:
// embedded types, whose names are names of fields; types that reflection can show;
// types that are converted to interface types; other types; imports; the main
// package; the rest.
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
				case isType && n.Converted[typ]:
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

// claimants returns the packages, the main package first.
func (n *Table) claimants() []*reach.Package {
	i := slices.IndexFunc(n.Kept, func(k *reach.Package) bool { return k.Package == n.Main })
	return slices.Concat(n.Kept[i:i+1], n.Kept[:i], n.Kept[i+1:])
}

// give assigns each object its own name if that is free, or else a new one.
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

// nameImports assigns the names of imports: the name of the package, or a new one with
// the parent folder in front.
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

// Fresh returns a new name that begins with base, and reserves it.
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

// Helper returns the name of a declaration that the bundler adds. It is want, or
// begins with it.
func (n *Table) Helper(want string) string {
	name, ok := n.Helpers[want]
	if !ok {
		name = n.Fresh(want)
		n.Helpers[want] = name
	}
	return name
}

// Of returns the name of o in the bundle.
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

// capture renames the local objects that would capture a crossing.
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

// double gives the later object of each doubled name the name of the first.
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

// uncover renames the local objects with a name that are visible at a crossing.
func (n *Table) uncover(u crossing, name string, switches map[types.Object]*ast.Ident) {
	for s := u.scope; s != nil && s != u.t.Pkg.Types.Scope(); s = s.Parent() {
		if u.obj != nil && s == u.obj.Parent() { // the object is local itself
			return
		}
		o := s.Lookup(name)
		if o == nil || o == u.obj || reach.IsImport(o) || source.IsGlobal(o) || n.objs[o] != "" || !visibleAt(u.scope, o, name, u.pos) {
			continue
		}
		n.renameLocal(u.t, o, switches)
	}
}

// visibleAt reports whether the name denotes the local object o at pos in scope.
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

// locals collects the names of local objects, and the identifiers that declare the
// variables of type switches.
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
