package bundler

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
)

// names holds what everything is called in the bundle. What isn't in a map
// keeps its name.
type names struct {
	*live
	minify   bool
	warnings []sourceWarning
	blank    []string // packages of std to import for their effects

	objs    map[types.Object]string // package-level objects, locals, fields
	methods map[string]string       // unexported methods, by methodKey
	idents  map[*ast.Ident]string   // variables of type switches
	imports map[string]string       // of std, by path
	embeds  map[*types.Var]types.Object
	tags    map[*types.Var]string // added to fields, to tell their structs apart

	used      map[string]bool // every identifier of the live source
	taken     map[string]bool // names given at package level, and new names of locals
	helps     map[string]string
	crossings []crossing // places that another scope could capture
	shorts    int
}

// A crossing is a place where a name comes from another package.
type crossing struct {
	t     *livePart
	scope *types.Scope
	pos   token.Pos
	obj   types.Object // of the program; nil if path is set
	path  string       // an import
}

// rename gives all objects one name space. A name is either the one of the
// source, given to the first that claims it, or a new one that occurs nowhere
// in the source, so that nothing can capture it.
func rename(ctx context.Context, l *live, minify bool) (*names, error) {
	n := &names{
		live: l, minify: minify, objs: map[types.Object]string{}, methods: map[string]string{}, idents: map[*ast.Ident]string{},
		imports: map[string]string{}, embeds: map[*types.Var]types.Object{}, tags: map[*types.Var]string{},
		used: map[string]bool{}, taken: map[string]bool{}, helps: map[string]string{},
	}
	n.collect()
	n.claim()
	n.unexported()
	n.capture()
	n.blank = n.blankImports()
	n.warnRenamed()
	n.warnTagged()
	n.crossings = nil // they hold the syntax
	return n, ctx.Err()
}

// collect finds the names in use, the imports, and what embedded fields are
// called after.
func (n *names) collect() {
	n.eachPart(func(t *livePart) {
		eachRef(t, func(r ref) {
			n.used[r.id.Name] = true
			if v, ok := r.obj.(*types.Var); ok && r.decl && v.Embedded() {
				if named := t.pkg.info.Uses[r.id]; named != nil {
					n.embeds[v] = named
				}
			}
			if !r.decl {
				n.cross(t, r)
			}
		})
		for _, id := range embeddedIdents(t) {
			if v, ok := t.pkg.info.Defs[id].(*types.Var); ok {
				n.embeds[v.Origin()] = origin(t.pkg.info.Uses[id])
			}
		}
		for _, l := range findLoops(t) {
			l.eachObject(func(o types.Object) {
				n.cross(t, ref{obj: o, scope: l.scope, pos: l.pos()})
			})
		}
		for _, path := range n.extraImports(t) {
			n.imports[path] = ""
		}
	})
}

// embeddedIdents finds the names of the types of embedded fields: they declare
// the field and use the type.
func embeddedIdents(t *livePart) (ids []*ast.Ident) {
	for _, node := range t.nodes() {
		ast.Inspect(node, func(x ast.Node) bool {
			s, ok := x.(*ast.StructType)
			if !ok {
				return true
			}
			for _, f := range s.Fields.List {
				if len(f.Names) == 0 {
					if id := typeIdent(f.Type); id != nil {
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
func (n *names) cross(t *livePart, r ref) {
	o := r.obj
	if std, ok := n.standIn(o); ok {
		n.imports[std.path] = ""
		n.crossings = append(n.crossings, crossing{t: t, scope: r.scope, pos: r.pos, path: std.path})
		return
	}
	switch {
	case o.Pkg() == nil || !isGlobal(o): // in the declarations that the bundler adds
		if r.id == nil {
			n.crossings = append(n.crossings, crossing{t: t, scope: r.scope, pos: r.pos, obj: o})
		}
	case n.isStd(o):
		n.imports[o.Pkg().Path()] = ""
		n.crossings = append(n.crossings, crossing{t: t, scope: r.scope, pos: r.pos, path: o.Pkg().Path()})
	case n.inProgram(o) && isGlobal(o):
		to := n.definition(o)
		if to.Pkg() != t.pkg.types || to != o || r.id == nil {
			n.crossings = append(n.crossings, crossing{t: t, scope: r.scope, pos: r.pos, obj: to})
		}
	}
}

// claim gives the names at package level: first to embedded types, whose name
// is a field's name, then to types that reflection shows, then to other types,
// to imports, to the main package, to the rest.
func (n *names) claim() {
	n.taken["init"], n.taken["main"], n.taken["_"] = true, true, true
	var classes [6][]types.Object
	embedded := map[types.Object]bool{}
	for _, o := range n.embeds {
		embedded[o] = true
	}
	for _, k := range n.claimants() {
		for _, t := range k.kept {
			for _, o := range t.objs {
				if isMethod(o) || n.aliased(o) {
					continue
				}
				class := 5
				switch typ, isType := o.(*types.TypeName); {
				case isType && embedded[o]:
					class = 0
				case isType && n.shown[typ]:
					class = 1
				case isType && n.faced[typ]:
					class = 2
				case isType:
					class = 3
				case k.pkg == n.main:
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
			n.warnings = append(n.warnings, sourceWarning{
				Pos:  n.fset.PositionFor(o.Pos(), false),
				Text: "embedded type " + describe(o) + " is called " + new + " in the bundle, and so are the fields: another embedded type has its name",
			})
		}
	}
	for _, k := range n.kept {
		for _, t := range k.kept {
			if t.isInit && k.pkg != n.main {
				n.objs[k.info.Defs[t.fn().Name]] = n.fresh("init_" + k.Name)
			}
		}
	}
}

// claimants are the packages, the main package first.
func (n *names) claimants() []*livePkg {
	i := slices.IndexFunc(n.kept, func(k *livePkg) bool { return k.pkg == n.main })
	return slices.Concat(n.kept[i:i+1], n.kept[:i], n.kept[i+1:])
}

// give gives each object its own name if it is free, or a new one.
func (n *names) give(objs []types.Object) {
	for _, o := range objs {
		name := o.Name()
		switch {
		case name == "main" && o.Pkg() == n.main.types:
		case n.minify && n.hidden(o):
			n.objs[o] = n.short()
		case types.Universe.Lookup(name) == nil && !n.taken[name]:
			n.taken[name] = true
		default:
			n.objs[o] = n.fresh(name + "_" + o.Pkg().Name())
		}
	}
}

// nameImports gives the imports their names: the package's, or one with the
// folder before it.
func (n *names) nameImports() {
	for _, imp := range slices.Sorted(maps.Keys(n.imports)) {
		name := path.Base(imp)
		if t := n.std[imp]; t != nil {
			name = t.Name()
		}
		if n.taken[name] || types.Universe.Lookup(name) != nil {
			name = n.fresh(path.Base(path.Dir(imp)) + name)
		}
		n.taken[name] = true
		n.imports[imp] = name
	}
}

// fresh returns a name that nothing has.
func (n *names) fresh(base string) string {
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

// helper returns the name of something that the bundler itself declares.
func (n *names) helper(want string) string {
	name, ok := n.helps[want]
	if !ok {
		name = n.fresh(want)
		n.helps[want] = name
	}
	return name
}

// of returns an object's name in the bundle.
func (n *names) of(o types.Object) string {
	o = n.definition(origin(o))
	if v, ok := o.(*types.Var); ok {
		if t := n.embeds[v]; t != nil {
			return n.of(t)
		}
	}
	if m, ok := o.(*types.Func); ok && isMethod(m) {
		if new, ok := n.methods[methodKey(m)]; ok && !m.Exported() {
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
func (n *names) capture() {
	locals := map[string]bool{}
	switches := map[types.Object]*ast.Ident{}
	n.eachPart(func(t *livePart) {
		n.locals(t, locals, switches)
		n.double(t)
	})
	for _, u := range n.crossings {
		name := ""
		if u.path != "" {
			name = n.imports[u.path]
		} else {
			name = n.of(u.obj)
		}
		if locals[name] {
			n.uncover(u, name, switches)
		}
	}
}

// double gives the local constants of doubled names the name of what they hide.
func (n *names) double(t *livePart) {
	for _, node := range t.nodes() {
		ast.Inspect(node, func(x ast.Node) bool {
			if d, ok := x.(*ast.GenDecl); ok {
				for _, d := range doubledNames(t.pkg, d) {
					if name := n.of(d.first); name != d.later.Name() {
						n.objs[d.later] = name
					}
				}
			}
			return true
		})
	}
}

// uncover renames all local objects of a name that are visible at a place.
func (n *names) uncover(u crossing, name string, switches map[types.Object]*ast.Ident) {
	for s := u.scope; s != nil && s != u.t.pkg.types.Scope(); s = s.Parent() {
		if u.obj != nil && s == u.obj.Parent() { // it is local itself
			return
		}
		o := s.Lookup(name)
		if o == nil || o == u.obj || isImport(o) || isGlobal(o) || n.objs[o] != "" || !visibleAt(u.scope, o, name, u.pos) {
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

func (n *names) renameLocal(t *livePart, o types.Object, switches map[types.Object]*ast.Ident) {
	new := n.fresh(o.Name() + "2")
	id := switches[o]
	if id == nil {
		n.objs[o] = new
		return
	}
	n.idents[id] = new
	for other, at := range switches {
		if at == id {
			n.objs[other] = new
		}
	}
}

// locals collects the names of local objects, and the names of type switches.
func (n *names) locals(t *livePart, locals map[string]bool, switches map[types.Object]*ast.Ident) {
	for _, node := range t.nodes() {
		ast.Inspect(node, func(x ast.Node) bool {
			switch x := x.(type) {
			case *ast.Ident:
				if o, ok := t.pkg.info.Defs[x]; ok && (o == nil || !isGlobal(o)) {
					locals[x.Name] = true
				}
			case *ast.TypeSwitchStmt:
				if a, ok := x.Assign.(*ast.AssignStmt); ok {
					id := a.Lhs[0].(*ast.Ident)
					for _, c := range x.Body.List {
						if o := t.pkg.info.Implicits[c]; o != nil {
							switches[o] = id
						}
					}
				}
			}
			return true
		})
	}
}
