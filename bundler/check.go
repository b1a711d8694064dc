package bundler

import (
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"
	"golang.org/x/tools/go/packages"
)

// checkListed refuses what the go command couldn't list, and what isn't a main
// package.
func checkListed(ctx context.Context, p *program, tool *goTool, listed []*listing) error {
	if len(listed) == 0 {
		return &Error{Text: fmt.Sprintf("%s: no package", p.opts.Package)}
	}
	if err := p.checkOutput(); err != nil {
		return err
	}
	if err := checkBlocked(ctx, p, tool); err != nil {
		return err
	}
	for _, l := range listed {
		if len(l.from.Errors) > 0 {
			e := l.from.Errors[0]
			err := listErrorOf(e, l.ImportPath, p.opts.Dir)
			if stack := cycleOf(e); len(stack) > 1 {
				err.Pos = p.importPos(stack[len(stack)-2], stack[len(stack)-1])
			}
			return err
		}
	}
	root := listed[len(listed)-1]
	if strings.HasSuffix(p.opts.Package, "_test.go") || len(root.GoFiles) == 0 && strings.HasSuffix(root.Name, "_test") {
		return testsOnly(p.opts.Package)
	}
	if len(root.GoFiles) == 0 && root.Name != "" && hasTests(root.Dir) {
		return testsOnly(root.ImportPath)
	}
	if root.Name != "main" {
		return &Error{
			Pos:  p.packageClause(root),
			Text: fmt.Sprintf("%s is package %s, not a main package", root.ImportPath, root.Name),
			Hint: "name the folder of a program: the one with func main",
		}
	}
	return nil
}

// testsOnly returns the refusal of a package that only go test compiles.
func testsOnly(name string) error {
	return &Error{Text: name + " has test files only, and no program", Hint: "name the folder of a program: the one with func main"}
}

// hasTests reports whether a folder has test files.
func hasTests(dir string) bool {
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	return err == nil && len(files) > 0
}

var (
	positioned = regexp.MustCompile(`^(.+?):(\d+):(?:(\d+):)? (.*)$`)
	cycleStack = regexp.MustCompile(`import cycle not allowed: import stack: \[(.*)\]`)
)

// workHint is the hint of errors that go.work causes.
const workHint = "set GOWORK=off to do without the workspace"

// cycleOf returns the import paths of an import cycle, or nothing.
func cycleOf(e packages.Error) []string {
	if m := cycleStack.FindStringSubmatch(e.Msg); m != nil {
		return strings.Fields(m[1])
	}
	return nil
}

// importPos finds where one package imports another.
func (p *program) importPos(from, to string) token.Position {
	if l := p.listed[from]; l != nil {
		for _, name := range l.GoFiles {
			if pos := p.opts.importIn(name, to); pos.Line > 0 {
				return pos
			}
		}
	}
	return token.Position{}
}

// packageClause finds the first package clause of a package.
func (p *program) packageClause(l *listing) token.Position {
	for _, name := range l.GoFiles {
		src, _ := p.opts.read(name)
		fset := token.NewFileSet()
		if f, err := parser.ParseFile(fset, name, src, parser.PackageClauseOnly); err == nil {
			return fset.Position(f.Package)
		}
	}
	return token.Position{}
}

// listErrorOf makes one line of an error of the go command, which can be the
// compiler's output.
func listErrorOf(e packages.Error, path, dir string) *Error {
	var lines []string
	for line := range strings.Lines(e.Msg) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		lines = []string{"package " + path + " can't be loaded"}
	}
	out := &Error{Text: lines[0]}
	if stack := cycleOf(e); stack != nil {
		out.Text = "import cycle: " + strings.Join(stack, " → ")
	} else if len(lines) > 1 {
		if strings.HasSuffix(lines[0], ":") {
			out.Text += " " + lines[1]
			if positioned.MatchString(lines[1]) {
				out.Text = lines[1]
			}
			lines = lines[1:]
		}
		out.Hint = strings.Join(lines[1:min(len(lines), 5)], "; ")
	}
	out.Text = strings.TrimPrefix(out.Text, "go: ")
	if out.Hint == "" && strings.Contains(out.Text, "go.work") {
		out.Hint = workHint
	}
	pos := strings.TrimPrefix(e.Pos, "-")
	if m := positioned.FindStringSubmatch(out.Text); m != nil && pos == "" {
		pos, out.Text = m[1]+":"+m[2]+":"+m[3], m[4]
	}
	if f := strings.Split(pos, ":"); len(f) >= 2 {
		if out.Pos.Filename = f[0]; !filepath.IsAbs(f[0]) {
			out.Pos.Filename = filepath.Join(dir, f[0])
		}
		out.Pos.Line, _ = strconv.Atoi(f[1])
		if len(f) > 2 {
			out.Pos.Column, _ = strconv.Atoi(f[2])
		}
	}
	return out
}

// importIn finds an import in a Go file.
func (o *Options) importIn(name, path string) token.Position {
	src, err := o.read(name)
	if err != nil || filepath.Ext(name) != ".go" {
		return token.Position{}
	}
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, name, src, parser.ImportsOnly)
	if err != nil {
		return token.Position{}
	}
	for _, imp := range f.Imports {
		if imp.Path.Value == strconv.Quote(path) {
			return fset.Position(imp.Pos())
		}
	}
	return token.Position{}
}

// check cuts the packages into parts and finds what stands for the functions
// without a body.
func check(ctx context.Context, p *program) error {
	if p.main.types.Scope().Lookup("main") == nil {
		return &Error{Pos: p.packageClause(p.main.listing), Text: fmt.Sprintf("package %s has no func main", p.main.ImportPath)}
	}
	p.parts = map[types.Object]*part{}
	p.aliases = map[types.Object]alias{}
	for _, k := range p.pkgs {
		if err := cut(p, k); err != nil {
			return err
		}
	}
	if err := orderPackages(p); err != nil {
		return err
	}
	return resolveLinks(p)
}

// refuseBodyless returns the refusal of reachable functions without a body. It
// names one function of each package, and build tags that help with all.
func refuseBodyless(ctx context.Context, p *program, refused []*part) error {
	var blocks []block
	var paths []string
	for _, t := range refused {
		if path := t.pkg.ImportPath; !slices.Contains(paths, path) {
			paths = append(paths, path)
			blocks = append(blocks, block{path, p.bodylessError(t)})
		}
	}
	p.progress("looking for build tags that leave assembly out")
	blocks[0].err.Hint = p.tagHint(ctx, paths)
	return refuse(blocks)
}

// bodylessError returns the refusal of one function without a body.
func (p *program) bodylessError(t *part) *Error {
	k, fn := t.pkg, t.fn()
	what := "has no body"
	if len(k.assembly()) > 0 {
		what = "is written in assembly"
		if f := assemblyOf(k, fn.Name.Name); f != "" {
			what += " (" + f + ")"
		}
	}
	return &Error{
		Pos: p.fset.PositionFor(fn.Pos(), false),
		Text: fmt.Sprintf("func %s of package %s %s%s: one Go file can't hold it; it is reached by %s",
			fn.Name.Name, k.ImportPath, what, p.chainText(k.ImportPath), t.why),
	}
}

// tagHint tells which build tags leave the packages without assembly: those
// first that help most of them.
func (p *program) tagHint(ctx context.Context, paths []string) string {
	pure := make([][]string, len(usualTags)) // by tag
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
	hint := fmt.Sprintf("with --tags %s, %s would be pure Go", strings.Join(slices.Concat(p.opts.Tags, tags), ","), packageList(good))
	if left := without(paths, good); len(left) > 0 {
		hint += "; no usual build tag helps with " + packageList(left)
	}
	return hint
}

// packageList names packages.
func packageList(paths []string) string {
	if len(paths) == 1 {
		return "package " + paths[0]
	}
	return "packages " + strings.Join(paths, ", ")
}

// without returns the elements of a that b hasn't.
func without(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
}

// assemblyOf finds the assembly file that defines a function.
func assemblyOf(k *pkg, name string) string {
	for _, s := range k.assembly() {
		if strings.Contains(readFile(s), "·"+name+"(SB)") {
			return s
		}
	}
	return ""
}

// usualTags are the build tags by which packages leave assembly out. Those from
// oldTags on are of times gone by: code behind them may not compile any more, so
// they are taken where no other helps.
var usualTags = []string{"purego", "noasm", "generic", "nosimd", "appengine", "safe", "gofuzz"}

const oldTags = 4

// pureWith returns those of some packages that more build tags leave without
// assembly. Packages that aren't needed any more are among them.
func (p *program) pureWith(ctx context.Context, paths, tags []string) []string {
	o := *p.opts
	o.Tags, o.TagsSet = slices.Concat(o.Tags, tags), true
	listed, err := list(ctx, &o, p.target.GOROOT, newGoTool(p.opts).env)
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

// bodyless counts the functions without a body.
func bodyless(l *listing) (n int) {
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
