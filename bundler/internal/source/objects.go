package source

import (
	"go/ast"
	"go/types"
)

// InProgram reports whether a package outside of the standard library declares o.
func (p *Program) InProgram(o types.Object) bool {
	return o != nil && o.Pkg() != nil && p.byTypes[o.Pkg()] != nil
}

// IsStd reports whether o is a package-level object of the standard library.
func (p *Program) IsStd(o types.Object) bool {
	return o != nil && o.Pkg() != nil && p.byTypes[o.Pkg()] == nil && IsGlobal(o)
}

// IsGlobal reports whether o is declared at package level.
func IsGlobal(o types.Object) bool {
	return o != nil && o.Pkg() != nil && o.Parent() == o.Pkg().Scope()
}

// Origin returns the generic object that o is an instance of, or o.
func Origin(o types.Object) types.Object {
	switch o := o.(type) {
	case *types.Func:
		return o.Origin()
	case *types.Var:
		return o.Origin()
	}
	return o
}

// IsMethod reports whether o is a method of a type or of an interface.
func IsMethod(o types.Object) bool {
	fn, ok := o.(*types.Func)
	return ok && fn.Signature().Recv() != nil
}

// TypeIdent returns the name of the type that e denotes: T for *p.T[int]. It returns
// nil for unnamed types.
func TypeIdent(e ast.Expr) *ast.Ident {
	switch e := e.(type) {
	case *ast.Ident:
		return e
	case *ast.SelectorExpr:
		return e.Sel
	case *ast.StarExpr:
		return TypeIdent(e.X)
	case *ast.ParenExpr:
		return TypeIdent(e.X)
	case *ast.IndexExpr:
		return TypeIdent(e.X)
	case *ast.IndexListExpr:
		return TypeIdent(e.X)
	}
	return nil
}

// Describe returns the name of an object with the path of its package.
func Describe(o types.Object) string {
	if fn, ok := o.(*types.Func); ok {
		return fn.FullName()
	}
	if o.Pkg() == nil {
		return o.Name()
	}
	return o.Pkg().Path() + "." + o.Name()
}
