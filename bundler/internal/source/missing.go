package source

import (
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
)

// A Missing is a function without a body that the program reaches.
type Missing struct {
	Part *Part
	Why  string // what reaches it
}

// refuseMissing returns the refusal of functions without a body. It names one
// function of each package, and build tags that make the packages pure Go.
func (p *Program) refuseMissing(ctx context.Context, functions []Missing) error {
	var blocks []block
	var paths []string
	for _, m := range functions {
		if path := m.Part.Pkg.ImportPath; !slices.Contains(paths, path) {
			paths = append(paths, path)
			blocks = append(blocks, block{path, p.missingError(m)})
		}
	}
	p.Request.Announce("looking for build tags that leave assembly out")
	blocks[0].err.Hint = p.tagHint(ctx, paths)
	return refuse(blocks)
}

// missingError returns the refusal of one function without a body.
func (p *Program) missingError(m Missing) *Error {
	k, fn := m.Part.Pkg, m.Part.Func()
	what := "has no body"
	if len(k.assembly()) > 0 {
		what = "is written in assembly"
		if f := assemblyOf(k, fn.Name.Name); f != "" {
			what += " (" + f + ")"
		}
	}
	return &Error{
		Pos: p.Fset.PositionFor(fn.Pos(), false),
		Text: fmt.Sprintf("func %s of package %s %s%s: one Go file can't hold it; it is reached by %s",
			fn.Name.Name, k.ImportPath, what, p.chainText(k.ImportPath), m.Why),
	}
}

// tagHint names build tags that leave the packages without assembly. It picks
// greedily: the next tag is the one that helps most of the remaining packages.
func (p *Program) tagHint(ctx context.Context, paths []string) string {
	pure := make([][]string, len(usualTags)) // packages that a tag makes pure Go
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, tag := range usualTags {
		g.Go(func() error {
			pure[i] = p.pureWith(ctx, paths, []string{tag})
			return nil
		})
	}
	_ = g.Wait()
	var tags []string
	left := paths
	for _, tier := range [][]string{usualTags[:oldTags], usualTags[oldTags:]} {
		for len(left) > 0 {
			best, most := 0, 0
			for _, tag := range tier {
				i := slices.Index(usualTags, tag)
				if n := len(left) - len(without(left, pure[i])); n > most {
					best, most = i, n
				}
			}
			if most == 0 {
				break
			}
			tags, left = append(tags, usualTags[best]), without(left, pure[best])
		}
	}
	if len(tags) == 0 {
		return ""
	}
	good := pure[slices.Index(usualTags, tags[0])]
	if len(tags) > 1 {
		good = p.pureWith(ctx, paths, tags)
	}
	if len(good) == 0 {
		return ""
	}
	hint := fmt.Sprintf("with --tags %s, %s would be pure Go", strings.Join(slices.Concat(p.Request.Tags, tags), ","), packageList(good))
	if left := without(paths, good); len(left) > 0 {
		hint += "; no usual build tag helps with " + packageList(left)
	}
	return hint
}

// packageList returns "package a" or "packages a, b".
func packageList(paths []string) string {
	if len(paths) == 1 {
		return "package " + paths[0]
	}
	return "packages " + strings.Join(paths, ", ")
}

// without returns the elements of a that aren't in b.
func without(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
}

// assemblyOf returns the name of the assembly file that defines a function.
func assemblyOf(k *Package, name string) string {
	for _, s := range k.assembly() {
		if strings.Contains(ReadText(s), "·"+name+"(SB)") {
			return s
		}
	}
	return ""
}

// usualTags are the build tags that packages use to exclude assembly. Tags from index
// oldTags on are outdated, and code behind them may no longer compile. They are
// offered only if no other tag helps.
var usualTags = []string{"purego", "noasm", "generic", "nosimd", "appengine", "safe", "gofuzz"}

const oldTags = 4

// pureWith returns the packages of paths that have no assembly, or aren't needed,
// with additional build tags.
func (p *Program) pureWith(ctx context.Context, paths, tags []string) []string {
	o := *p.Request
	o.Tags, o.TagsSet = slices.Concat(o.Tags, tags), true
	listed, err := list(ctx, &o, p.Target.GOROOT, NewGoTool(p.Request).Env)
	if err != nil {
		return nil
	}
	impure := map[string]bool{}
	for _, l := range listed {
		if len(l.from.Errors) > 0 {
			return nil
		}
		impure[l.ImportPath] = slices.Contains(paths, l.ImportPath) && (len(l.assembly()) > 0 || bodyless(l) > 0)
	}
	return slices.DeleteFunc(slices.Clone(paths), func(path string) bool { return impure[path] })
}

// bodyless returns the number of functions without a body.
func bodyless(l *Listing) (n int) {
	for _, name := range l.GoFiles {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return 1
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Body == nil {
				n++
			}
		}
	}
	return n
}
