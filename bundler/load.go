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
	"strconv"
	"strings"
	"sync"

	goversion "go/version"

	"golang.org/x/sync/errgroup"
	"golang.org/x/tools/go/packages"
)

// loadProgram lists the packages of a program, type-checks them and cuts them
// into parts. It returns a *sourceError for what it refuses and for mistakes in
// the program.
func loadProgram(ctx context.Context, r *request) (*program, error) {
	p := &program{request: r}
	if err := p.load(ctx); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r.announce("looking for what one Go file can't hold")
	if err := p.cutPackages(); err != nil {
		return nil, err
	}
	return p, ctx.Err()
}

// load finds the packages of the program, then type-checks from source those
// that aren't of the standard library, all in one universe. The types of std
// come from the compiler's export data.
func (p *program) load(ctx context.Context) error {
	p.request.announce("listing packages")
	tool := newGoTool(p.request)
	var err error
	if p.target, err = tool.target(ctx); err != nil {
		return flagHint(tool, err)
	}
	if p.target.GO111MODULE == "off" && p.swapped == nil { // else it has the warning already
		p.warnings = append(p.warnings, sourceWarning{Text: "GO111MODULE=off: the packages come from GOPATH, and go.mod is ignored"})
	}
	var listed []*listing
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return tool.checkPlatform(gctx, p.target) })
	g.Go(func() (err error) {
		listed, err = list(gctx, p.request, p.target.GOROOT, tool.env)
		return err
	})
	g.Go(func() (err error) {
		p.debug, err = tool.debugDefaults(gctx, p.request)
		return err
	})
	if err := g.Wait(); err != nil {
		if refusal := (*sourceError)(nil); errors.As(err, &refusal) {
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
	p.paths, p.via = nil, nil
	p.listed = make(map[string]*listing, len(listed))
	for _, l := range listed {
		if p.listed[l.ImportPath] == nil {
			p.paths = append(p.paths, l.ImportPath)
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
	if !p.request.KeepBodies {
		p.request.announce("reading %s", count(len(p.paths), "package"))
		var err error
		if files.lean, err = newLean(ctx, p); err != nil {
			return err
		}
	}
	cfg := &packages.Config{
		Mode: metadata | packages.NeedCompiledGoFiles | packages.NeedExportFile | packages.NeedTypes |
			packages.NeedSyntax | packages.NeedTypesInfo | packages.NeedTypesSizes,
		Context: ctx, Dir: p.request.Dir, Env: tool.env, BuildFlags: p.request.tagFlags(), Overlay: p.request.Overlay,
		Fset: p.fset, ParseFile: files.parse,
	}
	main := p.paths[len(p.paths)-1]
	var patterns []string
	for _, path := range p.paths {
		if !p.listed[path].Standard && path != main {
			patterns = append(patterns, path)
		}
	}
	if main == adHoc && len(patterns) > 0 {
		// Files and packages don't go together as roots: take all from source.
		patterns = nil
		cfg.Mode |= packages.NeedDeps
	}
	p.request.announce("type-checking %s", count(len(patterns)+1, "package"))
	roots, err := packages.Load(cfg, append(patterns, p.request.Package)...)
	if err != nil {
		return flagHint(tool, listFailure(ctx, p, err))
	}
	p.index(listings(roots, p.target.GOROOT))
	if len(p.paths) == 0 {
		// go/packages returns no packages for some errors of the go command.
		_, err := tool.run(ctx, "list", "-export", "--", p.request.Package)
		if err == nil {
			err = fmt.Errorf("%s can't be loaded", p.request.Package)
		}
		return flagHint(tool, listFailure(ctx, p, err))
	}
	p.std = map[string]*types.Package{}
	p.byTypes = map[*types.Package]*pkg{}
	for _, path := range p.paths {
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

// cutPackages cuts the packages into parts and finds what stands for the functions
// without a body.
func (p *program) cutPackages() error {
	if p.main.types.Scope().Lookup("main") == nil {
		return &sourceError{Pos: p.packageClause(p.main.listing), Text: fmt.Sprintf("package %s has no func main", p.main.ImportPath)}
	}
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

// listFailure is the error of a load that gave no packages at all.
func listFailure(ctx context.Context, p *program, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	text := strings.TrimSpace(err.Error())
	if _, after, ok := strings.Cut(text, "stderr: "); ok {
		text = after
	}
	out := listErrorOf(packages.Error{Msg: strings.ReplaceAll("\n"+text, "\ngo: ", "\n")}, p.request.Package, p.request.Dir)
	if strings.Contains(out.Text, "go.mod file not found") {
		out.Text = p.request.Dir + ": " + out.Text
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
	refusal := (*sourceError)(nil)
	if !errors.As(err, &refusal) {
		refusal = &sourceError{Text: err.Error()}
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
			return listErrorOf(e, l.ImportPath, p.request.Dir)
		}
	}
	if errs := l.from.TypeErrors; len(errs) > 0 {
		first := &sourceError{Pos: p.fset.PositionFor(errs[0].Pos, false), Text: errs[0].Msg}
		if len(errs) > 1 && strings.HasPrefix(errs[1].Msg, "\t") { // "other declaration of x"
			first.Text += "; " + strings.TrimSpace(errs[1].Msg) + " at " + p.position(errs[1].Pos)
		}
		return first
	}
	if len(l.from.Errors) > 0 {
		return listErrorOf(l.from.Errors[0], l.ImportPath, p.request.Dir)
	}
	if !l.Standard && l.types == nil {
		return errors.New("package " + l.ImportPath + " can't be loaded")
	}
	return nil
}
