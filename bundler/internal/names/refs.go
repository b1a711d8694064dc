package names

import (
	"go/ast"
	"go/token"
	"go/types"

	"github.com/deploy-kernel/deploy-kernel/bundler/internal/reach"
	"github.com/deploy-kernel/deploy-kernel/bundler/internal/source"
)

// A Ref is one place in the source of a live part that names an object.
type Ref struct {
	Id   *ast.Ident        // the name; of a qualified one, the part after the dot
	Sel  *ast.SelectorExpr // package.name, else nil
	Obj  types.Object      // nil for the variable of a type switch
	Decl bool              // the place declares the object
	// scope is the innermost scope around the place.
	scope *types.Scope
	// pos is where the name is looked up last: its own place, or the last
	// repetition of the expression that it stands in.
	pos token.Pos
}

// EachRef calls visit for all names of a part, in source order.
func EachRef(t *reach.Part, visit func(Ref)) {
	for _, n := range t.Nodes() {
		ast.Walk(&refWalker{info: t.Pkg.Info, scope: t.Pkg.Types.Scope(), visit: visit}, n)
	}
}

type refWalker struct {
	info  *types.Info
	scope *types.Scope
	until token.Pos // of the last repetition, or nothing
	visit func(Ref)
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
				w.visit(Ref{Id: n.Sel, Sel: n, Obj: source.Origin(w.info.Uses[n.Sel]), scope: w.scope, pos: w.at(n.Sel)})
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
		w.visit(Ref{Id: id, Obj: source.Origin(o), scope: w.scope, pos: w.at(id)})
		return
	}
	if o, ok := w.info.Defs[id]; ok {
		r := Ref{Id: id, Decl: true, scope: w.scope}
		if o != nil {
			r.Obj = source.Origin(o)
		}
		w.visit(r)
	}
}
