package reach

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/bundler/internal/source"
)

// In a group of constants, a spec without values repeats the expression before
// it, at its own place: there the names can mean something else.
//
//	const X = 2
//	func f() { const ( X = X + 1; Y ) } // Y is the local X + 1

// RepeatedUntil returns, for each spec of a group, the end of the last repetition
// of its values, or nothing.
func RepeatedUntil(d *ast.GenDecl) []token.Pos {
	ends := make([]token.Pos, len(d.Specs))
	if d.Tok != token.CONST {
		return ends
	}
	end := token.NoPos
	for i, s := range slices.Backward(d.Specs) {
		ends[i] = end
		switch {
		case len(s.(*ast.ValueSpec).Values) > 0:
			end = token.NoPos
		case !end.IsValid():
			end = s.End()
		}
	}
	return ends
}

// A doubled name means one object at first, and another one where it is
// repeated, which is what the type checker tells.
type doubled struct{ First, Later types.Object }

// DoubledNames finds them in the constants of a function.
func DoubledNames(k *source.Package, d *ast.GenDecl) (found []doubled) {
	ends := RepeatedUntil(d)
	for i, s := range d.Specs {
		if !ends[i].IsValid() {
			continue
		}
		ast.Inspect(s, func(n ast.Node) bool {
			id, ok := n.(*ast.Ident)
			if !ok || k.Info.Uses[id] == nil {
				return true
			}
			scope := k.Types.Scope().Innermost(id.Pos())
			if scope == nil {
				return true
			}
			if _, o := scope.LookupParent(id.Name, id.Pos()); o != nil && o != k.Info.Uses[id] && !IsImport(o) {
				found = append(found, doubled{o, k.Info.Uses[id]})
			}
			return true
		})
	}
	return found
}

// IsImport reports whether an object is the name of an import.
func IsImport(o types.Object) bool {
	_, ok := o.(*types.PkgName)
	return ok
}
