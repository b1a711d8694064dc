package bundler

import (
	"fmt"
	"go/types"
	"strings"
)

// typeObjects calls f for the types that the text of a type names: declared
// ones, type parameters and predeclared ones.
func typeObjects(t types.Type, f func(types.Object)) {
	switch t := t.(type) {
	case *types.Basic:
		if o := types.Universe.Lookup(t.Name()); o != nil {
			f(o)
		}
	case *types.TypeParam:
		f(t.Obj())
	case *types.Named:
		f(t.Obj())
		for i := range t.TypeArgs().Len() {
			typeObjects(t.TypeArgs().At(i), f)
		}
	case *types.Alias:
		f(t.Obj())
		for i := range t.TypeArgs().Len() {
			typeObjects(t.TypeArgs().At(i), f)
		}
	case *types.Pointer:
		typeObjects(t.Elem(), f)
	case *types.Slice:
		typeObjects(t.Elem(), f)
	case *types.Array:
		typeObjects(t.Elem(), f)
	case *types.Chan:
		typeObjects(t.Elem(), f)
	case *types.Map:
		typeObjects(t.Key(), f)
		typeObjects(t.Elem(), f)
	case *types.Tuple:
		for i := range t.Len() {
			typeObjects(t.At(i).Type(), f)
		}
	case *types.Signature:
		typeObjects(t.Params(), f)
		typeObjects(t.Results(), f)
	case *types.Struct:
		for i := range t.NumFields() {
			typeObjects(t.Field(i).Type(), f)
		}
	case *types.Interface:
		for i := range t.NumExplicitMethods() {
			typeObjects(t.ExplicitMethod(i).Type(), f)
		}
		for i := range t.NumEmbeddeds() {
			typeObjects(t.EmbeddedType(i), f)
		}
	}
}

// typeText writes a type as Go source, in the bundle's names.
func (n *names) typeText(t types.Type) string {
	switch t := t.(type) {
	case *types.Named:
		return n.objectText(t.Obj()) + n.typeArgs(t.TypeArgs())
	case *types.Alias:
		return n.objectText(t.Obj()) + n.typeArgs(t.TypeArgs())
	case *types.TypeParam:
		return n.of(t.Obj())
	case *types.Pointer:
		return "*" + n.typeText(t.Elem())
	case *types.Slice:
		return "[]" + n.typeText(t.Elem())
	case *types.Array:
		return fmt.Sprintf("[%d]%s", t.Len(), n.typeText(t.Elem()))
	case *types.Map:
		return "map[" + n.typeText(t.Key()) + "]" + n.typeText(t.Elem())
	case *types.Chan:
		return map[types.ChanDir]string{types.SendRecv: "chan (", types.SendOnly: "chan<- (", types.RecvOnly: "<-chan ("}[t.Dir()] +
			n.typeText(t.Elem()) + ")"
	case *types.Signature:
		return "func" + n.signatureText(t)
	case *types.Struct:
		return n.structText(t)
	case *types.Interface:
		return n.interfaceText(t)
	}
	return types.TypeString(t, nil) // basic types
}

// objectText writes the name of a declared object, with its package if it is
// of the standard library.
func (n *names) objectText(o types.Object) string {
	if n.isStd(o) {
		return n.imports[o.Pkg().Path()] + "." + o.Name()
	}
	return n.of(o)
}

func (n *names) typeArgs(args *types.TypeList) string {
	if args.Len() == 0 {
		return ""
	}
	texts := make([]string, args.Len())
	for i := range texts {
		texts[i] = n.typeText(args.At(i))
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

func (n *names) signatureText(s *types.Signature) string {
	list := func(t *types.Tuple, variadic bool) string {
		texts := make([]string, t.Len())
		for i := range texts {
			texts[i] = n.typeText(t.At(i).Type())
			if variadic && i == len(texts)-1 {
				texts[i] = "..." + strings.TrimPrefix(texts[i], "[]")
			}
		}
		return "(" + strings.Join(texts, ", ") + ")"
	}
	text := list(s.Params(), s.Variadic())
	if s.Results().Len() > 0 {
		text += " " + list(s.Results(), false)
	}
	return text
}

func (n *names) structText(s *types.Struct) string {
	var b strings.Builder
	b.WriteString("struct {")
	for i := range s.NumFields() {
		f := s.Field(i)
		if !f.Embedded() {
			b.WriteString(" " + n.of(f))
		}
		b.WriteString(" " + n.typeText(f.Type()))
		if tag := n.tag(s, i); tag != "" {
			fmt.Fprintf(&b, " %q", tag)
		}
		b.WriteString(";")
	}
	b.WriteString(" }")
	return b.String()
}

func (n *names) interfaceText(t *types.Interface) string {
	var b strings.Builder
	b.WriteString("interface {")
	for i := range t.NumEmbeddeds() {
		b.WriteString(" " + n.typeText(t.EmbeddedType(i)) + ";")
	}
	for i := range t.NumExplicitMethods() {
		m := t.ExplicitMethod(i)
		b.WriteString(" " + n.of(m) + n.signatureText(m.Signature()) + ";")
	}
	b.WriteString(" }")
	return b.String()
}
