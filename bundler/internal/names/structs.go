package names

import (
	"fmt"
	"go/ast"
	"go/types"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/bundler/internal/reach"
)

// Unnamed struct types of different packages differ if they have unexported fields,
// even if they look alike. In one package they would be one type. A tag on one of
// these fields keeps them apart. Only reflection and the text of the type show it.

// A structHome holds the struct types of one package that look alike. Named ones count
// too, because values of unnamed types are assignable to them.
type structHome struct {
	pkg     *types.Package
	fields  []*types.Var // the fields for a tag, one of each type
	unnamed bool         // some of the types have no name
	seen    bool         // the program can see the identity of some of the types
}

// separateStructs adds tags to unnamed struct types that look alike in several
// packages.
func (n *Table) separateStructs() {
	dynamic := n.dynamicFields()
	type occurrence struct {
		t     *reach.Part
		s     *types.Struct
		named bool
	}
	shapes := map[string][]occurrence{}
	generic := map[string]bool{}
	n.EachPart(func(t *reach.Part) {
		named := map[ast.Expr]bool{}
		for _, node := range t.Nodes() {
			ast.Inspect(node, func(x ast.Node) bool {
				switch x := x.(type) {
				case *ast.TypeSpec:
					named[x.Type] = !x.Assign.IsValid()
				case *ast.StructType:
					if s, ok := t.Pkg.Info.TypeOf(x).(*types.Struct); ok && tagField(s) >= 0 {
						shape := structKey(s, false)
						shapes[shape] = append(shapes[shape], occurrence{t, s, named[x]})
						generic[shape] = generic[shape] || reach.HasTypeParam(s)
					}
				}
				return true
			})
		}
	})
	for _, shape := range slices.Sorted(maps.Keys(shapes)) {
		alike := map[string][]*structHome{}
		for _, o := range shapes[shape] {
			key := ""
			if !generic[shape] { // else type arguments can make them alike
				key = structKey(o.s, true)
			}
			h := homeOf(alike, key, o.t.Pkg.Types)
			f := o.s.Field(tagField(o.s)).Origin()
			h.fields = append(h.fields, f)
			h.unnamed = h.unnamed || !o.named
			h.seen = h.seen || dynamic[f]
		}
		for _, key := range slices.Sorted(maps.Keys(alike)) {
			n.tagHomes(alike[key])
		}
	}
}

// homeOf returns the home of a package in alike[key]. It adds one if there is none.
func homeOf(alike map[string][]*structHome, key string, pkg *types.Package) *structHome {
	for _, h := range alike[key] {
		if h.pkg == pkg {
			return h
		}
	}
	h := &structHome{pkg: pkg}
	alike[key] = append(alike[key], h)
	return h
}

// tagHomes adds tags to the types of all homes but the first.
func (n *Table) tagHomes(homes []*structHome) {
	first := true
	for _, h := range homes {
		switch {
		case !h.unnamed || !h.seen:
		case first:
			first = false
		default:
			for _, f := range h.fields {
				n.Tags[f] = h.pkg.Path()
			}
		}
	}
}

// Tag returns the tag of field i in the bundle.
func (n *Table) Tag(s *types.Struct, i int) string {
	if home := n.Tags[s.Field(i).Origin()]; home != "" {
		return strings.TrimSpace(s.Tag(i) + " package:" + strconv.Quote(home))
	}
	return s.Tag(i)
}

// tagField returns the index of the field for a tag: an unexported one, not embedded
// if possible. It is -1 if all fields are exported.
func tagField(s *types.Struct) int {
	found := -1
	for i := range s.NumFields() {
		switch f := s.Field(i); {
		case f.Exported():
		case !f.Embedded():
			return i
		case found < 0:
			found = i
		}
	}
	return found
}

// dynamicFields returns the fields of the struct types whose identity the program can
// see at run time: values are converted to interface types, type assertions mention
// the types, or signatures of methods do.
func (n *Table) dynamicFields() map[*types.Var]bool {
	fields := map[*types.Var]bool{}
	see := func(t types.Type) {
		reach.WalkType(t, func(t types.Type) {
			if s, ok := t.(*types.Struct); ok {
				for f := range s.Fields() {
					fields[f.Origin()] = true
				}
			}
		})
	}
	for t := range n.ConvertedTypes {
		see(t)
	}
	n.EachPart(func(t *reach.Part) {
		info := t.Pkg.Info
		for _, node := range t.Nodes() {
			ast.Inspect(node, func(x ast.Node) bool {
				switch x := x.(type) {
				case *ast.TypeAssertExpr:
					if x.Type != nil {
						see(info.TypeOf(x.Type))
					}
				case *ast.CaseClause:
					for _, e := range x.List {
						if info.Types[e].IsType() {
							see(info.TypeOf(e))
						}
					}
				case *ast.InterfaceType: // methods, and the terms of constraints
					see(info.TypeOf(x))
				case *ast.FuncDecl:
					if x.Recv != nil {
						see(info.TypeOf(x.Type))
						see(info.Defs[x.Name].Type())
					}
				}
				return true
			})
		}
	})
	return fields
}

// structKey describes the fields of a struct, with or without their types. Structs
// with equal keys look alike, whatever packages their unexported names belong to.
func structKey(s *types.Struct, withTypes bool) string {
	var b strings.Builder
	for i := range s.NumFields() {
		f := s.Field(i)
		fmt.Fprintf(&b, "%s %v %q", f.Name(), f.Embedded(), s.Tag(i))
		if withTypes {
			b.WriteString(" " + typeKey(f.Type()))
		}
		b.WriteString(";")
	}
	return b.String()
}

// typeKey returns a text that is equal for types that are identical but for the
// packages of unexported names. It may be equal for other types.
func typeKey(t types.Type) string {
	switch t := types.Unalias(t).(type) {
	case *types.Pointer:
		return "*" + typeKey(t.Elem())
	case *types.Slice:
		return "[]" + typeKey(t.Elem())
	case *types.Array:
		return fmt.Sprintf("[%d]%s", t.Len(), typeKey(t.Elem()))
	case *types.Map:
		return "map[" + typeKey(t.Key()) + "]" + typeKey(t.Elem())
	case *types.Chan:
		return fmt.Sprintf("chan %d %s", t.Dir(), typeKey(t.Elem()))
	case *types.Struct:
		return "struct{" + structKey(t, true) + "}"
	case *types.Tuple:
		var b strings.Builder
		for v := range t.Variables() {
			b.WriteString(typeKey(v.Type()) + ",")
		}
		return b.String()
	case *types.Signature:
		return fmt.Sprintf("func(%s)(%s)%v", typeKey(t.Params()), typeKey(t.Results()), t.Variadic())
	case *types.Interface: // the order of methods doesn't matter
		return fmt.Sprintf("interface %d", t.NumMethods())
	case *types.Named:
		key := t.Obj().Name()
		if t.Obj().Pkg() != nil {
			key = t.Obj().Pkg().Path() + "." + key
		}
		for a := range t.TypeArgs().Types() {
			key += "," + typeKey(a)
		}
		return key
	default:
		return types.TypeString(t, nil)
	}
}
