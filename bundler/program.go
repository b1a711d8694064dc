package bundler

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
)

// A program is loaded, type-checked and cut into parts: the output of the
// stage source.
type program struct {
	request *request
	target  target
	debug   string // GODEBUG defaults of the main package, "key=value,..."

	fset *token.FileSet
	// pkgs are the packages outside of the standard library, in the order in
	// which the linker initializes them.
	pkgs []*pkg
	main *pkg
	// aliases are the objects that others stand for: links, twins of assembly.
	aliases map[types.Object]alias
	// pushes are the functions that the standard library calls by go:linkname.
	pushes   []*part
	warnings []sourceWarning

	listed map[string]*listing // by import path, the standard library included
	paths  []string            // all import paths, dependencies first
	std    map[string]*types.Package

	byTypes map[*types.Package]*pkg
	via     map[string]string // the importer of each package, see chain
	swapped *swap             // portable code in place of assembly; nil for none
}

// A pkg is a package that goes into the bundle.
type pkg struct {
	*listing
	version string // of its module, may be empty
	info    *types.Info
	files   []*file
	parts   []*part // in source order, files in the compiler's order

	byObject map[types.Object]*part // the parts by what they declare
}

// release drops what is known of the package's source, to save memory.
func (k *pkg) release() { k.info, k.files, k.parts, k.byObject = nil, nil, nil, nil }

// release drops all but the temporary files, to save memory.
func (p *program) release() { *p = program{swapped: p.swapped} }

// partOf returns the part that declares an object, or nil if no package of the
// program does at package level.
func (p *program) partOf(o types.Object) *part {
	if k := p.byTypes[o.Pkg()]; k != nil {
		return k.byObject[o]
	}
	return nil
}

// A file is one source file of a pkg.
type file struct {
	name string
	src  []byte
	ast  *ast.File
	tok  *token.File
	// emptied are the functions without their bodies, see lean.go.
	emptied map[*ast.FuncDecl]bool

	old bool // its language version is below go1.22: loop variables live as long as the loop
}

// text returns the source between two positions.
func (f *file) text(from, to token.Pos) string {
	return string(f.src[f.tok.Offset(from):f.tok.Offset(to)])
}

// commentsFrom returns the groups of comments that end after a position.
func (f *file) commentsFrom(pos token.Pos) []*ast.CommentGroup {
	i, _ := slices.BinarySearchFunc(f.ast.Comments, pos, func(g *ast.CommentGroup, pos token.Pos) int { return int(g.End() - pos) })
	return f.ast.Comments[i:]
}

type partKind uint8

const (
	funcPart  partKind = iota // a function, a method or an init function
	typePart                  // one type spec
	constPart                 // one constant spec, or a whole group that counts with iota
	varPart                   // what one initialiser sets, or a spec without initialisers
)

func (k partKind) String() string { return [...]string{"func", "type", "const", "var"}[k] }

// A part is the unit of reachability: it is kept or dropped as a whole.
type part struct {
	kind partKind
	pkg  *pkg
	file *file
	decl ast.Decl
	spec ast.Spec       // nil for functions and for whole groups of constants
	objs []types.Object // what it declares; nothing for blank names and init functions
	init *types.Initializer
	nth  int // of a spec with several initialisers, which; else -1

	embed   []string // patterns of go:embed
	isInit  bool     // an init function
	comment []*ast.CommentGroup
}

// fn returns the declaration of a function part.
func (p *part) fn() *ast.FuncDecl { d, _ := p.decl.(*ast.FuncDecl); return d }

// nodes returns the syntax that belongs to the part.
func (p *part) nodes() []ast.Node {
	spec, ok := p.spec.(*ast.ValueSpec)
	switch {
	case p.spec == nil:
		return []ast.Node{p.decl}
	case !ok || p.nth < 0:
		return []ast.Node{p.spec}
	}
	nodes := []ast.Node{spec.Names[p.nth]}
	if spec.Type != nil {
		nodes = append(nodes, spec.Type)
	}
	return append(nodes, spec.Values[p.nth])
}

// pos returns where the part begins, without its comment.
func (p *part) pos() token.Pos {
	if n := p.nodes(); len(n) > 0 {
		return n[0].Pos()
	}
	return p.decl.Pos()
}

// title names the part for people.
func (p *part) title() string {
	switch {
	case p.isInit:
		return p.pkg.ImportPath + ".init"
	case len(p.objs) == 0:
		return p.pkg.ImportPath + "._"
	}
	return describe(p.objs[0])
}

// describe names an object with its package's path.
func describe(o types.Object) string {
	if fn, ok := o.(*types.Func); ok {
		return fn.FullName()
	}
	if o.Pkg() == nil {
		return o.Name()
	}
	return o.Pkg().Path() + "." + o.Name()
}

// position formats a position; //line comments don't count.
func (p *program) position(pos token.Pos) string {
	return p.fset.PositionFor(pos, false).String()
}

// inProgram reports whether an object is declared in a package of the bundle.
func (p *program) inProgram(o types.Object) bool {
	return o != nil && o.Pkg() != nil && p.byTypes[o.Pkg()] != nil
}

// isStd reports whether an object is declared by a package of the standard
// library, at package level.
func (p *program) isStd(o types.Object) bool {
	return o != nil && o.Pkg() != nil && p.byTypes[o.Pkg()] == nil && isGlobal(o)
}

// isGlobal reports whether the object is declared at package level.
func isGlobal(o types.Object) bool {
	return o != nil && o.Pkg() != nil && o.Parent() == o.Pkg().Scope()
}

// origin returns the object as declared, for instances of generic code.
func origin(o types.Object) types.Object {
	switch o := o.(type) {
	case *types.Func:
		return o.Origin()
	case *types.Var:
		return o.Origin()
	}
	return o
}

// isMethod reports whether the object is a method, of a type or of an interface.
func isMethod(o types.Object) bool {
	fn, ok := o.(*types.Func)
	return ok && fn.Signature().Recv() != nil
}

// count returns a number with its noun: "1 package", "2 packages".
func count(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}

// typeIdent returns the name of a type in the form an embedded field has it.
func typeIdent(e ast.Expr) *ast.Ident {
	switch e := e.(type) {
	case *ast.Ident:
		return e
	case *ast.SelectorExpr:
		return e.Sel
	case *ast.StarExpr:
		return typeIdent(e.X)
	case *ast.ParenExpr:
		return typeIdent(e.X)
	case *ast.IndexExpr:
		return typeIdent(e.X)
	case *ast.IndexListExpr:
		return typeIdent(e.X)
	}
	return nil
}
