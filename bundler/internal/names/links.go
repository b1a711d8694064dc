package names

import (
	"go/types"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/bundler/internal/reach"
	"github.com/deploy-kernel/deploy-kernel/bundler/internal/source"
)

// linkOf returns the symbol in the go:linkname directive of o, or nothing if o needs
// none.
func (n *Table) linkOf(o types.Object) string {
	a := n.Aliases[o]
	switch {
	case a.Self != nil && n.Aliases[a.Self].Link != "":
		return n.Aliases[a.Self].Link
	case a.Self != nil:
		return n.symbolOf(a.Self)
	default:
		return a.Link
	}
}

// symbolOf returns the linker symbol of a function, method or variable in the bundle.
func (n *Table) symbolOf(o types.Object) string {
	name := n.Of(o)
	fn, ok := o.(*types.Func)
	if !ok || !source.IsMethod(fn) {
		return "main." + name
	}
	typ := n.Of(reach.Receiver(fn).Obj())
	if _, ptr := fn.Signature().Recv().Type().(*types.Pointer); ptr {
		typ = "(*" + typ + ")"
	}
	return "main." + typ + "." + name
}

// LinkDirective returns the line with the go:linkname directive of o, or nothing if o
// needs none.
func (n *Table) LinkDirective(o types.Object) string {
	if symbol := n.linkOf(o); symbol != "" {
		return "//go:linkname " + n.Of(o) + " " + symbol + "\n"
	}
	return ""
}

// HasAccessor reports whether a variable of a part becomes a function that returns
// the address of another one.
func (n *Table) HasAccessor(t *reach.Part) bool {
	return t.Kind == source.VarPart && slices.ContainsFunc(t.Objects, func(o types.Object) bool { return n.Aliases[o].Pointer != nil })
}
