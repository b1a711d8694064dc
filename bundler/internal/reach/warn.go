package reach

import (
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/bundler/internal/source"
)

// A telltale is a way in which a program can tell that it is a bundle.
type telltale struct {
	text string
	// objects are names of standard library objects in the form of
	// types.Func.FullName.
	objects []string
	// find, unless nil, reports whether a node is such a place.
	find func(*teller, ast.Node) bool
	// foreign limits the telltale to programs that convert types of other packages
	// than main to interface types.
	foreign bool
}

const versions = "the versions of modules: a bundle has none"

// showsTypes is the index of the telltale that shows names of types. The next one
// shows them in errors.
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

// warn sets Warnings and NamesTypes. Each telltale in the program gives one warning,
// with the first place and the number of places.
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

// foreignTypes reports whether types of other packages than main are converted to
// interface types.
func (l *Live) foreignTypes() bool {
	for t := range l.Converted {
		if t.Pkg() != l.Main.Types {
			return true
		}
	}
	return false
}
