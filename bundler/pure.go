package bundler

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"regexp"
)

// purity decides whether evaluating an expression at start-up can be left out
// when nothing wants its value: it neither changes anything, nor panics, nor
// waits. It says no when unsure.
type purity struct {
	p     *program
	funcs map[*types.Func]purityState
}

type purityState uint8

const (
	unknownPurity purityState = iota
	beingDecided
	isPure
	isImpure
)

func newPurity(p *program) *purity {
	return &purity{p: p, funcs: map[*types.Func]purityState{}}
}

// pure reports whether an expression of a package is free of effects.
func (u *purity) pure(k *pkg, e ast.Expr) bool {
	tv := k.info.Types[e]
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
	case *ast.IndexExpr: // an instance of a generic function, or an index in range
		if _, ok := k.info.Types[e.X].Type.Underlying().(*types.Signature); ok {
			return u.pure(k, e.X)
		}
		_, isMap := k.info.TypeOf(e.X).Underlying().(*types.Map)
		return isMap && u.pure(k, e.X) && u.pure(k, e.Index)
	case *ast.IndexListExpr:
		return u.pure(k, e.X)
	case *ast.CallExpr:
		return u.call(k, e)
	}
	return false
}

func (u *purity) all(k *pkg, es []ast.Expr) bool {
	for _, e := range es {
		if !u.pure(k, e) {
			return false
		}
	}
	return true
}

// literal: the keys of a struct are no expressions.
func (u *purity) literal(k *pkg, e *ast.CompositeLit) bool {
	for _, elt := range e.Elts {
		if kv, ok := elt.(*ast.KeyValueExpr); ok {
			if id, ok := kv.Key.(*ast.Ident); ok {
				if v, ok := k.info.Uses[id].(*types.Var); ok && v.IsField() {
					elt = kv.Value
				}
			}
		}
		if !u.pure(k, elt) {
			return false
		}
	}
	return true
}

// selector: names of packages, fields without a pointer on the way, and method
// values of what isn't an interface.
func (u *purity) selector(k *pkg, e *ast.SelectorExpr) bool {
	sel := k.info.Selections[e]
	switch {
	case sel == nil || sel.Kind() == types.MethodExpr:
		return true
	case sel.Kind() == types.FieldVal && !sel.Indirect():
		return u.pure(k, e.X)
	}
	return false
}

// binary: divisions by zero and comparisons of interfaces panic.
func (u *purity) binary(k *pkg, e *ast.BinaryExpr) bool {
	switch e.Op {
	case token.QUO, token.REM:
		v := k.info.Types[e.Y].Value
		b, ok := k.info.TypeOf(e.X).Underlying().(*types.Basic)
		if !ok || b.Info()&types.IsInteger != 0 && (v == nil || constant.Sign(v) == 0) {
			return false
		}
	case token.SHL, token.SHR:
		b, ok := k.info.TypeOf(e.Y).Underlying().(*types.Basic)
		if k.info.Types[e.Y].Value == nil && (!ok || b.Info()&types.IsUnsigned == 0) {
			return false
		}
	case token.EQL, token.NEQ:
		if isInterface(k.info.TypeOf(e.X)) && !k.info.Types[e.Y].IsNil() {
			return false
		}
	}
	return u.pure(k, e.X) && u.pure(k, e.Y)
}

func (u *purity) call(k *pkg, e *ast.CallExpr) bool {
	fun := ast.Unparen(e.Fun)
	tv := k.info.Types[fun]
	switch {
	case tv.IsType():
		// A slice can be too short to become an array.
		_, array := tv.Type.Underlying().(*types.Array)
		_, pointer := tv.Type.Underlying().(*types.Pointer)
		_, slice := k.info.TypeOf(e.Args[0]).Underlying().(*types.Slice)
		return !(slice && (array || pointer)) && u.all(k, e.Args)
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
		if sel := k.info.Selections[f]; sel != nil {
			if types.IsInterface(sel.Recv()) || !u.pure(k, f.X) {
				return false
			}
		}
	}
	if id == nil {
		return false
	}
	fn, ok := k.info.Uses[id].(*types.Func)
	if !ok || !u.all(k, e.Args) {
		return false
	}
	if u.p.byTypes[fn.Pkg()] == nil {
		return u.stdCall(k, fn, e)
	}
	return u.function(fn.Origin())
}

func (u *purity) builtin(k *pkg, fun ast.Expr, args []ast.Expr) bool {
	id, ok := fun.(*ast.Ident)
	if !ok { // of package unsafe
		return u.all(k, args)
	}
	switch id.Name {
	case "len", "cap", "new", "append", "complex", "real", "imag", "min", "max":
		return u.all(k, args)
	case "make":
		for _, a := range args[1:] {
			if v := k.info.Types[a].Value; v == nil || constant.Sign(v) < 0 {
				return false
			}
		}
		return true
	}
	return false
}

// function reports whether a call of a function of the program is pure.
func (u *purity) function(fn *types.Func) bool {
	t := u.p.parts[fn]
	if t == nil || t.fn() == nil || t.fn().Body == nil {
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
	if u.block(t.pkg, t.fn().Body.List) {
		state = isPure
	}
	u.funcs[fn] = state
	return state == isPure
}

// block: a few kinds of statements that touch local variables only, and end.
func (u *purity) block(k *pkg, list []ast.Stmt) bool {
	for _, s := range list {
		if !u.statement(k, s) {
			return false
		}
	}
	return true
}

func (u *purity) statement(k *pkg, s ast.Stmt) bool {
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
			if !ok || isGlobal(k.info.ObjectOf(id)) {
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

// stdCall knows some functions of the standard library.
func (u *purity) stdCall(k *pkg, fn *types.Func, e *ast.CallExpr) bool {
	path, name := fn.Pkg().Path(), fn.Name()
	if recv := receiver(fn); recv != nil {
		name = recv.Obj().Name() + "." + name
	}
	if pureStd[path+"."+name] {
		return true
	}
	constants := true
	for _, a := range e.Args {
		constants = constants && k.info.Types[a].Value != nil
	}
	if !constants {
		return false
	}
	switch path + "." + name {
	case "regexp.MustCompile", "regexp.MustCompilePOSIX":
		_, err := regexp.Compile(constant.StringVal(k.info.Types[e.Args[0]].Value))
		return err == nil && name == "MustCompile"
	case "fmt.Errorf", "fmt.Sprintf", "fmt.Sprint", "strings.NewReplacer":
		return true
	}
	return false
}

// pureStd are functions of the standard library without effects, that neither
// panic nor call back.
var pureStd = func() map[string]bool {
	m := map[string]bool{}
	for path, names := range map[string][]string{
		"bytes":           {"NewBuffer", "NewBufferString", "NewReader", "ToLower", "ToUpper", "TrimSpace"},
		"context":         {"Background", "TODO"},
		"crypto/elliptic": {"P224", "P256", "P384", "P521"},
		"encoding/base32": {"Encoding.WithPadding"},
		"encoding/base64": {"Encoding.Strict"},
		"errors":          {"New", "Join"},
		"hash/crc32":      {"MakeTable"},
		"hash/crc64":      {"MakeTable"},
		"math":            {"Abs", "Ceil", "Cos", "Exp", "Floor", "Inf", "Log", "Log10", "Log2", "NaN", "Pow", "Sin", "Sqrt", "Tan", "Trunc", "Float32bits", "Float32frombits", "Float64bits", "Float64frombits", "Nextafter"},
		"math/big":        {"NewInt", "NewFloat"},
		"net":             {"IPv4", "IPv4Mask", "CIDRMask", "ParseIP"},
		"net/http":        {"NewServeMux", "StatusText", "CanonicalHeaderKey"},
		"path":            {"Join", "Base", "Dir", "Clean", "Ext"},
		"path/filepath":   {"Join", "Base", "Dir", "Clean", "Ext", "FromSlash", "ToSlash"},
		"reflect":         {"TypeOf", "ValueOf", "TypeFor"},
		"strconv":         {"Itoa", "Quote", "FormatInt", "FormatUint"},
		"strings":         {"NewReader", "ToLower", "ToUpper", "TrimSpace", "Split", "Fields", "Join", "Replace", "ReplaceAll", "TrimPrefix", "TrimSuffix", "Trim", "TrimLeft", "TrimRight", "HasPrefix", "HasSuffix", "Contains", "Index"},
		"sync":            {"NewCond", "OnceFunc", "OnceValue", "OnceValues"},
		"time":            {"Unix", "UnixMilli", "Time.UTC", "Duration.Seconds"},
		"unicode/utf8":    {"RuneLen", "RuneCountInString", "ValidString"},
		"encoding/binary": {"Size"},
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
