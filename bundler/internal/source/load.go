// Package source is the first stage of the bundler: it loads a program, with
// types, and cuts its packages into parts.
//
// [Load] takes a [Request] and returns a [Program]. It lists the packages, refuses
// what one Go file can't hold, type-checks the packages outside of the standard
// library, orders them, and resolves go:linkname directives.
//
// Two further questions need the answer of the stage reach: [Program.BuildInfo]
// returns the versions of modules, and [Program.WithoutAssembly] loads portable code
// in place of assembly.
package source

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"sync"

	goversion "go/version"

	"golang.org/x/sync/errgroup"
	"golang.org/x/tools/go/packages"
)

// Load lists the packages of a program, type-checks them and cuts them into parts.
// It returns an [*Error] for mistakes in the program, and for what one Go file can't
// hold. The caller closes the program.
func Load(ctx context.Context, r *Request) (*Program, error) {
	p := &Program{Request: r}
	if err := p.load(ctx); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r.Announce("looking for what one Go file can't hold")
	if err := p.cutPackages(); err != nil {
		return nil, err
	}
	return p, ctx.Err()
}

// load lists the packages, checks the list, and type-checks the packages.
func (p *Program) load(ctx context.Context) error {
	p.Request.Announce("listing packages")
	tool := NewGoTool(p.Request)
	var err error
	if p.Target, err = tool.target(ctx); err != nil {
		return flagHint(tool, err)
	}
	if p.Target.GO111MODULE == "off" && p.swapped == nil { // else the warning exists already
		p.Warnings = append(p.Warnings, Warning{Text: "GO111MODULE=off: the packages come from GOPATH, and go.mod is ignored"})
	}
	var listed []*Listing
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return tool.checkPlatform(gctx, p.Target) })
	g.Go(func() (err error) {
		listed, err = list(gctx, p.Request, p.Target.GOROOT, tool.Env)
		return err
	})
	g.Go(func() (err error) {
		p.Debug, err = tool.debugDefaults(gctx, p.Request)
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

// index sets p.Listed and p.Paths.
func (p *Program) index(listed []*Listing) {
	p.Paths, p.via = nil, nil
	p.Listed = make(map[string]*Listing, len(listed))
	for _, l := range listed {
		if p.Listed[l.ImportPath] == nil {
			p.Paths = append(p.Paths, l.ImportPath)
		}
		p.Listed[l.ImportPath] = l
	}
}

// adHoc is the import path of a package that the command line gives as files.
const adHoc = "command-line-arguments"

// checkTypes parses and type-checks the packages outside of the standard library.
// They are the roots of the second call of go/packages, which takes the types of
// all other packages from the compiler's export data.
func checkTypes(ctx context.Context, p *Program, tool *GoTool) error {
	p.Fset = token.NewFileSet()
	files := &parsedFiles{files: map[*ast.File]*File{}, emptied: map[string]bool{}}
	if !p.Request.KeepBodies {
		p.Request.Announce("reading %s", Count(len(p.Paths), "package"))
		var err error
		if files.lean, err = newLean(ctx, p); err != nil {
			return err
		}
	}
	cfg := &packages.Config{
		Mode: metadata | packages.NeedCompiledGoFiles | packages.NeedExportFile | packages.NeedTypes |
			packages.NeedSyntax | packages.NeedTypesInfo | packages.NeedTypesSizes,
		Context: ctx, Dir: p.Request.Dir, Env: tool.Env, BuildFlags: p.Request.tagFlags(), Overlay: p.Request.Overlay,
		Fset: p.Fset, ParseFile: files.parse,
	}
	main := p.Paths[len(p.Paths)-1]
	var patterns []string
	for _, path := range p.Paths {
		if !p.Listed[path].Standard && path != main {
			patterns = append(patterns, path)
		}
	}
	if main == adHoc && len(patterns) > 0 {
		// The go command doesn't take files together with packages: load all
		// dependencies from source.
		patterns = nil
		cfg.Mode |= packages.NeedDeps
	}
	p.Request.Announce("type-checking %s", Count(len(patterns)+1, "package"))
	roots, err := packages.Load(cfg, append(patterns, p.Request.Package)...)
	if err != nil {
		return flagHint(tool, listFailure(ctx, p, err))
	}
	p.index(listings(roots, p.Target.GOROOT))
	if len(p.Paths) == 0 {
		// For some errors of the go command go/packages returns no packages.
		_, err := tool.Run(ctx, "list", "-export", "--", p.Request.Package)
		if err == nil {
			err = fmt.Errorf("%s can't be loaded", p.Request.Package)
		}
		return flagHint(tool, listFailure(ctx, p, err))
	}
	p.Std = map[string]*types.Package{}
	p.byTypes = map[*types.Package]*Package{}
	for _, path := range p.Paths {
		l := p.Listed[path]
		withoutLean(l.from, files.emptied)
		if err := loadError(p, l); err != nil {
			return err
		}
		from := l.from
		l.from = nil // it keeps all other packages alive
		if l.Standard {
			if l.Types != nil && l.Types.Complete() {
				p.Std[path] = l.Types
			}
			continue
		}
		k := &Package{Listing: l, Info: from.TypesInfo}
		if l.Module != nil {
			k.Version = l.Module.Version
		}
		for _, syntax := range from.Syntax {
			f := files.files[syntax]
			f.OldLoops = oldLoops(k, syntax)
			k.Files = append(k.Files, f)
		}
		p.Packages = append(p.Packages, k)
		p.byTypes[k.Types] = k
		if path == main {
			p.Main = k
		}
	}
	return nil
}

// oldLoops reports whether the language version of a file is below go1.22.
func oldLoops(k *Package, syntax *ast.File) bool {
	v := k.Info.FileVersions[syntax]
	if v == "" && k.Module != nil && k.Module.GoVersion == "" {
		v = "go1.16" // the version of a go.mod without a go line
	}
	return v != "" && goversion.Compare(v, "go1.22") < 0
}

// parsedFiles collects the files that go/packages parses.
type parsedFiles struct {
	lean    *lean // nil to keep all bodies
	mu      sync.Mutex
	files   map[*ast.File]*File
	emptied map[string]bool // names of files with emptied functions
}

func (p *parsedFiles) parse(fset *token.FileSet, name string, src []byte) (*ast.File, error) {
	syntax, err := parser.ParseFile(fset, name, src, parser.ParseComments|parser.SkipObjectResolution)
	if syntax != nil {
		emptied := p.lean.empty(name, syntax)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.files[syntax] = &File{Name: name, Src: src, Syntax: syntax, Tok: fset.File(syntax.FileStart), Emptied: emptied}
		p.emptied[filepath.Clean(name)] = len(emptied) > 0
	}
	return syntax, err
}

// cutPackages cuts the packages into parts, puts the packages into the order of
// initialization, and resolves links.
func (p *Program) cutPackages() error {
	if p.Main.Types.Scope().Lookup("main") == nil {
		return &Error{Pos: p.packageClause(p.Main.Listing), Text: fmt.Sprintf("package %s has no func main", p.Main.ImportPath)}
	}
	p.Aliases = map[types.Object]Alias{}
	for _, k := range p.Packages {
		if err := cut(p, k); err != nil {
			return err
		}
	}
	if err := orderPackages(p); err != nil {
		return err
	}
	return resolveLinks(p)
}
