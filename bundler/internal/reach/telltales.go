package reach

import (
	"bytes"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"regexp"
	"slices"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/bundler/internal/source"
)

// A teller finds the telltales in one part.
type teller struct {
	p        *Live
	t        *Part
	info     *types.Info
	recovers bool              // the program inspects the values of panics
	shown    map[ast.Expr]bool // values that contain names of types and are converted to other interface types
	commas   map[ast.Expr]bool // type assertions with two results, which don't panic
	within   map[ast.Expr]bool // operands of constant expressions
	joined   map[ast.Expr]bool // operands of string sums that aren't constant
}

func newTeller(p *Live, t *Part, recovers bool) *teller {
	w := &teller{
		p: p, t: t, info: t.Pkg.Info, recovers: recovers,
		shown: map[ast.Expr]bool{}, commas: map[ast.Expr]bool{}, within: map[ast.Expr]bool{}, joined: map[ast.Expr]bool{},
	}
	c := &conversions{
		info: w.info, mark: func(types.Type) {}, show: func(types.Type) {}, assert: func(_, _ types.Type) {},
		each: func(e ast.Expr, to types.Type) {
			if saysTypes(w.info.TypeOf(e)) && !saysTypes(to) {
				w.shown[e] = true
			}
		},
	}
	for _, n := range t.Nodes() {
		c.find(n)
		ast.Inspect(n, func(n ast.Node) bool {
			w.prepare(n)
			return true
		})
	}
	return w
}

// prepare notes the context of the nodes below n.
func (w *teller) prepare(n ast.Node) {
	switch n := n.(type) {
	case *ast.BinaryExpr:
		constant := w.info.Types[n].Value != nil
		for _, e := range []ast.Expr{n.X, n.Y} {
			w.within[ast.Unparen(e)] = constant
			w.joined[ast.Unparen(e)] = !constant && n.Op == token.ADD
		}
	case *ast.AssignStmt:
		if len(n.Lhs) == 2 && len(n.Rhs) == 1 {
			w.commas[ast.Unparen(n.Rhs[0])] = true
		}
	case *ast.ValueSpec:
		if len(n.Names) == 2 && len(n.Values) == 1 {
			w.commas[ast.Unparen(n.Values[0])] = true
		}
	case *ast.CallExpr:
		if f := w.callee(n); f != nil && quiet[f.FullName()] {
			for _, a := range n.Args {
				delete(w.shown, a)
			}
		}
	}
}

// quiet has functions that don't show the types of their arguments.
var quiet = map[string]bool{
	"(*sync.Map).Load": true, "(*sync.Map).Store": true, "(*sync.Map).LoadOrStore": true, "(*sync.Map).LoadAndDelete": true,
	"(*sync.Map).Delete": true, "(*sync.Map).Swap": true, "(*sync.Map).CompareAndSwap": true, "(*sync/atomic.Value).Store": true,
}

// saysTypes reports whether the printed form of a value contains names of types. It
// does for reflect.Type, and for contexts, which print their keys.
func saysTypes(t types.Type) bool {
	found := false
	if t != nil {
		WalkType(t, func(t types.Type) {
			if named, ok := t.(*types.Named); ok && named.Obj().Pkg() != nil {
				name := named.Obj().Pkg().Path() + "." + named.Obj().Name()
				found = found || name == "reflect.Type" || name == "context.Context"
			}
		})
	}
	return found
}

// callee returns the declared function or method that n calls, or nil.
func (w *teller) callee(n *ast.CallExpr) *types.Func {
	var id *ast.Ident
	switch f := ast.Unparen(n.Fun).(type) {
	case *ast.Ident:
		id = f
	case *ast.SelectorExpr:
		id = f.Sel
	default:
		return nil
	}
	fn, _ := w.info.Uses[id].(*types.Func)
	return fn
}

// eachPlace calls f for each place with a telltale, with the telltale's index.
func (w *teller) eachPlace(f func(i int, pos token.Pos)) {
	for _, n := range w.t.Nodes() {
		ast.Inspect(n, func(n ast.Node) bool {
			if n == nil {
				return true
			}
			name := ""
			if id, ok := n.(*ast.Ident); ok {
				name = w.stdName(id)
			}
			for i, tell := range telltales {
				if tell.find != nil && tell.find(w, n) || name != "" && slices.Contains(tell.objects, name) {
					f(i, n.Pos())
				}
			}
			return true
		})
	}
}

// stdName returns the name of the standard library object that an identifier denotes,
// in the form of telltale.objects. It returns nothing for other objects.
func (w *teller) stdName(id *ast.Ident) string {
	o := w.info.Uses[id]
	if o == nil || o.Pkg() == nil || w.p.InProgram(o) {
		return ""
	}
	if fn, ok := o.(*types.Func); ok {
		return fn.FullName()
	}
	return o.Pkg().Path() + "." + o.Name()
}

// showsLines reports whether a node sets flags of package log, or options of
// log/slog, that print file names and lines.
func (w *teller) showsLines(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.CallExpr:
		f := w.callee(n)
		if f == nil || len(n.Args) == 0 {
			return false
		}
		switch f.FullName() {
		case "log.SetFlags", "(*log.Logger).SetFlags", "log.New":
			return w.flagsShowLines(n.Args[len(n.Args)-1])
		}
	case *ast.KeyValueExpr: // a field of a composite literal
		id, ok := n.Key.(*ast.Ident)
		v := w.info.Types[n.Value].Value
		return ok && w.isSourceOption(id) && !(v != nil && v.Kind() == constant.Bool && !constant.BoolVal(v))
	case *ast.SelectorExpr:
		return w.isSourceOption(n.Sel)
	}
	return false
}

// isSourceOption reports whether an identifier denotes slog.HandlerOptions.AddSource
// or slog.Record.PC.
func (w *teller) isSourceOption(id *ast.Ident) bool {
	o := w.info.Uses[id]
	return o != nil && o.Pkg() != nil && o.Pkg().Path() == "log/slog" && (o.Name() == "AddSource" || o.Name() == "PC")
}

// flagsShowLines reports whether flags of package log may print lines. They don't if
// they consist of constants without these bits and of the previous flags.
func (w *teller) flagsShowLines(e ast.Expr) bool {
	e = ast.Unparen(e)
	if v := w.info.Types[e].Value; v != nil {
		const lines = 8 | 16 // log.Llongfile | log.Lshortfile
		bits, _ := constant.Int64Val(constant.ToInt(v))
		return bits&lines != 0
	}
	switch e := e.(type) {
	case *ast.BinaryExpr:
		return w.flagsShowLines(e.X) || e.Op != token.AND_NOT && w.flagsShowLines(e.Y)
	case *ast.CallExpr:
		f := w.callee(e)
		return f == nil || f.FullName() != "log.Flags" && f.FullName() != "(*log.Logger).Flags"
	}
	return true
}

var (
	// typeVerb matches formats that show types: %T, %-14T, %[1]T, %#v, %+#v.
	typeVerb = regexp.MustCompile(`%(?:[-+# 0]|\[\d+\]|[\d.*])*T|%(?:[-+ 0])*#(?:[-+# 0]|\[\d+\]|[\d.*])*v`)
	// openVerb matches a format whose last verb continues in another string.
	openVerb = regexp.MustCompile(`(?:^|[^%])(?:%%)*%(?:[-+# 0]|\[\d+\]|[\d.*])*$`)
	// madeVerb matches a format whose output is a format.
	madeVerb = regexp.MustCompile(`%%[-+#0\d.]*%[-+0]*[csv]`)
)

// showsTypes reports whether a node is a format, a value or a panic that shows the
// names of types.
func (w *teller) showsTypes(n ast.Node) bool {
	e, ok := n.(ast.Expr)
	if !ok {
		return false
	}
	if w.shown[e] {
		return true
	}
	if call, ok := n.(*ast.CallExpr); ok && len(call.Args) == 1 && w.isBuiltin(call, "panic") {
		return w.panicShowsType(w.info.TypeOf(call.Args[0]))
	}
	v := w.info.Types[e].Value
	if v == nil || v.Kind() != constant.String || w.within[e] {
		return false
	}
	if _, paren := e.(*ast.ParenExpr); paren {
		return false
	}
	if _, declared := e.(*ast.Ident); declared {
		return w.joined[e] && openVerb.MatchString(constant.StringVal(v)) // else it is found in its declaration
	}
	text := constant.StringVal(v)
	return typeVerb.MatchString(strings.ReplaceAll(text, "%%", "")) || madeVerb.MatchString(text) || w.joined[e] && openVerb.MatchString(text)
}

func (w *teller) isBuiltin(call *ast.CallExpr, name string) bool {
	id, ok := ast.Unparen(call.Fun).(*ast.Ident)
	return ok && id.Name == name && w.info.Types[id].IsBuiltin()
}

// panicShowsType reports whether the message of panic(x) contains the name of x's
// type t: a declared type of the program without the methods Error and String.
func (w *teller) panicShowsType(t types.Type) bool {
	named, ok := types.Unalias(t).(*types.Named)
	if !ok || !w.foreign(t) || types.IsInterface(t) {
		return false
	}
	for _, name := range []string{"Error", "String"} {
		if o, _, _ := types.LookupFieldOrMethod(named, false, nil, name); o != nil {
			return false
		}
	}
	return true
}

// foreign reports whether values of type t can contain values of types that packages
// of the program other than main declare. Interface values can.
func (w *teller) foreign(t types.Type) bool {
	seen := map[types.Type]bool{}
	found := false
	var look func(t types.Type)
	look = func(t types.Type) {
		WalkType(t, func(t types.Type) {
			if _, face := t.Underlying().(*types.Interface); face {
				found = true
			}
			named, ok := t.(*types.Named)
			if !ok || seen[t] {
				return
			}
			seen[t] = true
			if o := named.Obj(); w.p.InProgram(o) {
				found = found || o.Pkg() != w.p.Main.Types
				look(named.Underlying())
			}
		})
	}
	look(t)
	return found
}

// speakers has functions of the standard library whose errors contain the names of
// their arguments' types.
var speakers = map[string]bool{
	"encoding/json.Unmarshal": true, "(*encoding/json.Decoder).Decode": true,
	"encoding/xml.Unmarshal": true, "(*encoding/xml.Decoder).Decode": true, "(*encoding/xml.Decoder).DecodeElement": true,
	"(*encoding/gob.Encoder).Encode": true, "(*encoding/gob.Decoder).Decode": true,
	"encoding/asn1.Marshal": true, "encoding/asn1.Unmarshal": true, "encoding/binary.Read": true, "encoding/binary.Write": true,
	"(*text/template.Template).Execute": true, "(*text/template.Template).ExecuteTemplate": true,
	"(*html/template.Template).Execute": true, "(*html/template.Template).ExecuteTemplate": true,
	"net/rpc.Register": true, "(*net/rpc.Server).Register": true, "(*database/sql.Row).Scan": true, "(*database/sql.Rows).Scan": true,
	"fmt.Sscan": true, "fmt.Sscanf": true, "fmt.Sscanln": true, "fmt.Fscan": true, "fmt.Fscanf": true, "fmt.Fscanln": true,
	"fmt.Scan": true, "fmt.Scanf": true, "fmt.Scanln": true,
}

// encoders has functions whose errors contain names of types only if a method of such
// a type fails.
var encoders = map[string]bool{
	"encoding/json.Marshal": true, "encoding/json.MarshalIndent": true, "(*encoding/json.Encoder).Encode": true,
}

// showsTypesInErrors reports whether a node is a call whose error contains names of
// types. If the program inspects panics, it can also be a type assertion.
func (w *teller) showsTypesInErrors(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.CallExpr:
		f := w.callee(n)
		if f == nil {
			return false
		}
		name := f.FullName()
		if !speakers[name] && !encoders[name] {
			return false
		}
		return slices.ContainsFunc(n.Args, func(a ast.Expr) bool {
			t := w.info.TypeOf(a)
			switch {
			case !w.foreign(t) || isReaderOrWriter(t):
				return false
			case encoders[name]:
				return w.marshals(t)
			}
			return true
		})
	case *ast.TypeAssertExpr:
		return w.recovers && n.Type != nil && !w.commas[n] && (w.foreign(w.info.TypeOf(n.Type)) || isEmptyInterface(w.info.TypeOf(n.X)))
	}
	return false
}

// isReaderOrWriter reports whether t is an interface type with a method Read or
// Write.
func isReaderOrWriter(t types.Type) bool {
	if !types.IsInterface(t) {
		return false
	}
	o, _, _ := types.LookupFieldOrMethod(t, false, nil, "Read")
	if o == nil {
		o, _, _ = types.LookupFieldOrMethod(t, false, nil, "Write")
	}
	return o != nil
}

func isEmptyInterface(t types.Type) bool {
	i, ok := t.Underlying().(*types.Interface)
	return ok && i.Empty()
}

// marshals reports whether t contains a type with a method MarshalJSON or MarshalText
// of the program.
func (w *teller) marshals(t types.Type) bool {
	found := false
	WalkType(t, func(t types.Type) {
		for _, name := range []string{"MarshalJSON", "MarshalText"} {
			o, _, _ := types.LookupFieldOrMethod(t, true, nil, name)
			found = found || o != nil && w.p.InProgram(o)
		}
	})
	return found
}

// recovers reports whether the program inspects the values of panics.
func (l *Live) recovers() bool {
	found := false
	mentions := map[*source.File]bool{} // whether a file contains the word; most don't
	l.EachPart(func(t *Part) {
		mention, known := mentions[t.File]
		if !known {
			mention = bytes.Contains(t.File.Src, []byte("recover"))
			mentions[t.File] = mention
		}
		if found || !mention {
			return
		}
		for _, n := range t.Nodes() {
			ast.Inspect(n, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.ExprStmt: // the value is dropped
					call, ok := n.X.(*ast.CallExpr)
					return !ok || !isRecover(t, call)
				case *ast.BinaryExpr: // it is compared
					call, ok := n.X.(*ast.CallExpr)
					return !ok || !isRecover(t, call)
				case *ast.CallExpr:
					found = found || isRecover(t, n)
				}
				return !found
			})
		}
	})
	return found
}

func isRecover(t *Part, call *ast.CallExpr) bool {
	id, ok := ast.Unparen(call.Fun).(*ast.Ident)
	return ok && id.Name == "recover" && t.Pkg.Info.Types[id].IsBuiltin()
}
