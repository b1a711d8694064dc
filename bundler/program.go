package bundler

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"runtime/debug"
)

// A program is what the stages work on: the loaded packages, cut into parts.
type program struct {
	opts   *Options
	lean   bool // leave out the bodies of functions that can't be used
	target target

	swapped *swap // portable code in place of assembly; nil for none

	debug  string // GODEBUG defaults of the main package
	fset   *token.FileSet
	listed map[string]*listing // by import path, std included
	order  []string            // all import paths, dependencies first
	via    map[string]string   // the importer of each package, see chain

	pkgs    []*pkg // without std; dependencies first, after stage order as the linker initialises them
	main    *pkg
	byTypes map[*types.Package]*pkg
	std     map[string]*types.Package
	parts   map[types.Object]*part // by what they declare
	aliases map[types.Object]alias // objects that stand for others: linknames, shims
	stdFace *stdFacts

	pushes []*part // functions that std calls by go:linkname

	build *debug.BuildInfo // set if the program reads it

	names    *names
	literals *literals
	skeleton []byte                    // the output with short texts in place of long strings
	places   map[string]token.Position // in the source, of what the bundle declares
	output   []byte
	faced    map[*types.TypeName]bool // types whose values get into interfaces
	shown    map[*types.TypeName]bool // and into empty ones, where reflection shows their names
	reflects bool                     // the program itself looks up methods by name
	warnings []Warning
	result   Report

	facedTypes map[types.Type]bool // like faced, with unnamed types
	namesTypes bool                // the program shows the names of types
}

// A pkg is a package that goes into the bundle.
type pkg struct {
	*listing
	version string // of its module, may be empty
	info    *types.Info
	files   []*file
	parts   []*part // in source order, files in the compiler's order
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
	live    bool
	why     string         // what made it live, for the report
	whyFrom *pkg           // whose that is; nil for roots
	uses    []types.Object // what the stage reach found it to name
	comment []*ast.CommentGroup
	loops   []*loop // to be rewritten for their language version
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
