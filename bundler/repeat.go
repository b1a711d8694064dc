package bundler

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
)

// In a group of constants, a spec without values repeats the expression before
// it, at its own place: there the names can mean something else.
//
//	const X = 2
//	func f() { const ( X = X + 1; Y ) } // Y is the local X + 1

// repeatedUntil returns, for each spec of a group, the end of the last repetition
// of its values, or nothing.
func repeatedUntil(d *ast.GenDecl) []token.Pos {
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
type doubled struct{ first, later types.Object }

// doubledNames finds them in the constants of a function.
func doubledNames(k *pkg, d *ast.GenDecl) (found []doubled) {
	ends := repeatedUntil(d)
	for i, s := range d.Specs {
		if !ends[i].IsValid() {
			continue
		}
		ast.Inspect(s, func(n ast.Node) bool {
			id, ok := n.(*ast.Ident)
			if !ok || k.info.Uses[id] == nil {
				return true
			}
			scope := k.types.Scope().Innermost(id.Pos())
			if scope == nil {
				return true
			}
			if _, o := scope.LookupParent(id.Name, id.Pos()); o != nil && o != k.info.Uses[id] && !isImport(o) {
				found = append(found, doubled{o, k.info.Uses[id]})
			}
			return true
		})
	}
	return found
}

// isImport reports whether an object is the name of an import.
func isImport(o types.Object) bool {
	_, ok := o.(*types.PkgName)
	return ok
}
