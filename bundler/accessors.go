package bundler

import (
	"fmt"
	"go/ast"
	"go/types"
	"strings"
)

// accessors prints the declarations of a part with variables that stand for
// others. Each of these becomes a function, and each use of it (*name()):
//
//	func name() *T { return &other }
func (w *partWriter) accessors() string {
	spec := w.t.spec.(*ast.ValueSpec)
	typ := w.apply(spec.Type.Pos(), spec.Type.End())
	var b strings.Builder
	for _, o := range w.t.objs {
		a := w.names.aliases[o]
		name := w.names.of(o)
		if a.ptr == nil {
			if !w.names.aliased(o) {
				b.WriteString(w.names.linkDirective(o) + "var " + name + " " + typ + "\n\n")
			}
			continue
		}
		address := "&" + w.names.of(a.ptr)
		if !types.Identical(o.Type(), a.ptr.Type()) {
			address = "(*" + typ + ")(" + w.names.imports["unsafe"] + ".Pointer(" + address + "))"
		}
		fmt.Fprintf(&b, "// %s returns the address of %s, by a go:linkname directive.\n", name, w.names.of(a.ptr))
		if a.hide {
			address = "{ return " + address + " }\n"
			hidden := w.names.helper(name + "_address")
			fmt.Fprintf(&b, "//\n//go:linkname %s main.%s\nfunc %s() *%s\n\n", name, hidden, name, typ)
			fmt.Fprintf(&b, "func %s() *%s %s\n", hidden, typ, address)
			continue
		}
		fmt.Fprintf(&b, "func %s() *%s { return %s }\n\n", name, typ, address)
	}
	return strings.TrimSpace(b.String())
}
