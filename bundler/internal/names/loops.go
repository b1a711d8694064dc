package names

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"

	"github.com/deploy-kernel/deploy-kernel/bundler/internal/reach"
)

// Before Go 1.22 a loop had one variable for all iterations. The bundle has one
// language version, the newest. Loops of older files are therefore rewritten if a
// variable outlives an iteration:
//
//	for i := 0; i < n; i++ {...}    { i := 0; for ; i < n; i++ {...} }
//	for k, v := range x {...}       { var k K; var v V; for k, v = range x {...} }
//
// A label stays on the loop. If a goto jumps to it, it moves before the block, and
// the loop gets another label for break and continue.

// A Loop is a loop to rewrite.
type Loop struct {
	Stmt  ast.Stmt // *ast.ForStmt or *ast.RangeStmt
	Label *ast.LabeledStmt
	scope *types.Scope // around the loop
	Vars  []LoopVar
	Hoist bool // the range expression mentions a name that the loop declares
	// Jumps are the uses of the loop's label in break and continue statements. Target
	// reports whether a goto jumps to the label.
	Jumps  []*ast.Ident
	Target bool
}

// A LoopVar is a variable that a loop declares.
type LoopVar struct {
	Ident *ast.Ident
	Typ   types.Type
}

// Pos returns the position at which the new block begins.
func (l *Loop) Pos() token.Pos {
	if l.Label != nil && !l.Target {
		return l.Label.Pos()
	}
	return l.Stmt.Pos()
}

// eachObject calls f for the types that the rewritten loop mentions.
func (l *Loop) eachObject(f func(types.Object)) {
	if _, ok := l.Stmt.(*ast.RangeStmt); !ok {
		return
	}
	for _, v := range l.Vars {
		TypeObjects(v.Typ, f)
	}
}

// FindLoops returns the loops of a part to rewrite, outer ones first.
func FindLoops(t *reach.Part) (loops []*Loop) {
	if !t.File.OldLoops {
		return nil
	}
	info := t.Pkg.Info
	labels := map[ast.Stmt]*ast.LabeledStmt{}
	scopes := []*types.Scope{t.Pkg.Types.Scope()}
	var stack []ast.Node
	for _, n := range t.Nodes() {
		ast.Inspect(n, func(n ast.Node) bool {
			if n == nil {
				stack, scopes = stack[:len(stack)-1], scopes[:len(scopes)-1]
				return true
			}
			around := scopes[len(scopes)-1]
			inner := around
			if s := info.Scopes[scopeKey(n)]; s != nil {
				inner = s
			}
			stack, scopes = append(stack, n), append(scopes, inner)
			if l, ok := n.(*ast.LabeledStmt); ok {
				labels[l.Stmt] = l
			}
			if s, ok := n.(ast.Stmt); ok {
				if l := loopOf(info, s); l != nil {
					l.Label, l.scope = labels[s], around
					l.findJumps(info, enclosingBody(stack))
					loops = append(loops, l)
				}
			}
			return true
		})
	}
	return loops
}

// enclosingBody returns the innermost function on a stack of nodes, or its bottom.
func enclosingBody(stack []ast.Node) ast.Node {
	for _, n := range slices.Backward(stack) {
		switch n.(type) {
		case *ast.FuncDecl, *ast.FuncLit:
			return n
		}
	}
	return stack[0]
}

// findJumps sets Jumps and Target.
func (l *Loop) findJumps(info *types.Info, body ast.Node) {
	if l.Label == nil {
		return
	}
	label := info.Defs[l.Label.Label]
	ast.Inspect(body, func(n ast.Node) bool {
		if b, ok := n.(*ast.BranchStmt); ok && b.Label != nil && info.Uses[b.Label] == label {
			if b.Tok == token.GOTO {
				l.Target = true
			} else {
				l.Jumps = append(l.Jumps, b.Label)
			}
		}
		return true
	})
}

// scopeKey returns the key of a node's scope in types.Info.Scopes.
func scopeKey(n ast.Node) ast.Node {
	switch n := n.(type) {
	case *ast.FuncDecl:
		return n.Type
	case *ast.FuncLit:
		return n.Type
	}
	return n
}

// loopOf returns a statement as a loop, or nil unless one of its variables outlives an
// iteration.
func loopOf(info *types.Info, s ast.Stmt) *Loop {
	var ids []ast.Expr
	l := &Loop{Stmt: s}
	switch s := s.(type) {
	case *ast.ForStmt:
		if a, ok := s.Init.(*ast.AssignStmt); ok && a.Tok == token.DEFINE {
			ids = a.Lhs
		}
	case *ast.RangeStmt:
		if s.Tok == token.DEFINE {
			ids = []ast.Expr{s.Key, s.Value}
		}
	}
	escapes := false
	for _, e := range ids {
		id, ok := e.(*ast.Ident)
		if !ok {
			continue
		}
		o, _ := info.Defs[id].(*types.Var)
		if o == nil {
			continue
		}
		l.Vars = append(l.Vars, LoopVar{id, o.Type()})
		escapes = escapes || outlives(info, s, o)
	}
	if !escapes {
		return nil
	}
	if r, ok := s.(*ast.RangeStmt); ok {
		ast.Inspect(r.X, func(n ast.Node) bool {
			id, ok := n.(*ast.Ident)
			l.Hoist = l.Hoist || ok && slices.ContainsFunc(l.Vars, func(v LoopVar) bool { return v.Ident.Name == id.Name })
			return true
		})
	}
	return l
}

// outlives reports whether a variable of a loop may outlive an iteration: a function
// literal mentions it, or its address is taken.
func outlives(info *types.Info, loop ast.Stmt, v *types.Var) bool {
	names := func(n ast.Node) bool {
		found := false
		ast.Inspect(n, func(n ast.Node) bool {
			id, ok := n.(*ast.Ident)
			found = found || ok && info.Uses[id] == v
			return !found
		})
		return found
	}
	found := false
	ast.Inspect(loop, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			found = found || names(n)
		case *ast.UnaryExpr:
			found = found || n.Op == token.AND && names(n.X)
		case *ast.SliceExpr:
			found = found || names(n.X)
		case *ast.SelectorExpr:
			if sel := info.Selections[n]; sel != nil && sel.Kind() == types.MethodVal {
				_, ptr := sel.Obj().Type().(*types.Signature).Recv().Type().(*types.Pointer)
				found = found || ptr && names(n.X)
			}
		}
		return !found
	})
	return found
}
