package bundler

import (
	"go/types"
	"slices"
)

// linkOf returns the symbol for the go:linkname directive of an object that
// needs one.
func (n *names) linkOf(o types.Object) string {
	a := n.aliases[o]
	switch {
	case a.self != nil && n.aliases[a.self].link != "":
		return n.aliases[a.self].link
	case a.self != nil:
		return n.symbolOf(a.self)
	default:
		return a.link
	}
}

// symbolOf returns the symbol of a function, method or variable in the bundle.
func (n *names) symbolOf(o types.Object) string {
	name := n.of(o)
	fn, ok := o.(*types.Func)
	if !ok || !isMethod(fn) {
		return "main." + name
	}
	typ := n.of(receiver(fn).Obj())
	if _, ptr := fn.Signature().Recv().Type().(*types.Pointer); ptr {
		typ = "(*" + typ + ")"
	}
	return "main." + typ + "." + name
}

// linkDirective returns the go:linkname line of an object, or nothing if it needs
// none.
func (n *names) linkDirective(o types.Object) string {
	if symbol := n.linkOf(o); symbol != "" {
		return "//go:linkname " + n.of(o) + " " + symbol + "\n"
	}
	return ""
}

// hasAccessor reports whether a variable of a part becomes a function.
func (n *names) hasAccessor(t *livePart) bool {
	return t.kind == varPart && slices.ContainsFunc(t.objs, func(o types.Object) bool { return n.aliases[o].ptr != nil })
}
