package bundler

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/scanner"
	"go/token"
	"go/types"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	goversion "go/version"
)

// load lists the packages of the program, then type-checks from source those
// that aren't of the standard library, all in one universe. The types of std
// come from the compiler's export data.
func load(ctx context.Context, p *program) error {
	tool := newGoTool(p.opts)
	var err error
	if p.target, err = tool.target(ctx); err != nil {
		return fmt.Errorf("asking go env: %w", err)
	}
	listed, err := tool.list(ctx, p.opts, true)
	if err != nil {
		return fmt.Errorf("listing %s: %w", p.opts.Package, err)
	}
	p.listed = make(map[string]*listing, len(listed))
	for _, l := range listed {
		if p.listed[l.ImportPath] == nil {
			p.order = append(p.order, l.ImportPath)
		}
		p.listed[l.ImportPath] = l
	}
	if err := checkListed(ctx, p, tool, listed); err != nil {
		return err
	}
	for _, path := range p.order {
		if l := p.listed[path]; !l.Standard {
			k := &pkg{listing: l}
			if l.Module != nil {
				k.version = l.Module.Version
			}
			p.pkgs = append(p.pkgs, k)
		}
	}
	p.main = p.pkgs[len(p.pkgs)-1]
	return checkTypes(ctx, p)
}

// checkTypes parses and type-checks all packages, as parallel as their imports
// allow.
func checkTypes(ctx context.Context, p *program) error {
	p.fset = token.NewFileSet()
	c := &checker{p: p, done: map[string]chan struct{}{}, std: newStdImporter(p)}
	for _, k := range p.pkgs {
		c.done[k.ImportPath] = make(chan struct{})
	}
	errs := make([]error, len(p.pkgs))
	work := make(chan int)
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(p.pkgs)) {
		wg.Go(func() {
			for i := range work {
				if ctx.Err() == nil {
					errs[i] = c.check(p.pkgs[i])
				}
				close(c.done[p.pkgs[i].ImportPath])
			}
		})
	}
	// In the order of imports, so that a waiting worker waits for a started one.
	for i := range p.pkgs {
		work <- i
	}
	close(work)
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	p.std = c.std.seen
	p.byTypes = make(map[*types.Package]*pkg, len(p.pkgs))
	for _, k := range p.pkgs {
		p.byTypes[k.types] = k
	}
	return nil
}

// A checker type-checks the packages of a program.
type checker struct {
	p    *program
	std  *stdImporter
	done map[string]chan struct{}
}

func (c *checker) check(k *pkg) error {
	var syntax []*ast.File
	for _, name := range k.GoFiles {
		f, err := parse(c.p, filepath.Join(k.Dir, name))
		if err != nil {
			return err
		}
		k.files = append(k.files, f)
		syntax = append(syntax, f.ast)
	}
	k.info = &types.Info{
		Types:        map[ast.Expr]types.TypeAndValue{},
		Instances:    map[*ast.Ident]types.Instance{},
		Defs:         map[*ast.Ident]types.Object{},
		Uses:         map[*ast.Ident]types.Object{},
		Implicits:    map[ast.Node]types.Object{},
		Selections:   map[*ast.SelectorExpr]*types.Selection{},
		Scopes:       map[ast.Node]*types.Scope{},
		FileVersions: map[*ast.File]string{},
	}
	version := ""
	if k.Module != nil {
		version = "go" + k.Module.GoVersion
		if k.Module.GoVersion == "" {
			version = "go1.16"
		}
	}
	var first error
	conf := types.Config{
		GoVersion: version,
		Sizes:     types.SizesFor("gc", c.p.target.GOARCH),
		Importer:  importerFunc(func(path string) (*types.Package, error) { return c.imported(k, path) }),
		Error: func(err error) {
			if first == nil {
				first = err
			}
		},
	}
	k.types, _ = conf.Check(k.compiledPath(), c.p.fset, syntax, k.info)
	if first != nil {
		return typeError(c.p, first)
	}
	for _, f := range k.files {
		v := k.info.FileVersions[f.ast]
		f.old = v != "" && goversion.Compare(v, "go1.22") < 0
	}
	return nil
}

// compiledPath is the path as the compiler knows it.
func (k *pkg) compiledPath() string { return k.ImportPath }

// imported gives the types of what package k imports as path.
func (c *checker) imported(k *pkg, path string) (*types.Package, error) {
	if real, ok := k.ImportMap[path]; ok {
		path = real
	}
	done, ok := c.done[path]
	if !ok {
		return c.std.Import(path)
	}
	<-done
	for _, d := range c.p.pkgs {
		if d.ImportPath == path && d.types != nil {
			return d.types, nil
		}
	}
	return nil, fmt.Errorf("package %s has errors", path)
}

// parse reads and parses a file.
func parse(p *program, name string) (*file, error) {
	src, ok := p.opts.Overlay[name]
	if !ok {
		var err error
		if src, err = os.ReadFile(name); err != nil {
			return nil, err
		}
	}
	syntax, err := parser.ParseFile(p.fset, name, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		var list scanner.ErrorList
		if errors.As(err, &list) && len(list) > 0 {
			return nil, list[0]
		}
		return nil, err
	}
	return &file{name: name, src: src, ast: syntax, tok: p.fset.File(syntax.FileStart)}, nil
}

// typeError gives a type error its true position.
func typeError(p *program, err error) error {
	var te types.Error
	if errors.As(err, &te) {
		return fmt.Errorf("%s: %s", p.position(te.Pos), te.Msg)
	}
	return err
}

type importerFunc func(path string) (*types.Package, error)

func (f importerFunc) Import(path string) (*types.Package, error) { return f(path) }

// A stdImporter imports std's packages from export data. It may be shared.
type stdImporter struct {
	mu   sync.Mutex
	gc   types.Importer
	seen map[string]*types.Package
}

func newStdImporter(p *program) *stdImporter {
	open := func(path string) (io.ReadCloser, error) {
		l := p.listed[path]
		if l == nil || l.Export == "" {
			return nil, fmt.Errorf("no export data for %s", path)
		}
		return os.Open(l.Export)
	}
	return &stdImporter{gc: importer.ForCompiler(p.fset, "gc", open), seen: map[string]*types.Package{}}
}

func (s *stdImporter) Import(path string) (*types.Package, error) {
	if path == "unsafe" {
		return types.Unsafe, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.seen[path]; t != nil {
		return t, nil
	}
	t, err := s.gc.Import(path)
	if err == nil {
		s.seen[path] = t
	}
	return t, err
}

// chain tells how the main package comes to import path: a, b, ..., path.
func (p *program) chain(path string) []string {
	via := map[string]string{}
	root := p.order[len(p.order)-1]
	queue := []string{root}
	for len(queue) > 0 && queue[0] != path {
		l := p.listed[queue[0]]
		queue = queue[1:]
		if l == nil {
			continue
		}
		for _, imp := range l.Imports {
			if real, ok := l.ImportMap[imp]; ok {
				imp = real
			}
			if _, seen := via[imp]; !seen && imp != root {
				via[imp] = l.ImportPath
				queue = append(queue, imp)
			}
		}
	}
	names := []string{path}
	for at := path; at != root; {
		from, ok := via[at]
		if !ok {
			break
		}
		names, at = append(names, from), from
	}
	slices.Reverse(names)
	return names
}

// chainText is the chain for a message, or nothing if it is short.
func (p *program) chainText(path string) string {
	if c := p.chain(path); len(c) > 2 {
		return " (imported by " + strings.Join(c[:len(c)-1], " → ") + ")"
	}
	return ""
}
