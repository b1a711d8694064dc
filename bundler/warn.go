package bundler

import (
	"context"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"regexp"
	"slices"
	"strings"
)

// A telltale is something that shows a program how it was built, so that it can
// differ in one package.
type telltale struct {
	objects []string // of the standard library, as types.Func.FullName has them
	format  *regexp.Regexp
	text    string
}

const (
	typeNames = "the names of types and packages: pkg.Type is main.Type in the bundle"
	callers   = "the names of functions, files and lines: those of the bundle aren't the program's"
	versions  = "the versions of modules: a bundle has none"
)

var telltales = []telltale{
	{
		objects: []string{
			"runtime.Caller", "runtime.Callers", "runtime.FuncForPC", "runtime.CallersFrames", "runtime.Stack",
			"runtime/debug.Stack", "runtime/debug.PrintStack", "log.Lshortfile", "log.Llongfile",
		},
		text: callers,
	},
	{objects: []string{"(reflect.Type).PkgPath", "(reflect.Type).String"}, format: regexp.MustCompile(`%([+#]*)(T|#v)`), text: typeNames},
	{objects: []string{"runtime/debug.ReadBuildInfo"}, text: versions},
	{objects: []string{"encoding/gob.Register"}, text: "the names of types in gob streams: register them by RegisterName"},
}

// warnings adds a warning for each way in which the program looks at its own
// shape, with the first place and their number.
func warnings(ctx context.Context, p *program) error {
	found := make([][]token.Pos, len(telltales))
	owner := make([]*part, len(telltales))
	p.liveParts(func(t *part) {
		for i, tell := range telltales {
			if tell.text == typeNames && !p.foreignTypes() || tell.text == versions && p.build != nil {
				continue
			}
			for _, pos := range tell.places(t) {
				if owner[i] == nil || owner[i].pkg != p.main && t.pkg == p.main {
					owner[i], found[i] = t, append([]token.Pos{pos}, found[i]...)
				} else {
					found[i] = append(found[i], pos)
				}
			}
		}
	})
	for i, places := range found {
		if len(places) == 0 {
			continue
		}
		text := "the program shows " + telltales[i].text
		if len(places) > 1 {
			text += fmt.Sprintf(" (%d places)", len(places))
		}
		p.warnings = append(p.warnings, Warning{p.fset.PositionFor(places[0], false), text})
	}
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

// places finds where a part does what a telltale tells of.
func (l telltale) places(t *part) (places []token.Pos) {
	for _, n := range t.nodes() {
		ast.Inspect(n, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Ident:
				o := t.pkg.info.Uses[n]
				if o == nil || o.Pkg() == nil {
					break
				}
				name := o.Pkg().Path() + "." + o.Name()
				if fn, ok := o.(*types.Func); ok {
					name = fn.FullName()
				}
				if slices.Contains(l.objects, name) {
					places = append(places, n.Pos())
				}
			case *ast.BasicLit:
				if l.format != nil && n.Kind == token.STRING && l.format.MatchString(n.Value) {
					places = append(places, n.Pos())
				}
			}
			return true
		})
	}
	return places
}
