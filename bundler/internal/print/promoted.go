package print

import (
	"go/ast"
	"go/types"
	"slices"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/bundler/internal/names"
	"github.com/deploy-kernel/deploy-kernel/bundler/internal/source"
)

// A selector of a promoted field omits the embedded fields on the way. In one package
// it could also find another package's unexported field of that name. The bundle then
// has the whole selector:
//
//	s.x    s.inner.x

// promoted inserts embedded fields into selectors that would otherwise be ambiguous.
func (w *partWriter) promoted() {
	for _, node := range w.t.Nodes() {
		ast.Inspect(node, func(n ast.Node) bool {
			if x, ok := n.(*ast.SelectorExpr); ok {
				if way := w.way(x); len(way) > 0 {
					w.insert(x.Sel.Pos(), strings.Join(way, ".")+".")
				}
			}
			return true
		})
	}
}

// way returns the names of the embedded fields to insert into a selector.
func (w *partWriter) way(x *ast.SelectorExpr) (fields []string) {
	sel := w.t.Pkg.Info.Selections[x]
	if sel == nil || sel.Kind() != types.FieldVal || len(sel.Index()) < 2 {
		return nil
	}
	o := source.Origin(sel.Obj())
	s := structOf(sel.Recv())
	if o.Exported() || s == nil || !w.names.InProgram(o) || !slices.ContainsFunc(names.EmbeddedMembers(s), func(other types.Object) bool {
		return other.Name() == o.Name() && other.Pkg() != o.Pkg()
	}) {
		return nil
	}
	for _, i := range sel.Index()[:len(sel.Index())-1] {
		f := s.Field(i)
		fields = append(fields, w.names.Of(f))
		s = structOf(f.Type())
	}
	return fields
}

// structOf returns the underlying struct of t, or of the type that t points to. It
// returns nil for other types.
func structOf(t types.Type) *types.Struct {
	if ptr, ok := t.Underlying().(*types.Pointer); ok {
		t = ptr.Elem()
	}
	s, _ := t.Underlying().(*types.Struct)
	return s
}

// offsets rewrites unsafe.Offsetof of promoted fields, which is relative to the outer
// struct:
//
//	unsafe.Offsetof(s.x)    (unsafe.Offsetof(s.inner) + unsafe.Offsetof(s.inner.x))
func (w *partWriter) offsets() {
	for _, node := range w.t.Nodes() {
		ast.Inspect(node, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) != 1 || !w.t.Pkg.Info.Types[call.Fun].IsBuiltin() {
				return true
			}
			x, ok := ast.Unparen(call.Args[0]).(*ast.SelectorExpr)
			if !ok {
				return true
			}
			way := w.way(x)
			fun := w.apply(call.Fun.Pos(), call.Fun.End())
			if len(way) == 0 || !strings.HasSuffix(fun, "Offsetof") {
				return true
			}
			at := w.apply(x.X.Pos(), x.X.End())
			var terms []string
			for _, name := range append(way, w.names.Of(w.t.Pkg.Info.Uses[x.Sel])) {
				at += "." + name
				terms = append(terms, fun+"("+at+")")
			}
			w.replace(call.Pos(), call.End(), "("+strings.Join(terms, " + ")+")")
			return false
		})
	}
}
