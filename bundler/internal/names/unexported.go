package names

import (
	"go/ast"
	"go/types"
	"maps"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/bundler/internal/reach"
	"github.com/deploy-kernel/deploy-kernel/bundler/internal/source"
)

// Unexported names of fields and methods belong to their package: the methods name()
// of two packages differ. In one package they would be equal. Types would implement
// interfaces of other packages, selectors would find other fields, and different
// unnamed structs would be identical.

// unexported keeps the unexported methods and the unnamed structs of different
// packages apart. Fields keep their names, which %+v shows.
func (n *Table) unexported() {
	n.separateMethods()
	n.EachPart(func(t *reach.Part) {
		for _, node := range t.Nodes() {
			ast.Inspect(node, func(x ast.Node) bool {
				if s, ok := x.(*ast.StructType); ok {
					n.separateEmbedded(t.Pkg.Info.TypeOf(s))
				}
				return true
			})
		}
	})
	n.separateStructs()
}

// separateMethods renames unexported methods with a name that methods of an earlier
// package have. Nothing at run time shows these names.
func (n *Table) separateMethods() {
	owner := map[string]*types.Package{}
	n.EachPart(func(t *reach.Part) {
		EachRef(t, func(r Ref) {
			if m, ok := r.Obj.(*types.Func); ok && source.IsMethod(m) && !m.Exported() && n.InProgram(m) {
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

func (n *Table) renameMethod(m *types.Func) {
	key := reach.MethodKey(m)
	if _, done := n.methods[key]; !done {
		n.methods[key] = n.Fresh(m.Name() + "_" + m.Pkg().Name())
	}
}

// separateEmbedded renames the unexported methods of a struct's embedded types whose
// name is also the name of another package's field or method there.
func (n *Table) separateEmbedded(t types.Type) {
	s, ok := t.(*types.Struct)
	if !ok {
		return
	}
	members := map[string][]types.Object{}
	for _, o := range EmbeddedMembers(s) {
		members[o.Name()] = append(members[o.Name()], o)
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		objs := members[name]
		for _, o := range objs {
			m, ok := o.(*types.Func)
			if !ok || !n.InProgram(m) {
				continue
			}
			for _, other := range objs {
				if other.Pkg() != m.Pkg() && n.InProgram(other) {
					n.renameMethod(m)
				}
			}
		}
	}
}

// EmbeddedMembers returns the unexported fields and methods of a struct and of its
// embedded types, at all depths. It returns nil if there are no embedded types.
func EmbeddedMembers(s *types.Struct) (objs []types.Object) {
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
