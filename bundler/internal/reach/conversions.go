package reach

import (
	"go/ast"
	"go/token"
	"go/types"
)

// A conversions finds the expressions of a syntax tree that are converted to
// interface types, explicitly or not. It calls a function for each.
type conversions struct {
	info *types.Info
	// mark is called with each concrete type that is converted to an interface type.
	mark func(types.Type)
	// show is called with each type that is converted to an empty interface type.
	show func(types.Type)
	// assert is called for each type assertion and case of a type switch. The type
	// concrete must implement face, even if no value is ever converted.
	assert func(concrete, face types.Type)
	// each, unless nil, is called with each expression and its interface type.
	each func(e ast.Expr, to types.Type)

	results []*types.Tuple // of the enclosing functions, the innermost last
}

// find visits a syntax tree.
func (c *conversions) find(n ast.Node) {
	var stack []ast.Node
	ast.Inspect(n, func(n ast.Node) bool {
		if n == nil {
			switch stack[len(stack)-1].(type) {
			case *ast.FuncDecl, *ast.FuncLit:
				c.results = c.results[:len(c.results)-1]
			}
			stack = stack[:len(stack)-1]
			return true
		}
		stack = append(stack, n)
		c.visit(n)
		return true
	})
}

func (c *conversions) visit(n ast.Node) {
	switch n := n.(type) {
	case *ast.FuncDecl:
		var results *types.Tuple
		if fn, ok := c.info.Defs[n.Name].(*types.Func); ok {
			results = fn.Signature().Results()
		}
		c.results = append(c.results, results)
	case *ast.FuncLit:
		sig, _ := c.info.TypeOf(n).(*types.Signature)
		c.results = append(c.results, sig.Results())
	case *ast.ReturnStmt:
		if len(c.results) > 0 && len(n.Results) > 0 {
			c.tuple(n.Results, tupleTypes(c.results[len(c.results)-1]))
		}
	case *ast.CallExpr:
		c.call(n)
	case *ast.AssignStmt:
		if n.Tok == token.ASSIGN || n.Tok == token.DEFINE {
			c.tuple(n.Rhs, c.typesOf(n.Lhs))
		}
	case *ast.ValueSpec:
		c.valueSpec(n)
	case *ast.SendStmt:
		if ch, ok := core(c.info.TypeOf(n.Chan)).(*types.Chan); ok {
			c.value(n.Value, ch.Elem())
		}
	case *ast.CompositeLit:
		c.literal(n)
	case *ast.IndexExpr:
		if m, ok := core(c.info.TypeOf(n.X)).(*types.Map); ok {
			c.value(n.Index, m.Key())
		}
	case *ast.BinaryExpr:
		if n.Op == token.EQL || n.Op == token.NEQ {
			c.compare(n.X, n.Y)
		}
	case *ast.SwitchStmt:
		for _, clause := range n.Body.List {
			for _, e := range clause.(*ast.CaseClause).List {
				if n.Tag != nil {
					c.compare(n.Tag, e)
				}
			}
		}
	case *ast.RangeStmt:
		c.ranged(n)
	case *ast.TypeAssertExpr:
		if n.Type != nil {
			c.assert(c.info.TypeOf(n.Type), c.info.TypeOf(n.X))
		}
	case *ast.TypeSwitchStmt:
		c.typeSwitch(n)
	}
}

// typeSwitch asserts the types of the cases.
func (c *conversions) typeSwitch(n *ast.TypeSwitchStmt) {
	var x ast.Expr
	switch s := n.Assign.(type) {
	case *ast.ExprStmt:
		x = s.X
	case *ast.AssignStmt:
		x = s.Rhs[0]
	}
	face := c.info.TypeOf(ast.Unparen(x).(*ast.TypeAssertExpr).X)
	for _, clause := range n.Body.List {
		for _, e := range clause.(*ast.CaseClause).List {
			c.assert(c.info.TypeOf(e), face)
		}
	}
}

// value converts e to the type to.
func (c *conversions) value(e ast.Expr, to types.Type) {
	if c.each != nil && to != nil && isInterface(to) {
		c.each(e, to)
	}
	c.convert(c.info.TypeOf(e), to)
}

func (c *conversions) convert(from, to types.Type) {
	if from == nil || to == nil || !isInterface(to) {
		return
	}
	if to.Underlying().(*types.Interface).NumMethods() == 0 {
		c.show(from)
	}
	if isInterface(from) {
		return
	}
	if b, ok := from.(*types.Basic); ok && b.Kind() == types.UntypedNil {
		return
	}
	c.mark(from)
}

// isInterface reports whether t is an interface type and no type parameter.
func isInterface(t types.Type) bool {
	_, param := types.Unalias(t).(*types.TypeParam)
	return !param && types.IsInterface(t)
}

// tuple converts expressions, or the results of one call, to the types to.
func (c *conversions) tuple(values []ast.Expr, to []types.Type) {
	if len(values) == 1 && len(to) > 1 {
		if t, ok := c.info.TypeOf(values[0]).(*types.Tuple); ok {
			for i := range min(t.Len(), len(to)) {
				c.convert(t.At(i).Type(), to[i])
			}
			return
		}
	}
	for i := range min(len(values), len(to)) {
		c.value(values[i], to[i])
	}
}

func (c *conversions) typesOf(es []ast.Expr) []types.Type {
	ts := make([]types.Type, len(es))
	for i, e := range es {
		if id, ok := e.(*ast.Ident); ok {
			if o := c.info.ObjectOf(id); o != nil {
				ts[i] = o.Type()
			}
			continue
		}
		ts[i] = c.info.TypeOf(e)
	}
	return ts
}

func tupleTypes(t *types.Tuple) []types.Type {
	ts := make([]types.Type, t.Len())
	for i := range ts {
		ts[i] = t.At(i).Type()
	}
	return ts
}

// valueSpec converts the initial values of variables with a type.
func (c *conversions) valueSpec(s *ast.ValueSpec) {
	if s.Type == nil {
		return
	}
	t := c.info.TypeOf(s.Type)
	to := make([]types.Type, len(s.Names))
	for i := range to {
		to[i] = t
	}
	c.tuple(s.Values, to)
}

// call converts arguments to the types of parameters, and operands of conversions.
func (c *conversions) call(n *ast.CallExpr) {
	fun := c.info.Types[n.Fun]
	switch {
	case fun.IsType():
		if len(n.Args) == 1 {
			c.value(n.Args[0], fun.Type)
		}
	case fun.IsBuiltin():
		c.builtin(n)
	default:
		sig, ok := core(fun.Type).(*types.Signature)
		if !ok {
			return
		}
		to := tupleTypes(sig.Params())
		if sig.Variadic() && !n.Ellipsis.IsValid() {
			last := len(to) - 1
			elem := core(to[last])
			to = to[:last]
			if s, ok := elem.(*types.Slice); ok {
				for range max(len(n.Args), valuesOf(c.info, n.Args)) - last {
					to = append(to, s.Elem())
				}
			}
		}
		c.tuple(n.Args, to)
	}
}

// valuesOf returns the number of values of arguments. A single argument may be a call
// with several results.
func valuesOf(info *types.Info, args []ast.Expr) int {
	if len(args) == 1 {
		if t, ok := info.TypeOf(args[0]).(*types.Tuple); ok {
			return t.Len()
		}
	}
	return len(args)
}

func (c *conversions) builtin(n *ast.CallExpr) {
	id, ok := ast.Unparen(n.Fun).(*ast.Ident)
	if !ok || len(n.Args) == 0 {
		return
	}
	switch id.Name {
	case "append":
		if s, ok := core(c.info.TypeOf(n.Args[0])).(*types.Slice); ok && !n.Ellipsis.IsValid() {
			for _, a := range n.Args[1:] {
				c.value(a, s.Elem())
			}
		}
	case "panic":
		c.value(n.Args[0], types.NewInterfaceType(nil, nil))
	case "delete":
		if m, ok := core(c.info.TypeOf(n.Args[0])).(*types.Map); ok && len(n.Args) == 2 {
			c.value(n.Args[1], m.Key())
		}
	}
}

// literal converts the elements and keys of a composite literal.
func (c *conversions) literal(n *ast.CompositeLit) {
	t := core(c.info.TypeOf(n))
	if ptr, ok := t.(*types.Pointer); ok {
		t = core(ptr.Elem())
	}
	for i, e := range n.Elts {
		kv, keyed := e.(*ast.KeyValueExpr)
		if keyed {
			e = kv.Value
		}
		switch t := t.(type) {
		case *types.Struct:
			if !keyed {
				c.value(e, t.Field(i).Type())
			} else if id, ok := kv.Key.(*ast.Ident); ok {
				if f := c.info.Uses[id]; f != nil {
					c.value(e, f.Type())
				}
			}
		case *types.Slice:
			c.value(e, t.Elem())
		case *types.Array:
			c.value(e, t.Elem())
		case *types.Map:
			c.value(e, t.Elem())
			if keyed {
				c.value(kv.Key, t.Key())
			}
		}
	}
}

// compare converts each operand of a comparison to the type of the other.
func (c *conversions) compare(x, y ast.Expr) {
	c.value(x, c.info.TypeOf(y))
	c.value(y, c.info.TypeOf(x))
}

// ranged converts what a range loop assigns to existing variables.
func (c *conversions) ranged(n *ast.RangeStmt) {
	if n.Tok != token.ASSIGN {
		return
	}
	key, value := rangeTypes(c.info.TypeOf(n.X))
	if n.Key != nil && key != nil {
		c.convert(key, c.info.TypeOf(n.Key))
	}
	if n.Value != nil && value != nil {
		c.convert(value, c.info.TypeOf(n.Value))
	}
}

// rangeTypes returns the types of the iteration values of a range loop over a t. They
// are nil if there is none.
func rangeTypes(t types.Type) (key, value types.Type) {
	integer := types.Typ[types.Int]
	switch t := core(t).(type) {
	case *types.Basic:
		if t.Info()&types.IsString != 0 {
			return integer, types.Universe.Lookup("rune").Type()
		}
		return t, nil
	case *types.Pointer:
		if a, ok := core(t.Elem()).(*types.Array); ok {
			return integer, a.Elem()
		}
	case *types.Slice:
		return integer, t.Elem()
	case *types.Array:
		return integer, t.Elem()
	case *types.Map:
		return t.Key(), t.Elem()
	case *types.Chan:
		return t.Elem(), nil
	case *types.Signature:
		if yield, ok := core(t.Params().At(0).Type()).(*types.Signature); ok {
			ts := append(tupleTypes(yield.Params()), nil, nil)
			return ts[0], ts[1]
		}
	}
	return nil, nil
}

// core returns the underlying type of t. For a type parameter it returns the
// underlying type of the first type in its type set.
func core(t types.Type) types.Type {
	if t == nil {
		return nil
	}
	param, ok := types.Unalias(t).(*types.TypeParam)
	if !ok {
		return t.Underlying()
	}
	face, ok := param.Constraint().Underlying().(*types.Interface)
	if !ok {
		return nil
	}
	for i := range face.NumEmbeddeds() {
		switch e := types.Unalias(face.EmbeddedType(i)).(type) {
		case *types.Union:
			if e.Len() > 0 {
				return e.Term(0).Type().Underlying()
			}
		case *types.Named:
			if _, ok := e.Underlying().(*types.Interface); !ok {
				return e.Underlying()
			}
			for j := range e.Underlying().(*types.Interface).NumEmbeddeds() {
				if u, ok := e.Underlying().(*types.Interface).EmbeddedType(j).(*types.Union); ok && u.Len() > 0 {
					return u.Term(0).Type().Underlying()
				}
			}
		default:
			return e.Underlying()
		}
	}
	return face
}
