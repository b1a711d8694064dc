package bundler

import (
	"context"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// A telltale is something that shows a program how it was built, so that it can
// differ in one package.
type telltale struct {
	text string
	// objects of the standard library, as types.Func.FullName has them.
	objects []string
	// find finds other signs in a node of a part; it may be nil.
	find func(*teller, ast.Node) bool
	// foreign says that only types of other packages than main count.
	foreign bool
}

const versions = "the versions of modules: a bundle has none"

// showsTypes is the telltale that the warning of renamed types refers to.
const showsTypes = 1

var telltales = []telltale{
	{
		text: "the names of functions, files and lines: those of the bundle aren't the program's",
		objects: []string{
			"runtime.Caller", "runtime.Callers", "runtime.FuncForPC", "runtime.CallersFrames", "runtime.Stack", "runtime.GoroutineProfile",
			"(*runtime.Func).Name", "(*runtime.Func).FileLine", "runtime/debug.Stack", "runtime/debug.PrintStack",
			"log.Lshortfile", "log.Llongfile", "(log/slog.Record).Source",
			"runtime/pprof.Lookup", "runtime/pprof.StartCPUProfile", "runtime/pprof.WriteHeapProfile", "runtime/trace.Start",
		},
		find: (*teller).showsLines,
	},
	{
		text:    "the names of types and packages: pkg.Type is main.Type in the bundle",
		objects: []string{"(reflect.Type).PkgPath", "(reflect.Type).String"},
		find:    (*teller).showsTypes, foreign: true,
	},
	{
		text: "the names of types in error texts of the standard library or of failed type assertions: pkg.Type is main.Type in the bundle",
		find: (*teller).showsTypesInErrors, foreign: true,
	},
	{text: versions, objects: []string{"runtime/debug.ReadBuildInfo"}},
	{text: "the names of types in gob streams: register them by RegisterName", objects: []string{"encoding/gob.Register"}},
}

// warnings adds a warning for each way in which the program looks at its own
// shape, with the first place and their number.
func warnings(ctx context.Context, p *program) error {
	found := make([][]token.Pos, len(telltales))
	owner := make([]*part, len(telltales))
	recovers := p.recovers()
	foreign := p.foreignTypes()
	p.liveParts(func(t *part) {
		newTeller(p, t, recovers).eachPlace(func(i int, pos token.Pos) {
			switch {
			case telltales[i].text == versions && p.build != nil:
			case owner[i] == nil || owner[i].pkg != p.main && t.pkg == p.main:
				owner[i], found[i] = t, append([]token.Pos{pos}, found[i]...)
			default:
				found[i] = append(found[i], pos)
			}
		})
	})
	for i, places := range found {
		if len(places) == 0 || telltales[i].foreign && !foreign {
			continue
		}
		text := "the program shows " + telltales[i].text
		if len(places) > 1 {
			text += fmt.Sprintf(" (%d places)", len(places))
		}
		p.warnings = append(p.warnings, Warning{p.fset.PositionFor(places[0], false), text})
	}
	p.namesTypes = len(found[showsTypes])+len(found[showsTypes+1]) > 0
	slices.SortStableFunc(p.warnings, func(a, b Warning) int { return strings.Compare(a.Text, b.Text) })
	return ctx.Err()
}

// foreignTypes reports whether types of other packages than main can be shown.
func (p *program) foreignTypes() bool {
	for t := range p.faced {
		if t.Pkg() != p.main.types {
			return true
		}
	}
	return false
}

// namers are the packages of the standard library that show the bare names of
// types: as names of XML elements, of RPC services and in gob streams.
var namers = []string{"encoding/xml", "encoding/gob", "net/rpc", "net/rpc/jsonrpc"}

// warnRenamed adds a warning if types have other names in the bundle and the
// program can show them.
func (p *program) warnRenamed() {
	var renamed []types.Object
	for t := range p.shown {
		if p.inProgram(t) && p.names.of(t) != t.Name() {
			renamed = append(renamed, t)
		}
	}
	shows := p.namesTypes
	for _, path := range namers {
		shows = shows || p.usesAny(path, nil)
	}
	if shows = shows || p.usesAny("reflect", []string{"Name"}); !shows || len(renamed) == 0 {
		return
	}
	slices.SortFunc(renamed, func(a, b types.Object) int { return int(a.Pos() - b.Pos()) })
	list := make([]string, 0, 4)
	for _, o := range renamed[:min(3, len(renamed))] {
		list = append(list, fmt.Sprintf("%s is %s", describe(o), p.names.of(o)))
	}
	if n := len(renamed) - len(list); n > 0 {
		list = append(list, fmt.Sprintf("and %d more", n))
	}
	p.warnings = append(p.warnings, Warning{
		p.fset.PositionFor(renamed[0].Pos(), false),
		"types have other names in the bundle, which XML, RPC, gob and reflection can show: " + strings.Join(list, ", "),
	})
}

// warnTagged adds a warning if a tag that the bundler adds can be seen: the texts
// of unnamed struct types have it.
func (p *program) warnTagged() {
	var tagged []*types.Var
	for f := range p.names.tags {
		tagged = append(tagged, f)
	}
	if len(tagged) == 0 || !p.namesTypes && !p.usesAny("reflect", []string{"Tag"}) {
		return
	}
	slices.SortFunc(tagged, func(a, b *types.Var) int { return int(a.Pos() - b.Pos()) })
	p.warnings = append(p.warnings, Warning{
		p.fset.PositionFor(tagged[0].Pos(), false),
		"struct types without a name have tags in the bundle that keep those of different packages apart: %T, %#v and reflection show them",
	})
}
