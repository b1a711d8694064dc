package source

import (
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
	Aliases map[types.Object]Alias
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

// Position formats a position. It ignores //line comments.
func (p *Program) Position(pos token.Pos) string {
	return p.Fset.PositionFor(pos, false).String()
}
