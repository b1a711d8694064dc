package bundler

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	goversion "go/version"

	"golang.org/x/sync/errgroup"
	"golang.org/x/tools/go/packages"
)

// load finds the packages of the program, then type-checks from source those
// that aren't of the standard library, all in one universe. The types of std
// come from the compiler's export data.
func load(ctx context.Context, p *program) error {
	p.progress("listing packages")
	tool := newGoTool(p.opts)
	var err error
	if p.target, err = tool.target(ctx); err != nil {
		return flagHint(tool, err)
	}
	if p.target.GO111MODULE == "off" && p.swapped == nil { // fallBack loads again and keeps the warnings
		p.warnings = append(p.warnings, Warning{Text: "GO111MODULE=off: the packages come from GOPATH, and go.mod is ignored"})
	}
	var listed []*listing
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return tool.checkPlatform(gctx, p.target) })
	g.Go(func() (err error) {
		listed, err = list(gctx, p.opts, p.target.GOROOT, tool.env)
		return err
	})
	g.Go(func() (err error) {
		p.debug, err = tool.debugDefaults(gctx, p.opts)
		return err
	})
	if err := g.Wait(); err != nil {
		if refusal := (*Error)(nil); errors.As(err, &refusal) {
			return err
		}
		return flagHint(tool, listFailure(ctx, p, err))
	}
	p.index(listed)
	if err := checkListed(ctx, p, tool, listed); err != nil {
		return err
	}
	return checkTypes(ctx, p, tool)
}

// index makes packages findable by their path.
func (p *program) index(listed []*listing) {
	p.order, p.via = nil, nil
	p.listed = make(map[string]*listing, len(listed))
	for _, l := range listed {
		if p.listed[l.ImportPath] == nil {
			p.order = append(p.order, l.ImportPath)
		}
		p.listed[l.ImportPath] = l
	}
}

// adHoc is the path of a package that is named by its files.
const adHoc = "command-line-arguments"

// checkTypes parses and type-checks the packages: they are the roots of the
// second step, so go/packages takes only the others from export data.
func checkTypes(ctx context.Context, p *program, tool *goTool) error {
	p.fset = token.NewFileSet()
	files := &parsedFiles{files: map[*ast.File]*file{}, emptied: map[string]bool{}}
	if p.lean && !p.opts.KeepAll {
		p.progress("reading %s", count(len(p.order), "package"))
		var err error
		if files.lean, err = newLean(ctx, p); err != nil {
			return err
		}
	}
	cfg := &packages.Config{
		Mode: metadata | packages.NeedCompiledGoFiles | packages.NeedExportFile | packages.NeedTypes |
			packages.NeedSyntax | packages.NeedTypesInfo | packages.NeedTypesSizes,
		Context: ctx, Dir: p.opts.Dir, Env: tool.env, BuildFlags: p.opts.tagFlags(), Overlay: p.opts.Overlay,
		Fset: p.fset, ParseFile: files.parse,
	}
	main := p.order[len(p.order)-1]
	var patterns []string
	for _, path := range p.order {
		if !p.listed[path].Standard && path != main {
			patterns = append(patterns, path)
		}
	}
	if main == adHoc && len(patterns) > 0 {
		// Files and packages don't go together as roots: take all from source.
		patterns = nil
		cfg.Mode |= packages.NeedDeps
	}
	p.progress("type-checking %s", count(len(patterns)+1, "package"))
	roots, err := packages.Load(cfg, append(patterns, p.opts.Package)...)
	if err != nil {
		return flagHint(tool, listFailure(ctx, p, err))
	}
	p.index(listings(roots, p.target.GOROOT))
	if len(p.order) == 0 {
		// go/packages returns no packages for some errors of the go command.
		_, err := tool.run(ctx, "list", "-export", "--", p.opts.Package)
		if err == nil {
			err = fmt.Errorf("%s can't be loaded", p.opts.Package)
		}
		return flagHint(tool, listFailure(ctx, p, err))
	}
	p.std = map[string]*types.Package{}
	p.byTypes = map[*types.Package]*pkg{}
	for _, path := range p.order {
		l := p.listed[path]
		withoutLean(l.from, files.emptied)
		if err := loadError(p, l); err != nil {
			return err
		}
		from := l.from
		l.from = nil // it leads to all other packages
		if l.Standard {
			if l.types != nil && l.types.Complete() {
				p.std[path] = l.types
			}
			continue
		}
		k := &pkg{listing: l, info: from.TypesInfo}
		if l.Module != nil {
			k.version = l.Module.Version
		}
		for _, syntax := range from.Syntax {
			f := files.files[syntax]
			f.old = oldLoops(k, syntax)
			k.files = append(k.files, f)
		}
		p.pkgs = append(p.pkgs, k)
		p.byTypes[k.types] = k
		if path == main {
			p.main = k
		}
	}
	return nil
}

// oldLoops reports whether the language version of a file is below go1.22.
func oldLoops(k *pkg, syntax *ast.File) bool {
	v := k.info.FileVersions[syntax]
	if v == "" && k.Module != nil && k.Module.GoVersion == "" {
		v = "go1.16" // of modules that don't say
	}
	return v != "" && goversion.Compare(v, "go1.22") < 0
}

// parsedFiles keeps the text of the files that go/packages has parsed.
type parsedFiles struct {
	lean    *lean // or nil
	mu      sync.Mutex
	files   map[*ast.File]*file
	emptied map[string]bool // files with emptied functions
}

func (p *parsedFiles) parse(fset *token.FileSet, name string, src []byte) (*ast.File, error) {
	syntax, err := parser.ParseFile(fset, name, src, parser.ParseComments|parser.SkipObjectResolution)
	if syntax != nil {
		emptied := p.lean.empty(name, syntax)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.files[syntax] = &file{name: name, src: src, ast: syntax, tok: fset.File(syntax.FileStart), emptied: emptied}
		p.emptied[filepath.Clean(name)] = len(emptied) > 0
	}
	return syntax, err
}

// listFailure is the error of a load that gave no packages at all.
func listFailure(ctx context.Context, p *program, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	text := strings.TrimSpace(err.Error())
	if _, after, ok := strings.Cut(text, "stderr: "); ok {
		text = after
	}
	out := listErrorOf(packages.Error{Msg: strings.ReplaceAll("\n"+text, "\ngo: ", "\n")}, p.opts.Package, p.opts.Dir)
	if strings.Contains(out.Text, "go.mod file not found") {
		out.Text = p.opts.Dir + ": " + out.Text
		out.Hint = "bundle a program inside of a module: go mod init makes one"
	}
	return out
}

// flagHint adds the value of GOFLAGS as a hint to errors about flags, and
// workHint to those about go.work. Both settings are easily forgotten.
func flagHint(tool *goTool, err error) error {
	flags := ""
	for _, kv := range tool.asked {
		if v, ok := strings.CutPrefix(kv, "GOFLAGS="); ok {
			flags = v
		}
	}
	refusal := (*Error)(nil)
	if !errors.As(err, &refusal) {
		refusal = &Error{Text: err.Error()}
		if errors.Is(err, context.Canceled) || errors.Is(err, exec.ErrNotFound) {
			return err
		}
	}
	if flags != "" && flagComplaint.MatchString(refusal.Text) && refusal.Hint == "" && !refusal.Pos.IsValid() {
		refusal.Hint = "GOFLAGS is " + strconv.Quote(flags) + ": unset it, or the part that is in the way"
	}
	if strings.Contains(refusal.Text, "go.work") && refusal.Hint == "" {
		refusal.Hint = workHint
	}
	return refusal
}

// flagComplaint matches errors of the go command about flags.
var flagComplaint = regexp.MustCompile(`GOFLAGS|\bflag\b|(^|\s)-[a-z]+\b`)

// loadError returns the first mistake in a package: of its syntax, its types,
// then what only the compiler found.
func loadError(p *program, l *listing) error {
	for _, e := range l.from.Errors {
		if e.Kind == packages.ParseError {
			return listErrorOf(e, l.ImportPath, p.opts.Dir)
		}
	}
	if errs := l.from.TypeErrors; len(errs) > 0 {
		first := &Error{Pos: p.fset.PositionFor(errs[0].Pos, false), Text: errs[0].Msg}
		if len(errs) > 1 && strings.HasPrefix(errs[1].Msg, "\t") { // "other declaration of x"
			first.Text += "; " + strings.TrimSpace(errs[1].Msg) + " at " + p.position(errs[1].Pos)
		}
		return first
	}
	if len(l.from.Errors) > 0 {
		return listErrorOf(l.from.Errors[0], l.ImportPath, p.opts.Dir)
	}
	if !l.Standard && l.types == nil {
		return errors.New("package " + l.ImportPath + " can't be loaded")
	}
	return nil
}

type importerFunc func(path string) (*types.Package, error)

func (f importerFunc) Import(path string) (*types.Package, error) { return f(path) }

// chain tells how the main package comes to import path: a, b, ..., path.
func (p *program) chain(path string) []string {
	root := p.order[len(p.order)-1]
	if p.via == nil {
		p.via = p.importTree(root)
	}
	names := []string{path}
	for at := path; at != root; {
		from, ok := p.via[at]
		if !ok {
			break
		}
		names, at = append(names, from), from
	}
	slices.Reverse(names)
	return names
}

// importTree returns, for each package, its importer on a shortest chain of
// imports from the root.
func (p *program) importTree(root string) map[string]string {
	via := map[string]string{}
	queue := []string{root}
	for len(queue) > 0 {
		l := p.listed[queue[0]]
		queue = queue[1:]
		if l == nil {
			continue
		}
		for _, imp := range l.Imports {
			if _, seen := via[imp]; !seen && imp != root {
				via[imp] = l.ImportPath
				queue = append(queue, imp)
			}
		}
	}
	return via
}

// chainText is the chain for a message, or nothing if it is short.
func (p *program) chainText(path string) string {
	if c := p.chain(path); len(c) > 2 {
		return " (imported by " + strings.Join(c[:len(c)-1], " → ") + ")"
	}
	return ""
}
