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
func (p *program) typeText(t types.Type) string {
	switch t := t.(type) {
	case *types.Named:
		return p.objectText(t.Obj()) + p.typeArgs(t.TypeArgs())
	case *types.Alias:
		return p.objectText(t.Obj()) + p.typeArgs(t.TypeArgs())
	case *types.TypeParam:
		return p.names.of(t.Obj())
	case *types.Pointer:
		return "*" + p.typeText(t.Elem())
	case *types.Slice:
		return "[]" + p.typeText(t.Elem())
	case *types.Array:
		return fmt.Sprintf("[%d]%s", t.Len(), p.typeText(t.Elem()))
	case *types.Map:
		return "map[" + p.typeText(t.Key()) + "]" + p.typeText(t.Elem())
	case *types.Chan:
		return map[types.ChanDir]string{types.SendRecv: "chan (", types.SendOnly: "chan<- (", types.RecvOnly: "<-chan ("}[t.Dir()] +
			p.typeText(t.Elem()) + ")"
	case *types.Signature:
		return "func" + p.signatureText(t)
	case *types.Struct:
		return p.structText(t)
	case *types.Interface:
		return p.interfaceText(t)
	}
	return types.TypeString(t, nil) // basic types
}

// objectText writes the name of a declared object, with its package if it is
// of the standard library.
func (p *program) objectText(o types.Object) string {
	if p.isStd(o) {
		return p.names.imports[o.Pkg().Path()] + "." + o.Name()
	}
	return p.names.of(o)
}

func (p *program) typeArgs(args *types.TypeList) string {
	if args.Len() == 0 {
		return ""
	}
	texts := make([]string, args.Len())
	for i := range texts {
		texts[i] = p.typeText(args.At(i))
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

func (p *program) signatureText(s *types.Signature) string {
	list := func(t *types.Tuple, variadic bool) string {
		texts := make([]string, t.Len())
		for i := range texts {
			texts[i] = p.typeText(t.At(i).Type())
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

func (p *program) structText(s *types.Struct) string {
	var b strings.Builder
	b.WriteString("struct {")
	for i := range s.NumFields() {
		f := s.Field(i)
		if !f.Embedded() {
			b.WriteString(" " + p.names.of(f))
		}
		b.WriteString(" " + p.typeText(f.Type()))
		if tag := p.names.tag(s, i); tag != "" {
			fmt.Fprintf(&b, " %q", tag)
		}
		b.WriteString(";")
	}
	b.WriteString(" }")
	return b.String()
}

func (p *program) interfaceText(t *types.Interface) string {
	var b strings.Builder
	b.WriteString("interface {")
	for i := range t.NumEmbeddeds() {
		b.WriteString(" " + p.typeText(t.EmbeddedType(i)) + ";")
	}
	for i := range t.NumExplicitMethods() {
		m := t.ExplicitMethod(i)
		b.WriteString(" " + p.names.of(m) + p.signatureText(m.Signature()) + ";")
	}
	b.WriteString(" }")
	return b.String()
}
