package source

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
)

// A Program is the output of this stage: the packages of a program, type-checked
// and cut into parts.
type Program struct {
	Request *Request
	Target  Target
	Debug   string // default GODEBUG settings of the main package, "key=value,..."

	Fset *token.FileSet
	// Packages are the packages outside of the standard library, in the order in
	// which the linker initializes them.
	Packages []*Package
	Main     *Package
	// Aliases has what stands for linked objects and for functions without a body.
	Aliases map[types.Object]alias
	// Pushes are functions that the standard library may call by go:linkname.
	Pushes   []*Part
	Warnings []Warning

	Listed map[string]*Listing // by import path, with the standard library
	Paths  []string            // all import paths, dependencies first
	Std    map[string]*types.Package

	byTypes map[*types.Package]*Package
	via     map[string]string // the result of importTree; nil until it is needed
	swapped *swap             // portable code in place of assembly; nil for none
}

// A Package is a package outside of the standard library.
type Package struct {
	*Listing
	Version string // of its module; may be empty
	Info    *types.Info
	Files   []*File
	Parts   []*Part // in source order; files in the compiler's order

	byObject map[types.Object]*Part // the part that declares an object
}

// Release drops the syntax and the type information of the package, to save memory.
func (k *Package) Release() { k.Info, k.Files, k.Parts, k.byObject = nil, nil, nil, nil }

// Release drops everything but the temporary files, to save memory. Close is still
// to be called.
func (p *Program) Release() { *p = Program{swapped: p.swapped} }

// PartOf returns the part that declares o, or nil if there is none: o is local, or of
// the standard library.
func (p *Program) PartOf(o types.Object) *Part {
	if k := p.byTypes[o.Pkg()]; k != nil {
		return k.byObject[o]
	}
	return nil
}

// A File is one source file of a package.
type File struct {
	Name   string
	Src    []byte
	Syntax *ast.File
	Tok    *token.File
	// Emptied has the functions whose bodies were emptied; see lean.go.
	Emptied map[*ast.FuncDecl]bool

	OldLoops bool // loop variables live as long as the loop, as before Go 1.22
}

// Text returns the source between two positions.
func (f *File) Text(from, to token.Pos) string {
	return string(f.Src[f.Tok.Offset(from):f.Tok.Offset(to)])
}

// CommentsFrom returns the comment groups that end at pos or later.
func (f *File) CommentsFrom(pos token.Pos) []*ast.CommentGroup {
	i, _ := slices.BinarySearchFunc(f.Syntax.Comments, pos, func(g *ast.CommentGroup, pos token.Pos) int { return int(g.End() - pos) })
	return f.Syntax.Comments[i:]
}

// A PartKind is a kind of declaration.
type PartKind uint8

const (
	FuncPart  PartKind = iota // a function, a method or an init function
	TypePart                  // one type spec
	ConstPart                 // one constant spec, or a whole group that counts with iota
	VarPart                   // the variables of one initializer, or of a spec without initializers
)

func (k PartKind) String() string { return [...]string{"func", "type", "const", "var"}[k] }

// A Part is a piece of a package that is kept or dropped as a whole.
type Part struct {
	Kind    PartKind
	Pkg     *Package
	File    *File
	Decl    ast.Decl
	Spec    ast.Spec       // nil for functions and for whole groups of constants
	Objects []types.Object // without blank names and init functions
	Init    *types.Initializer
	Nth     int // index in a spec with several initializers, else -1

	Embed   []string            // go:embed patterns
	IsInit  bool                // an init function
	Comment []*ast.CommentGroup // before the part
}

// Func returns the function that the part declares, or nil.
func (p *Part) Func() *ast.FuncDecl { d, _ := p.Decl.(*ast.FuncDecl); return d }

// Nodes returns the syntax trees of the part.
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

// Pos returns the position of the first node.
func (p *Part) Pos() token.Pos {
	if n := p.Nodes(); len(n) > 0 {
		return n[0].Pos()
	}
	return p.Decl.Pos()
}

// Title returns a name of the part for reports.
func (p *Part) Title() string {
	switch {
	case p.IsInit:
		return p.Pkg.ImportPath + ".init"
	case len(p.Objects) == 0:
		return p.Pkg.ImportPath + "._"
	}
	return Describe(p.Objects[0])
}

// Describe returns the name of an object with the path of its package.
func Describe(o types.Object) string {
	if fn, ok := o.(*types.Func); ok {
		return fn.FullName()
	}
	if o.Pkg() == nil {
		return o.Name()
	}
	return o.Pkg().Path() + "." + o.Name()
}

// Position formats a position. It ignores //line comments.
func (p *Program) Position(pos token.Pos) string {
	return p.Fset.PositionFor(pos, false).String()
}

// InProgram reports whether a package outside of the standard library declares o.
func (p *Program) InProgram(o types.Object) bool {
	return o != nil && o.Pkg() != nil && p.byTypes[o.Pkg()] != nil
}

// IsStd reports whether o is a package-level object of the standard library.
func (p *Program) IsStd(o types.Object) bool {
	return o != nil && o.Pkg() != nil && p.byTypes[o.Pkg()] == nil && IsGlobal(o)
}

// IsGlobal reports whether o is declared at package level.
func IsGlobal(o types.Object) bool {
	return o != nil && o.Pkg() != nil && o.Parent() == o.Pkg().Scope()
}

// Origin returns the generic object that o is an instance of, or o.
func Origin(o types.Object) types.Object {
	switch o := o.(type) {
	case *types.Func:
		return o.Origin()
	case *types.Var:
		return o.Origin()
	}
	return o
}

// IsMethod reports whether o is a method of a type or of an interface.
func IsMethod(o types.Object) bool {
	fn, ok := o.(*types.Func)
	return ok && fn.Signature().Recv() != nil
}

// Count returns a number with a noun, in the plural unless n is 1: "2 packages".
func Count(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}

// TypeIdent returns the name of the type that e denotes: T for *p.T[int]. It returns
// nil for unnamed types.
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
