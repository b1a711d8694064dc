package source

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
)

// A Program is loaded, type-checked and cut into parts: the output of the
// stage source.
type Program struct {
	Request *Request
	Target  Target
	Debug   string // GODEBUG defaults of the main package, "key=value,..."

	Fset *token.FileSet
	// Packages are the packages outside of the standard library, in the order in
	// which the linker initializes them.
	Packages []*Package
	Main     *Package
	// Aliases are the objects that others stand for: links, twins of assembly.
	Aliases map[types.Object]alias
	// Pushes are the functions that the standard library calls by go:linkname.
	Pushes   []*Part
	Warnings []Warning

	Listed map[string]*Listing // by import path, the standard library included
	Paths  []string            // all import paths, dependencies first
	Std    map[string]*types.Package

	byTypes map[*types.Package]*Package
	via     map[string]string // the importer of each package, see chain
	swapped *swap             // portable code in place of assembly; nil for none
}

// A Package is a package that goes into the bundle.
type Package struct {
	*Listing
	Version string // of its module, may be empty
	Info    *types.Info
	Files   []*File
	Parts   []*Part // in source order, files in the compiler's order

	byObject map[types.Object]*Part // the parts by what they declare
}

// Release drops what is known of the package's source, to save memory.
func (k *Package) Release() { k.Info, k.Files, k.Parts, k.byObject = nil, nil, nil, nil }

// Release drops all but the temporary files, to save memory.
func (p *Program) Release() { *p = Program{swapped: p.swapped} }

// PartOf returns the part that declares an object, or nil if no package of the
// program does at package level.
func (p *Program) PartOf(o types.Object) *Part {
	if k := p.byTypes[o.Pkg()]; k != nil {
		return k.byObject[o]
	}
	return nil
}

// A File is one source file of a pkg.
type File struct {
	Name   string
	Src    []byte
	Syntax *ast.File
	Tok    *token.File
	// Emptied are the functions without their bodies, see lean.go.
	Emptied map[*ast.FuncDecl]bool

	OldLoops bool // its language version is below go1.22: loop variables live as long as the loop
}

// Text returns the source between two positions.
func (f *File) Text(from, to token.Pos) string {
	return string(f.Src[f.Tok.Offset(from):f.Tok.Offset(to)])
}

// CommentsFrom returns the groups of comments that end after a position.
func (f *File) CommentsFrom(pos token.Pos) []*ast.CommentGroup {
	i, _ := slices.BinarySearchFunc(f.Syntax.Comments, pos, func(g *ast.CommentGroup, pos token.Pos) int { return int(g.End() - pos) })
	return f.Syntax.Comments[i:]
}

type partKind uint8

const (
	funcPart  partKind = iota // a function, a method or an init function
	typePart                  // one type spec
	constPart                 // one constant spec, or a whole group that counts with iota
	VarPart                   // what one initialiser sets, or a spec without initialisers
)

func (k partKind) String() string { return [...]string{"func", "type", "const", "var"}[k] }

// A Part is the unit of reachability: it is kept or dropped as a whole.
type Part struct {
	Kind    partKind
	Pkg     *Package
	File    *File
	Decl    ast.Decl
	Spec    ast.Spec       // nil for functions and for whole groups of constants
	Objects []types.Object // what it declares; nothing for blank names and init functions
	Init    *types.Initializer
	Nth     int // of a spec with several initialisers, which; else -1

	Embed   []string // patterns of go:embed
	IsInit  bool     // an init function
	Comment []*ast.CommentGroup
}

// Func returns the declaration of a function part.
func (p *Part) Func() *ast.FuncDecl { d, _ := p.Decl.(*ast.FuncDecl); return d }

// Nodes returns the syntax that belongs to the part.
func (p *Part) Nodes() []ast.Node {
	spec, ok := p.Spec.(*ast.ValueSpec)
	switch {
	case p.Spec == nil:
		return []ast.Node{p.Decl}
	case !ok || p.Nth < 0:
		return []ast.Node{p.Spec}
	}
	nodes := []ast.Node{spec.Names[p.Nth]}
	if spec.Type != nil {
		nodes = append(nodes, spec.Type)
	}
	return append(nodes, spec.Values[p.Nth])
}

// Pos returns where the part begins, without its comment.
func (p *Part) Pos() token.Pos {
	if n := p.Nodes(); len(n) > 0 {
		return n[0].Pos()
	}
	return p.Decl.Pos()
}

// Title names the part for people.
func (p *Part) Title() string {
	switch {
	case p.IsInit:
		return p.Pkg.ImportPath + ".init"
	case len(p.Objects) == 0:
		return p.Pkg.ImportPath + "._"
	}
	return Describe(p.Objects[0])
}

// Describe names an object with its package's path.
func Describe(o types.Object) string {
	if fn, ok := o.(*types.Func); ok {
		return fn.FullName()
	}
	if o.Pkg() == nil {
		return o.Name()
	}
	return o.Pkg().Path() + "." + o.Name()
}

// Position formats a position; //line comments don't count.
func (p *Program) Position(pos token.Pos) string {
	return p.Fset.PositionFor(pos, false).String()
}

// InProgram reports whether an object is declared in a package of the bundle.
func (p *Program) InProgram(o types.Object) bool {
	return o != nil && o.Pkg() != nil && p.byTypes[o.Pkg()] != nil
}

// IsStd reports whether an object is declared by a package of the standard
// library, at package level.
func (p *Program) IsStd(o types.Object) bool {
	return o != nil && o.Pkg() != nil && p.byTypes[o.Pkg()] == nil && IsGlobal(o)
}

// IsGlobal reports whether the object is declared at package level.
func IsGlobal(o types.Object) bool {
	return o != nil && o.Pkg() != nil && o.Parent() == o.Pkg().Scope()
}

// Origin returns the object as declared, for instances of generic code.
func Origin(o types.Object) types.Object {
	switch o := o.(type) {
	case *types.Func:
		return o.Origin()
	case *types.Var:
		return o.Origin()
	}
	return o
}

// IsMethod reports whether the object is a method, of a type or of an interface.
func IsMethod(o types.Object) bool {
	fn, ok := o.(*types.Func)
	return ok && fn.Signature().Recv() != nil
}

// Count returns a number with its noun: "1 package", "2 packages".
func Count(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}

// TypeIdent returns the name of a type in the form an embedded field has it.
func TypeIdent(e ast.Expr) *ast.Ident {
	switch e := e.(type) {
	case *ast.Ident:
		return e
	case *ast.SelectorExpr:
		return e.Sel
	case *ast.StarExpr:
		return TypeIdent(e.X)
	case *ast.ParenExpr:
		return TypeIdent(e.X)
	case *ast.IndexExpr:
		return TypeIdent(e.X)
	case *ast.IndexListExpr:
		return TypeIdent(e.X)
	}
	return nil
}
