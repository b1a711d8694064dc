package reach

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/bundler/internal/source"
)

// In a group of constants, a spec without values repeats the expression of the spec
// before it. There, the names in the expression can denote other objects.
//
//	const X = 2
//	func f() { const ( X = X + 1; Y ) } // Y is the local X + 1

// RepeatedUntil returns the end of the last repetition of each spec of a group. It is
// token.NoPos for specs without a repetition.
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

// A Doubled is a name that denotes the object First in its place and the object Later
// in the last repetition. The type checker records Later only.
type Doubled struct{ First, Later types.Object }

// DoubledNames returns the doubled names of a group of constants in a function.
func DoubledNames(k *source.Package, d *ast.GenDecl) (found []Doubled) {
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
				found = append(found, Doubled{o, k.Info.Uses[id]})
			}
			return true
		})
	}
	return found
}

// IsImport reports whether o is the name of an import.
func IsImport(o types.Object) bool {
	_, ok := o.(*types.PkgName)
	return ok
}
