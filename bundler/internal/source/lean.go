package source

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
	"golang.org/x/tools/go/packages"
)

// A large program uses a small part of its modules. Type information of unused
// function bodies would take most of the bundler's memory, so these bodies are
// emptied before the type checker sees them.
//
// Names alone decide what is used. That keeps too much, and rarely too little: if
// the stage reach comes to an emptied function, the program is loaded again with
// all bodies. A function is kept if its package and name occur in something that is
// kept. An exported method is kept if the name of its type occurs, because an
// interface or reflection may call it. An unexported method is kept if its own name
// occurs too. The roots are init functions, main, initializers, constants, and
// names in directives and assembly.

// A leanDecl holds the names that a declaration mentions.
type leanDecl struct {
	mentions []uint32
	kept     bool
}

// lean finds the functions whose names nothing mentions.
type lean struct {
	request *Request
	files   map[string][]*leanDecl // in the order of each file, by its name; nil if not a function

	mu    sync.Mutex
	ids   map[leanName]uint32
	named map[uint32][]*leanDecl // functions and types
	alias map[uint32][]uint32    // names of types to the aliases of them, which receivers may use
	// Methods by the name of their type, unexported ones then by their own name.
	exported   map[uint32][]*leanDecl
	unexported map[uint32]map[uint32][]*leanDecl
	queue      []uint32
	seen       []bool
}

// A leanName is a name of a package, or the name of a method if path is empty.
type leanName struct{ path, name string }

// newLean reads the packages outside of the standard library and marks the
// functions to keep.
func newLean(ctx context.Context, p *Program) (*lean, error) {
	l := &lean{
		request: p.Request, ids: map[leanName]uint32{}, files: map[string][]*leanDecl{}, named: map[uint32][]*leanDecl{},
		alias: map[uint32][]uint32{}, exported: map[uint32][]*leanDecl{}, unexported: map[uint32]map[uint32][]*leanDecl{},
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, path := range p.Paths {
		k := p.Listed[path]
		if k.Standard {
			continue
		}
		for _, name := range k.GoFiles {
			g.Go(func() error {
				l.read(p, k, name)
				return gctx.Err()
			})
		}
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	l.spread()
	return l, nil
}

// read collects the declarations of a file. It skips a file that it can't read or
// parse, which the type checker reports.
func (l *lean) read(p *Program, k *Listing, name string) {
	src, err := l.request.Read(name)
	if err != nil {
		return
	}
	f, err := parser.ParseFile(token.NewFileSet(), name, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	r := &leanReader{lean: l, paths: []string{k.ImportPath}, imports: map[string]string{}, assembly: len(k.assembly()) > 0}
	for _, imp := range f.Imports {
		r.addImport(p, k, imp)
	}
	decls := make([]*leanDecl, len(f.Decls))
	for i, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			decls[i] = r.function(d)
		case *ast.GenDecl:
			r.general(d)
		}
	}
	for _, g := range f.Comments {
		for _, c := range g.List {
			if w := strings.Fields(c.Text); len(w) >= 2 && w[0] == "//go:linkname" {
				for _, symbol := range w[1:] {
					r.symbol(symbol)
				}
			}
		}
	}
	l.files[name] = decls
}

// A leanReader reads one file.
type leanReader struct {
	*lean
	paths    []string          // import paths of the package and of dot imports
	imports  map[string]string // import paths by name
	assembly bool
}

func (r *leanReader) addImport(p *Program, k *Listing, imp *ast.ImportSpec) {
	path, _ := strconv.Unquote(imp.Path.Value)
	d := p.Listed[k.imported(path)]
	switch {
	case d == nil || d.Standard || imp.Name != nil && imp.Name.Name == "_":
	case imp.Name == nil:
		r.imports[d.Name] = d.ImportPath
	case imp.Name.Name == ".":
		r.paths = append(r.paths, d.ImportPath)
	default:
		r.imports[imp.Name.Name] = d.ImportPath
	}
}

// symbol queues the names that a linker symbol may stand for.
func (r *leanReader) symbol(symbol string) {
	path, name := SplitSymbol(symbol)
	if path == "" {
		path = r.paths[0]
	}
	for _, word := range strings.FieldsFunc(name, func(c rune) bool { return strings.ContainsRune(".()*", c) }) {
		r.queue = append(r.queue, r.id(path, word), r.id("", word))
	}
}

// id returns the number of a name.
func (l *lean) id(path, name string) uint32 {
	key := leanName{path, name}
	n, ok := l.ids[key]
	if !ok {
		n = uint32(len(l.ids))
		key.name = strings.Clone(name)
		l.ids[key] = n
	}
	return n
}

// mentions returns the names in a syntax tree, without the names of fields. Each
// name counts as a name of the package, of its dot imports, and of a method.
func (r *leanReader) mentions(n ast.Node) (ids []uint32) {
	var visit func(n ast.Node) bool
	visit = func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && r.imports[x.Name] != "" {
				ids = append(ids, r.id(r.imports[x.Name], n.Sel.Name))
			}
			ast.Inspect(n.X, visit)
			ids = append(ids, r.id("", n.Sel.Name))
			return false
		case *ast.Ident:
			for _, path := range r.paths {
				ids = append(ids, r.id(path, n.Name))
			}
			ids = append(ids, r.id("", n.Name))
		case *ast.StructType:
			for _, f := range n.Fields.List {
				ast.Inspect(f.Type, visit)
			}
			return false
		}
		return true
	}
	ast.Inspect(n, visit)
	slices.Sort(ids)
	return slices.Clip(slices.Compact(ids))
}

func (r *leanReader) function(d *ast.FuncDecl) *leanDecl {
	decl := &leanDecl{}
	if d.Type.TypeParams != nil {
		decl.mentions = r.mentions(d.Type.TypeParams)
	}
	decl.mentions = append(decl.mentions, r.mentions(d.Type)...)
	if d.Body != nil {
		decl.mentions = append(decl.mentions, r.mentions(d.Body)...)
	}
	name := d.Name.Name
	if d.Recv == nil {
		if name == "init" || name == "main" || name == "_" || r.assembly {
			r.keep(decl)
		}
		id := r.id(r.paths[0], name)
		r.named[id] = append(r.named[id], decl)
		return decl
	}
	recv := (*ast.Ident)(nil)
	if len(d.Recv.List) == 1 {
		recv = TypeIdent(d.Recv.List[0].Type)
	}
	if recv == nil || r.assembly {
		r.keep(decl)
		return decl
	}
	typ := r.id(r.paths[0], recv.Name)
	decl.mentions = append(decl.mentions, typ)
	if d.Name.IsExported() {
		r.exported[typ] = append(r.exported[typ], decl)
		return decl
	}
	if r.unexported[typ] == nil {
		r.unexported[typ] = map[uint32][]*leanDecl{}
	}
	method := r.id("", name)
	r.unexported[typ][method] = append(r.unexported[typ][method], decl)
	return decl
}

func (r *leanReader) general(d *ast.GenDecl) {
	for _, s := range d.Specs {
		t, ok := s.(*ast.TypeSpec)
		switch {
		case d.Tok == token.IMPORT:
		case ok && t.Name.Name != "_":
			id := r.id(r.paths[0], t.Name.Name)
			decl := &leanDecl{mentions: r.mentions(t.Type)}
			if t.TypeParams != nil {
				decl.mentions = append(decl.mentions, r.mentions(t.TypeParams)...)
			}
			r.named[id] = append(r.named[id], decl)
			if to := TypeIdent(t.Type); t.Assign.IsValid() && to != nil {
				of := r.id(r.paths[0], to.Name)
				r.alias[of] = append(r.alias[of], id)
			}
		default:
			r.queue = append(r.queue, r.mentions(s)...)
		}
	}
}

// keep keeps a declaration and queues the names in it.
func (l *lean) keep(d *leanDecl) {
	if !d.kept {
		d.kept = true
		l.queue = append(l.queue, d.mentions...)
	}
}

// spread keeps the declarations of queued names until the queue is empty.
func (l *lean) spread() {
	l.seen = make([]bool, len(l.ids))
	var types []uint32 // mentioned types with unexported methods
	for {
		for len(l.queue) > 0 {
			id := l.queue[len(l.queue)-1]
			l.queue = l.queue[:len(l.queue)-1]
			if l.seen[id] {
				continue
			}
			l.seen[id] = true
			l.queue = append(l.queue, l.alias[id]...)
			for _, d := range l.named[id] {
				l.keep(d)
			}
			for _, d := range l.exported[id] {
				l.keep(d)
			}
			if l.unexported[id] != nil {
				types = append(types, id)
			}
		}
		for _, typ := range types {
			for name, decls := range l.unexported[typ] {
				if l.seen[name] {
					for _, d := range decls {
						l.keep(d)
					}
					delete(l.unexported[typ], name)
				}
			}
		}
		if len(l.queue) == 0 {
			break
		}
	}
	l.ids, l.named, l.exported, l.unexported, l.seen = nil, nil, nil, nil, nil
}

// empty replaces the bodies of a file's unused functions and returns these
// functions. The new body is an endless loop, which compiles with any results.
func (l *lean) empty(name string, f *ast.File) map[*ast.FuncDecl]bool {
	if l == nil || len(l.files[name]) != len(f.Decls) {
		return nil
	}
	emptied := map[*ast.FuncDecl]bool{}
	for i, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if decl := l.files[name][i]; !ok || decl == nil || decl.kept || fn.Body == nil {
			continue
		}
		at := fn.Body.Lbrace
		fn.Body.List = []ast.Stmt{&ast.ForStmt{For: at, Body: &ast.BlockStmt{Lbrace: at, Rbrace: at}}}
		emptied[fn] = true
	}
	return emptied
}

// withoutLean drops the errors about imports that only the emptied bodies used.
func withoutLean(l *packages.Package, emptied map[string]bool) {
	unused := func(msg string) bool {
		return strings.HasSuffix(msg, "and not used") && strings.Contains(msg, " imported ")
	}
	typeErrors := l.TypeErrors[:0]
	for _, e := range l.TypeErrors {
		if !unused(e.Msg) || !emptied[e.Fset.PositionFor(e.Pos, false).Filename] {
			typeErrors = append(typeErrors, e)
		}
	}
	l.TypeErrors = typeErrors
	l.Errors = slices.DeleteFunc(l.Errors, func(e packages.Error) bool {
		file, _, _ := strings.Cut(e.Pos, ".go:")
		return e.Kind == packages.TypeError && unused(e.Msg) && emptied[filepath.Clean(file+".go")]
	})
}
