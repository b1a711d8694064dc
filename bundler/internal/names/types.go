package names

import (
	"fmt"
	"go/types"
	"strings"
)

// TypeObjects calls f for the types that the text of t mentions: declared and
// predeclared types, and type parameters.
func TypeObjects(t types.Type, f func(types.Object)) {
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
			TypeObjects(t.TypeArgs().At(i), f)
		}
	case *types.Alias:
		f(t.Obj())
		for i := range t.TypeArgs().Len() {
			TypeObjects(t.TypeArgs().At(i), f)
		}
	case *types.Pointer:
		TypeObjects(t.Elem(), f)
	case *types.Slice:
		TypeObjects(t.Elem(), f)
	case *types.Array:
		TypeObjects(t.Elem(), f)
	case *types.Chan:
		TypeObjects(t.Elem(), f)
	case *types.Map:
		TypeObjects(t.Key(), f)
		TypeObjects(t.Elem(), f)
	case *types.Tuple:
		for i := range t.Len() {
			TypeObjects(t.At(i).Type(), f)
		}
	case *types.Signature:
		TypeObjects(t.Params(), f)
		TypeObjects(t.Results(), f)
	case *types.Struct:
		for i := range t.NumFields() {
			TypeObjects(t.Field(i).Type(), f)
		}
	case *types.Interface:
		for i := range t.NumExplicitMethods() {
			TypeObjects(t.ExplicitMethod(i).Type(), f)
		}
		for i := range t.NumEmbeddeds() {
			TypeObjects(t.EmbeddedType(i), f)
		}
	}
}

// TypeText returns t as Go source, with the names of the bundle.
func (n *Table) TypeText(t types.Type) string {
	switch t := t.(type) {
	case *types.Named:
		return n.ObjectText(t.Obj()) + n.typeArgs(t.TypeArgs())
	case *types.Alias:
		return n.ObjectText(t.Obj()) + n.typeArgs(t.TypeArgs())
	case *types.TypeParam:
		return n.Of(t.Obj())
	case *types.Pointer:
		return "*" + n.TypeText(t.Elem())
	case *types.Slice:
		return "[]" + n.TypeText(t.Elem())
	case *types.Array:
		return fmt.Sprintf("[%d]%s", t.Len(), n.TypeText(t.Elem()))
	case *types.Map:
		return "map[" + n.TypeText(t.Key()) + "]" + n.TypeText(t.Elem())
	case *types.Chan:
		return map[types.ChanDir]string{types.SendRecv: "chan (", types.SendOnly: "chan<- (", types.RecvOnly: "<-chan ("}[t.Dir()] +
			n.TypeText(t.Elem()) + ")"
	case *types.Signature:
		return "func" + n.signatureText(t)
	case *types.Struct:
		return n.structText(t)
	case *types.Interface:
		return n.interfaceText(t)
	}
	return types.TypeString(t, nil) // a basic type
}

// ObjectText returns the name of o as Go source. Objects of the standard library have
// the name of their import in front.
func (n *Table) ObjectText(o types.Object) string {
	if n.IsStd(o) {
		return n.Imports[o.Pkg().Path()] + "." + o.Name()
	}
	return n.Of(o)
}

func (n *Table) typeArgs(args *types.TypeList) string {
	if args.Len() == 0 {
		return ""
	}
	texts := make([]string, args.Len())
	for i := range texts {
		texts[i] = n.TypeText(args.At(i))
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

func (n *Table) signatureText(s *types.Signature) string {
	list := func(t *types.Tuple, variadic bool) string {
		texts := make([]string, t.Len())
		for i := range texts {
			texts[i] = n.TypeText(t.At(i).Type())
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

func (n *Table) structText(s *types.Struct) string {
	var b strings.Builder
	b.WriteString("struct {")
	for i := range s.NumFields() {
		f := s.Field(i)
		if !f.Embedded() {
			b.WriteString(" " + n.Of(f))
		}
		b.WriteString(" " + n.TypeText(f.Type()))
		if tag := n.Tag(s, i); tag != "" {
			fmt.Fprintf(&b, " %q", tag)
		}
		b.WriteString(";")
	}
	b.WriteString(" }")
	return b.String()
}

func (n *Table) interfaceText(t *types.Interface) string {
	var b strings.Builder
	b.WriteString("interface {")
	for i := range t.NumEmbeddeds() {
		b.WriteString(" " + n.TypeText(t.EmbeddedType(i)) + ";")
	}
	for i := range t.NumExplicitMethods() {
		m := t.ExplicitMethod(i)
		b.WriteString(" " + n.Of(m) + n.signatureText(m.Signature()) + ";")
	}
	b.WriteString(" }")
	return b.String()
}
