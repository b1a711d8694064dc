package print

import (
	"fmt"
	"go/ast"
	"go/types"
	"strings"
)

// accessors returns the declarations of a part with variables that are linked to
// others. Such a variable becomes a function, and each use of it becomes (*name()):
//
//	func name() *T { return &other }
func (w *partWriter) accessors() string {
	spec := w.t.Spec.(*ast.ValueSpec)
	typ := w.apply(spec.Type.Pos(), spec.Type.End())
	var b strings.Builder
	for _, o := range w.t.Objects {
		a := w.names.Aliases[o]
		name := w.names.Of(o)
		if a.Pointer == nil {
			if !w.names.Aliased(o) {
				b.WriteString(w.names.LinkDirective(o) + "var " + name + " " + typ + "\n\n")
			}
			continue
		}
		address := "&" + w.names.Of(a.Pointer)
		if !types.Identical(o.Type(), a.Pointer.Type()) {
			address = "(*" + typ + ")(" + w.names.Imports["unsafe"] + ".Pointer(" + address + "))"
		}
		fmt.Fprintf(&b, "// %s returns the address of %s, by a go:linkname directive.\n", name, w.names.Of(a.Pointer))
		if a.Later {
			address = "{ return " + address + " }\n"
			hidden := w.names.Helper(name + "_address")
			fmt.Fprintf(&b, "//\n//go:linkname %s main.%s\nfunc %s() *%s\n\n", name, hidden, name, typ)
			fmt.Fprintf(&b, "func %s() *%s %s\n", hidden, typ, address)
			continue
		}
		fmt.Fprintf(&b, "func %s() *%s { return %s }\n\n", name, typ, address)
	}
	return strings.TrimSpace(b.String())
}
