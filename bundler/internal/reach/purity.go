package reach

import (
	"encoding/base64"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"regexp"

	"github.com/deploy-kernel/deploy-kernel/bundler/internal/source"
)

// A purity decides whether the bundle can leave out the evaluation of an expression
// whose value nothing needs. A pure expression changes nothing, doesn't panic and
// doesn't block. Expressions that it can't decide aren't pure.
type purity struct {
	p     *source.Program
	funcs map[*types.Func]purityState
}

type purityState uint8

const (
	unknownPurity purityState = iota
	beingDecided
	isPure
	isImpure
)

func newPurity(p *source.Program) *purity {
	return &purity{p: p, funcs: map[*types.Func]purityState{}}
}

// pure reports whether an expression of a package is pure.
func (u *purity) pure(k *source.Package, e ast.Expr) bool {
	tv := k.Info.Types[e]
	if tv.Value != nil || tv.IsType() || tv.IsNil() {
		return true
	}
	switch e := e.(type) {
	case *ast.Ident, *ast.BasicLit, *ast.FuncLit:
		return true
	case *ast.ParenExpr:
		return u.pure(k, e.X)
	case *ast.SelectorExpr:
		return u.selector(k, e)
	case *ast.UnaryExpr:
		return e.Op != token.ARROW && u.pure(k, e.X)
	case *ast.BinaryExpr:
		return u.binary(k, e)
	case *ast.KeyValueExpr:
		return u.pure(k, e.Key) && u.pure(k, e.Value)
	case *ast.CompositeLit:
		return u.literal(k, e)
	case *ast.IndexExpr: // an instance of a generic function, or an element of a map
		if _, ok := k.Info.Types[e.X].Type.Underlying().(*types.Signature); ok {
			return u.pure(k, e.X)
		}
		_, isMap := k.Info.TypeOf(e.X).Underlying().(*types.Map)
		return isMap && u.pure(k, e.X) && u.key(k, e.Index)
	case *ast.IndexListExpr:
		return u.pure(k, e.X)
	case *ast.CallExpr:
		return u.call(k, e)
	}
	return false
}

func (u *purity) all(k *source.Package, es []ast.Expr) bool {
	for _, e := range es {
		if !u.pure(k, e) {
			return false
		}
	}
	return true
}

// literal reports whether a composite literal is pure. Keys of maps must be hashable;
// names of fields aren't expressions.
func (u *purity) literal(k *source.Package, e *ast.CompositeLit) bool {
	_, isMap := core(k.Info.TypeOf(e)).(*types.Map)
	for _, elt := range e.Elts {
		if kv, ok := elt.(*ast.KeyValueExpr); ok {
			if id, ok := kv.Key.(*ast.Ident); ok {
				if v, ok := k.Info.Uses[id].(*types.Var); ok && v.IsField() {
					elt = kv.Value
				}
			}
			if isMap && !u.key(k, kv.Key) {
				return false
			}
		}
		if !u.pure(k, elt) {
			return false
		}
	}
	return true
}

// key reports whether a key of a map is pure and hashable.
func (u *purity) key(k *source.Package, e ast.Expr) bool {
	if k.Info.Types[e].Value != nil {
		return true
	}
	return !comparisonPanics(k.Info.TypeOf(e)) && u.pure(k, e)
}

// comparisonPanics reports whether comparing or hashing values of type t can panic,
// because they may hold interface values whose dynamic type isn't comparable.
func comparisonPanics(t types.Type) bool {
	switch u := t.Underlying().(type) {
	case *types.Interface: // or a type parameter
		return true
	case *types.Array:
		return comparisonPanics(u.Elem())
	case *types.Struct:
		for f := range u.Fields() {
			if comparisonPanics(f.Type()) {
				return true
			}
		}
	}
	return false
}

// selector reports whether a selector is pure: a qualified name, a method expression,
// or a field that no pointer leads to.
func (u *purity) selector(k *source.Package, e *ast.SelectorExpr) bool {
	sel := k.Info.Selections[e]
	switch {
	case sel == nil || sel.Kind() == types.MethodExpr:
		return true
	case sel.Kind() == types.FieldVal && !sel.Indirect():
		return u.pure(k, e.X)
	}
	return false
}

// binary reports whether a binary expression is pure. Divisions by zero, negative
// shift counts and comparisons of interface values panic.
func (u *purity) binary(k *source.Package, e *ast.BinaryExpr) bool {
	switch e.Op {
	case token.QUO, token.REM:
		v := k.Info.Types[e.Y].Value
		b, ok := k.Info.TypeOf(e.X).Underlying().(*types.Basic)
		if !ok || b.Info()&types.IsInteger != 0 && (v == nil || constant.Sign(v) == 0) {
			return false
		}
	case token.SHL, token.SHR:
		b, ok := k.Info.TypeOf(e.Y).Underlying().(*types.Basic)
		if k.Info.Types[e.Y].Value == nil && (!ok || b.Info()&types.IsUnsigned == 0) {
			return false
		}
	case token.EQL, token.NEQ:
		isNil := k.Info.Types[e.X].IsNil() || k.Info.Types[e.Y].IsNil()
		if !isNil && (comparisonPanics(k.Info.TypeOf(e.X)) || comparisonPanics(k.Info.TypeOf(e.Y))) {
			return false
		}
	}
	return u.pure(k, e.X) && u.pure(k, e.Y)
}

// call reports whether a call or conversion is pure.
func (u *purity) call(k *source.Package, e *ast.CallExpr) bool {
	fun := ast.Unparen(e.Fun)
	tv := k.Info.Types[fun]
	switch {
	case tv.IsType():
		return !conversionPanics(k.Info.TypeOf(e.Args[0]), tv.Type) && u.all(k, e.Args)
	case tv.IsBuiltin():
		return u.builtin(k, fun, e.Args)
	}
	switch f := fun.(type) {
	case *ast.IndexExpr:
		fun = f.X
	case *ast.IndexListExpr:
		fun = f.X
	}
	var id *ast.Ident
	switch f := fun.(type) {
	case *ast.Ident:
		id = f
	case *ast.SelectorExpr:
		id = f.Sel
		if sel := k.Info.Selections[f]; sel != nil {
			if sel.Kind() != types.MethodVal || u.dereferences(k, f, sel) || !u.pure(k, f.X) {
				return false
			}
		}
	}
	if id == nil {
		return false
	}
	fn, ok := k.Info.Uses[id].(*types.Func)
	if !ok || fn.Pkg() == nil || !u.all(k, e.Args) {
		return false
	}
	if !u.p.InProgram(fn) {
		return u.stdCall(k, fn, e)
	}
	return u.function(fn.Origin())
}

// conversionPanics reports whether a conversion can panic: a slice can be too short
// for an array. A type parameter may be either.
func conversionPanics(from, to types.Type) bool {
	if isTypeParam(to) || isTypeParam(from) {
		return true
	}
	_, array := to.Underlying().(*types.Array)
	_, pointer := to.Underlying().(*types.Pointer)
	_, slice := from.Underlying().(*types.Slice)
	return slice && (array || pointer)
}

func isTypeParam(t types.Type) bool {
	_, ok := types.Unalias(t).(*types.TypeParam)
	return ok
}

// dereferences reports whether a method call needs a pointer or an interface value
// that may be nil. Variables of the standard library aren't nil.
func (u *purity) dereferences(k *source.Package, f *ast.SelectorExpr, sel *types.Selection) bool {
	if types.IsInterface(sel.Recv()) {
		return true
	}
	t := sel.Recv()
	if x, ok := ast.Unparen(f.X).(*ast.SelectorExpr); ok && u.p.IsStd(k.Info.Uses[x.Sel]) {
		if ptr, ok := t.Underlying().(*types.Pointer); ok {
			t = ptr.Elem()
		}
	}
	for _, i := range sel.Index()[:len(sel.Index())-1] {
		s, ok := t.Underlying().(*types.Struct)
		if !ok { // behind a pointer
			return true
		}
		t = s.Field(i).Type()
	}
	_, pointer := t.Underlying().(*types.Pointer)
	_, wants := types.Unalias(sel.Obj().(*types.Func).Signature().Recv().Type()).(*types.Pointer)
	return types.IsInterface(t) || pointer && !wants
}

// builtin reports whether a call of a built-in function is pure.
func (u *purity) builtin(k *source.Package, fun ast.Expr, args []ast.Expr) bool {
	var name string
	switch fun := fun.(type) {
	case *ast.Ident:
		name = fun.Name
	case *ast.SelectorExpr: // of package unsafe
		name = fun.Sel.Name
	}
	switch name {
	case "len", "cap", "new", "complex", "real", "imag", "min", "max",
		"Add", "Alignof", "Offsetof", "Sizeof", "SliceData", "StringData":
		return u.all(k, args)
	case "append":
		return u.fresh(k, args[0]) && u.all(k, args)
	case "make":
		return u.makes(k, args)
	}
	return false
}

// fresh reports whether a slice expression has an array of its own.
func (u *purity) fresh(k *source.Package, e ast.Expr) bool {
	e = ast.Unparen(e)
	if k.Info.Types[e].IsNil() {
		return true
	}
	switch e := e.(type) {
	case *ast.CompositeLit:
		return true
	case *ast.CallExpr:
		fun := ast.Unparen(e.Fun)
		tv := k.Info.Types[fun]
		if tv.IsType() { // []byte("..."), []T(nil)
			_, slice := core(k.Info.TypeOf(e.Args[0])).(*types.Slice)
			return !slice || u.fresh(k, e.Args[0])
		}
		id, ok := fun.(*ast.Ident)
		return ok && tv.IsBuiltin() && (id.Name == "make" || id.Name == "append" && u.fresh(k, e.Args[0]))
	}
	return false
}

// makeBytes is a size in bytes for which make doesn't fail.
const makeBytes = 1 << 30

// makes reports whether a call of make is pure. Negative and too large lengths panic.
func (u *purity) makes(k *source.Package, args []ast.Expr) bool {
	elem := int64(1)
	switch t := core(k.Info.TypeOf(args[0])).(type) {
	case *types.Slice:
		elem = u.size(t.Elem())
	case *types.Chan:
		elem = u.size(t.Elem())
	}
	for _, a := range args[1:] {
		v := k.Info.Types[a].Value
		if v == nil {
			return false
		}
		n, exact := constant.Int64Val(constant.ToInt(v))
		if !exact || n < 0 || elem < 0 || n > makeBytes/max(1, elem) {
			return false
		}
	}
	return true
}

// size returns the size of a type in bytes, or -1 if it depends on type parameters.
func (u *purity) size(t types.Type) int64 {
	if HasTypeParam(t) {
		return -1
	}
	return types.SizesFor("gc", u.p.Target.GOARCH).Sizeof(t)
}

// function reports whether a call of a function of the program is pure. Recursive
// functions aren't.
func (u *purity) function(fn *types.Func) bool {
	t := u.p.PartOf(fn)
	if t == nil || t.Func() == nil || t.Func().Body == nil {
		return false
	}
	switch u.funcs[fn] {
	case isPure:
		return true
	case isImpure, beingDecided:
		return false
	}
	u.funcs[fn] = beingDecided
	state := isImpure
	if u.block(t.Pkg, t.Func().Body.List) {
		state = isPure
	}
	u.funcs[fn] = state
	return state == isPure
}

// block reports whether statements are pure.
func (u *purity) block(k *source.Package, list []ast.Stmt) bool {
	for _, s := range list {
		if !u.statement(k, s) {
			return false
		}
	}
	return true
}

// statement reports whether a statement is pure: it ends, and it assigns to local
// variables only.
func (u *purity) statement(k *source.Package, s ast.Stmt) bool {
	switch s := s.(type) {
	case nil, *ast.EmptyStmt:
		return true
	case *ast.ReturnStmt:
		return u.all(k, s.Results)
	case *ast.BlockStmt:
		return u.block(k, s.List)
	case *ast.IfStmt:
		return u.statement(k, s.Init) && u.pure(k, s.Cond) && u.block(k, s.Body.List) && u.statement(k, s.Else)
	case *ast.AssignStmt:
		for _, l := range s.Lhs {
			id, ok := l.(*ast.Ident)
			if !ok || source.IsGlobal(k.Info.ObjectOf(id)) {
				return false
			}
		}
		return (s.Tok == token.ASSIGN || s.Tok == token.DEFINE) && u.all(k, s.Rhs)
	case *ast.DeclStmt:
		for _, spec := range s.Decl.(*ast.GenDecl).Specs {
			if v, ok := spec.(*ast.ValueSpec); ok && !u.all(k, v.Values) {
				return false
			}
		}
		return true
	}
	return false
}

// stdCall reports whether a call of a standard library function is pure: the function
// is in pureStd, or it is pure for these constant arguments.
func (u *purity) stdCall(k *source.Package, fn *types.Func, e *ast.CallExpr) bool {
	path, name := fn.Pkg().Path(), fn.Name()
	if recv := Receiver(fn); recv != nil {
		name = recv.Obj().Name() + "." + name
	}
	if pureStd[path+"."+name] {
		return true
	}
	for _, a := range e.Args {
		tv := k.Info.Types[a]
		// The String method of a named type can have any effect.
		if _, basic := types.Unalias(tv.Type).(*types.Basic); tv.Value == nil || !basic {
			return false
		}
	}
	value := func(i int) constant.Value { return k.Info.Types[e.Args[i]].Value }
	switch path + "." + name {
	case "regexp.MustCompile":
		_, err := regexp.Compile(constant.StringVal(value(0)))
		return err == nil
	case "strings.NewReplacer":
		return len(e.Args)%2 == 0
	case "strconv.FormatInt", "strconv.FormatUint":
		base, _ := constant.Int64Val(constant.ToInt(value(1)))
		return 2 <= base && base <= 36
	case "encoding/base32.Encoding.WithPadding", "encoding/base64.Encoding.WithPadding":
		padding, _ := constant.Int64Val(constant.ToInt(value(0)))
		return padding == int64(base64.NoPadding) || padding == int64(base64.StdPadding)
	case "fmt.Errorf", "fmt.Sprintf", "fmt.Sprint", "math/big.NewFloat":
		return true
	}
	return false
}

// pureStd has functions of the standard library that are pure for all arguments. They
// don't call functions of the program.
var pureStd = func() map[string]bool {
	m := map[string]bool{}
	for path, names := range map[string][]string{
		"bytes":           {"NewBuffer", "NewBufferString", "NewReader", "ToLower", "ToUpper", "TrimSpace"},
		"context":         {"Background", "TODO"},
		"crypto/elliptic": {"P224", "P256", "P384", "P521"},
		"encoding/base64": {"Encoding.Strict"},
		"errors":          {"New", "Join"},
		"hash/crc32":      {"MakeTable"},
		"hash/crc64":      {"MakeTable"},
		"math":            {"Abs", "Ceil", "Cos", "Exp", "Floor", "Inf", "Log", "Log10", "Log2", "NaN", "Pow", "Sin", "Sqrt", "Tan", "Trunc", "Float32bits", "Float32frombits", "Float64bits", "Float64frombits", "Nextafter"},
		"math/big":        {"NewInt"},
		"net":             {"IPv4", "IPv4Mask", "CIDRMask", "ParseIP"},
		"net/http":        {"NewServeMux", "StatusText", "CanonicalHeaderKey"},
		"path":            {"Join", "Base", "Dir", "Clean", "Ext"},
		"path/filepath":   {"Join", "Base", "Dir", "Clean", "Ext", "FromSlash", "ToSlash"},
		"reflect":         {"TypeOf", "ValueOf", "TypeFor"},
		"strconv":         {"Itoa", "Quote"},
		"strings":         {"NewReader", "ToLower", "ToUpper", "TrimSpace", "Split", "Fields", "Join", "Replace", "ReplaceAll", "TrimPrefix", "TrimSuffix", "Trim", "TrimLeft", "TrimRight", "HasPrefix", "HasSuffix", "Contains", "Index"},
		"sync":            {"NewCond", "OnceFunc", "OnceValue", "OnceValues"},
		"time":            {"Unix", "UnixMilli", "Time.UTC", "Duration.Seconds"},
		"unicode/utf8":    {"RuneLen", "RuneCountInString", "ValidString"},
		"text/template":   {"New"},
		"html/template":   {"New"},
		"math/rand":       {"NewSource", "New"},
		"unicode":         {"IsUpper", "IsLower", "IsLetter", "ToUpper", "ToLower"},
		"bufio":           {"NewReader", "NewWriter"},
		"container/list":  {"New"},
		"go/token":        {"NewFileSet"},
		"log":             {"New"},
		"io":              {"NopCloser", "MultiWriter", "MultiReader"},
	} {
		for _, n := range names {
			m[path+"."+n] = true
		}
	}
	return m
}()
