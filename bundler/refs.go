package bundler

import (
	"go/ast"
	"go/token"
	"go/types"
)

// A ref is one place in the source of a live part that names an object.
type ref struct {
	id   *ast.Ident        // the name; of a qualified one, the part after the dot
	sel  *ast.SelectorExpr // package.name, else nil
	obj  types.Object      // nil for the variable of a type switch
	decl bool              // the place declares the object
	// scope is the innermost scope around the place.
	scope *types.Scope
	// pos is where the name is looked up last: its own place, or the last
	// repetition of the expression that it stands in.
	pos token.Pos
}

// eachRef calls visit for all names of a part, in source order.
func eachRef(t *livePart, visit func(ref)) {
	for _, n := range t.nodes() {
		ast.Walk(&refWalker{info: t.pkg.info, scope: t.pkg.types.Scope(), visit: visit}, n)
	}
}

type refWalker struct {
	info  *types.Info
	scope *types.Scope
	until token.Pos // of the last repetition, or nothing
	visit func(ref)
}

// at returns where a name is looked up last.
func (w *refWalker) at(id *ast.Ident) token.Pos { return max(id.Pos(), w.until) }

// Visit follows the scopes down the tree. The scope of a function belongs to
// its type, and reaches over the body.
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
				w.visit(ref{id: n.Sel, sel: n, obj: origin(w.info.Uses[n.Sel]), scope: w.scope, pos: w.at(n.Sel)})
				return nil
			}
		}
	case *ast.GenDecl:
		ends := repeatedUntil(n)
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
		w.visit(ref{id: id, obj: origin(o), scope: w.scope, pos: w.at(id)})
		return
	}
	if o, ok := w.info.Defs[id]; ok {
		r := ref{id: id, decl: true, scope: w.scope}
		if o != nil {
			r.obj = origin(o)
		}
		w.visit(r)
	}
}
