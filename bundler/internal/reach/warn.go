package reach

import (
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/bundler/internal/source"
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

// warn adds a warning for each way in which the program looks at its own shape,
// with the first place and their number.
func (l *Live) warn() {
	l.Warnings = slices.Clone(l.Program.Warnings)
	found := make([][]token.Pos, len(telltales))
	owner := make([]*Part, len(telltales))
	recovers := l.recovers()
	foreign := l.foreignTypes()
	l.EachPart(func(t *Part) {
		newTeller(l, t, recovers).eachPlace(func(i int, pos token.Pos) {
			switch {
			case telltales[i].text == versions && l.Build != nil:
			case owner[i] == nil || owner[i].Pkg != l.Main && t.Pkg == l.Main:
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
		l.Warnings = append(l.Warnings, source.Warning{Pos: l.Fset.PositionFor(places[0], false), Text: text})
	}
	l.NamesTypes = len(found[showsTypes])+len(found[showsTypes+1]) > 0
	slices.SortStableFunc(l.Warnings, func(a, b source.Warning) int { return strings.Compare(a.Text, b.Text) })
}

// foreignTypes reports whether types of other packages than main can be shown.
func (l *Live) foreignTypes() bool {
	for t := range l.Faced {
		if t.Pkg() != l.Main.Types {
			return true
		}
	}
	return false
}
