package bundler

import (
	"go/ast"
	"go/types"
)

// Unexported names of fields and methods belong to their package: two packages'
// name() are two methods. In one package they would become one, so that types
// satisfied interfaces that weren't meant for them, selectors found other
// fields, and different unnamed structs became identical.

// unexported renames unexported methods and fields where that could happen.
func (n *names) unexported() {
	n.separateMethods()
	n.p.liveParts(func(t *part) {
		for _, node := range t.nodes() {
			ast.Inspect(node, func(x ast.Node) bool {
				switch x := x.(type) {
				case *ast.StructType:
					n.separateEmbedded(t.pkg.info.TypeOf(x))
				case *ast.SelectorExpr:
					if sel := t.pkg.info.Selections[x]; sel != nil {
						n.separatePromoted(sel)
					}
				}
				return true
			})
		}
	})
	n.separateStructs()
}

// separateMethods renames the methods of a name in all packages but the first.
// Nothing at run time shows the names of unexported methods.
func (n *names) separateMethods() {
	owner := map[string]*types.Package{}
	n.p.liveParts(func(t *part) {
		n.p.refs(t, func(r ref) {
			if m, ok := r.obj.(*types.Func); ok && isMethod(m) && !m.Exported() && n.p.inProgram(m) {
				switch first := owner[m.Name()]; first {
				case nil:
					owner[m.Name()] = m.Pkg()
				case m.Pkg():
				default:
					n.renameMethod(m)
				}
			}
		})
	})
}

func (n *names) renameMethod(m *types.Func) {
	key := methodKey(m)
	if _, done := n.methods[key]; !done {
		n.methods[key] = n.fresh(m.Name() + "_" + m.Pkg().Name())
	}
}

// separateEmbedded renames methods whose name is that of another package's
// field or method in the same tree of embedded types.
func (n *names) separateEmbedded(t types.Type) {
	s, ok := t.(*types.Struct)
	if !ok {
		return
	}
	members := map[string][]types.Object{}
	for _, o := range embeddedMembers(s) {
		members[o.Name()] = append(members[o.Name()], o)
	}
	for _, name := range sortedKeys(members) {
		objs := members[name]
		for _, o := range objs {
			m, ok := o.(*types.Func)
			if !ok || !n.p.inProgram(m) {
				continue
			}
			for _, other := range objs {
				if other.Pkg() != m.Pkg() && n.p.inProgram(other) {
					n.renameMethod(m)
				}
			}
		}
	}
}

// embeddedMembers lists the unexported fields and methods in the tree of a
// struct, if that has embedded types at all.
func embeddedMembers(s *types.Struct) (objs []types.Object) {
	seen := map[types.Type]bool{}
	var walk func(t types.Type)
	walk = func(t types.Type) {
		t = types.Unalias(t)
		if ptr, ok := t.(*types.Pointer); ok {
			t = types.Unalias(ptr.Elem())
		}
		if seen[t] {
			return
		}
		seen[t] = true
		if named, ok := t.(*types.Named); ok {
			for i := range named.NumMethods() {
				if m := named.Method(i).Origin(); !m.Exported() {
					objs = append(objs, m)
				}
			}
		}
		switch u := t.Underlying().(type) {
		case *types.Interface:
			for i := range u.NumMethods() {
				if m := u.Method(i); !m.Exported() {
					objs = append(objs, m)
				}
			}
		case *types.Struct:
			for i := range u.NumFields() {
				f := u.Field(i)
				if !f.Exported() {
					objs = append(objs, f.Origin())
				}
				if f.Embedded() {
					walk(f.Type())
				}
			}
		}
	}
	walk(s)
	if len(seen) == 1 {
		return nil
	}
	return objs
}

// separatePromoted renames fields of other packages that a selector of an
// unexported promoted field would find instead, or as well.
func (n *names) separatePromoted(sel *types.Selection) {
	o := sel.Obj()
	if o.Exported() || len(sel.Index()) < 2 || !n.p.inProgram(o) {
		return
	}
	level := []types.Type{sel.Recv()}
	for range sel.Index() {
		var next []types.Type
		for _, t := range level {
			t = types.Unalias(t)
			if ptr, ok := t.Underlying().(*types.Pointer); ok {
				t = ptr.Elem()
			}
			s, ok := t.Underlying().(*types.Struct)
			if !ok {
				continue
			}
			for i := range s.NumFields() {
				f := s.Field(i).Origin()
				if f.Name() == o.Name() && f.Pkg() != o.Pkg() && !f.Embedded() && n.p.inProgram(f) && n.objs[f] == "" {
					n.objs[f] = n.fresh(f.Name() + "_" + f.Pkg().Name())
				}
				if f.Embedded() {
					next = append(next, s.Field(i).Type())
				}
			}
		}
		level = next
	}
}

// separateStructs renames the unexported fields of struct types that occur
// unnamed, alike, in several packages. Where there are only fields that keep
// their names, blank or embedded ones, a tag makes the difference.
func (n *names) separateStructs() {
	type home struct {
		pkg     *types.Package
		fields  []*types.Var // to rename
		others  []*types.Var // unexported too
		unnamed bool
	}
	alike := map[string][]*home{}
	n.p.liveParts(func(t *part) {
		named := map[ast.Expr]bool{}
		for _, node := range t.nodes() {
			ast.Inspect(node, func(x ast.Node) bool {
				switch x := x.(type) {
				case *ast.TypeSpec:
					named[x.Type] = true
				case *ast.StructType:
					s, ok := t.pkg.info.TypeOf(x).(*types.Struct)
					if !ok || !hasUnexported(s) {
						return true
					}
					key := types.TypeString(s, nil)
					var h *home
					for _, old := range alike[key] {
						if old.pkg == t.pkg.types {
							h = old
						}
					}
					if h == nil {
						h = &home{pkg: t.pkg.types}
						alike[key] = append(alike[key], h)
					}
					h.unnamed = h.unnamed || !named[x]
					for i := range s.NumFields() {
						switch f := s.Field(i).Origin(); {
						case f.Exported():
						case f.Name() == "_" || f.Embedded():
							h.others = append(h.others, f)
						default:
							h.fields = append(h.fields, f)
						}
					}
				}
				return true
			})
		}
	})
	for _, key := range sortedKeys(alike) {
		first := true
		for _, h := range alike[key] {
			if !h.unnamed {
				continue
			}
			if first {
				first = false
				continue
			}
			given := map[string]string{}
			for _, f := range h.fields {
				if given[f.Name()] == "" {
					given[f.Name()] = n.fresh(f.Name() + "_" + h.pkg.Name())
				}
				n.objs[f] = given[f.Name()]
			}
			if len(h.fields) == 0 {
				for _, f := range h.others {
					n.tags[f] = h.pkg.Path()
				}
			}
		}
	}
}

func hasUnexported(s *types.Struct) bool {
	for i := range s.NumFields() {
		if !s.Field(i).Exported() {
			return true
		}
	}
	return false
}
