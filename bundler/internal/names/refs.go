package names

import (
	"go/ast"
	"go/token"
	"go/types"

	"github.com/deploy-kernel/deploy-kernel/bundler/internal/reach"
	"github.com/deploy-kernel/deploy-kernel/bundler/internal/source"
)

// A Ref is a place in the source of a part that mentions an object.
type Ref struct {
	Ident *ast.Ident        // the identifier; of package.name, the name
	Sel   *ast.SelectorExpr // the whole of package.name, or else nil
	Obj   types.Object      // nil for the variable of a type switch
	Decl  bool              // the place declares Obj
	// scope is the innermost scope at the place.
	scope *types.Scope
	// pos is the last position at which the name is looked up: its own, or the end of
	// the last repetition of the expression around it.
	pos token.Pos
}

// EachRef calls visit for each mention of an object in a part, in source order.
func EachRef(t *reach.Part, visit func(Ref)) {
	for _, n := range t.Nodes() {
		ast.Walk(&refWalker{info: t.Pkg.Info, scope: t.Pkg.Types.Scope(), visit: visit}, n)
	}
}

type refWalker struct {
	info  *types.Info
	scope *types.Scope
	until token.Pos // the end of the last repetition, or token.NoPos
	visit func(Ref)
}

// at returns the last position at which an identifier is looked up.
func (w *refWalker) at(id *ast.Ident) token.Pos { return max(id.Pos(), w.until) }

// Visit returns a visitor for the scope of n. The scope of a function is recorded for
// its type, and extends over its body.
func (w *refWalker) Visit(n ast.Node) ast.Visitor {
	inner := *w
	key := n
	switch n := n.(type) {
	case *ast.Ident:
		w.ident(n)
		return nil
	case *ast.SelectorExpr:
		if x, ok := n.X.(*ast.Ident); ok {
			if _, ok := w.info.Uses[x].(*types.PkgName); ok {
				w.visit(Ref{Ident: n.Sel, Sel: n, Obj: source.Origin(w.info.Uses[n.Sel]), scope: w.scope, pos: w.at(n.Sel)})
				return nil
			}
		}
	case *ast.GenDecl:
		ends := reach.RepeatedUntil(n)
		for i, s := range n.Specs {
			spec := *w
			spec.until = ends[i]
			ast.Walk(&spec, s)
		}
		return nil
	case *ast.FuncDecl:
		key = n.Type
	case *ast.FuncLit:
		key = n.Type
	}
	if s := w.info.Scopes[key]; s != nil {
		inner.scope = s
	}
	return &inner
}

func (w *refWalker) ident(id *ast.Ident) {
	if o := w.info.Uses[id]; o != nil {
		w.visit(Ref{Ident: id, Obj: source.Origin(o), scope: w.scope, pos: w.at(id)})
		return
	}
	if o, ok := w.info.Defs[id]; ok {
		r := Ref{Ident: id, Decl: true, scope: w.scope}
		if o != nil {
			r.Obj = source.Origin(o)
		}
		w.visit(r)
	}
}
