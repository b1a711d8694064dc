package source

import (
	"go/ast"
	"go/token"
	"go/types"
)

// A PartKind is a kind of declaration.
type PartKind uint8

const (
	FuncPart  PartKind = iota // a function, a method or an init function
	TypePart                  // one type spec
	ConstPart                 // one constant spec, or a whole group that counts with iota
	VarPart                   // the variables of one initializer, or of a spec without initializers
)

// String returns the keyword of the declaration.
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
func (t *Part) Func() *ast.FuncDecl { d, _ := t.Decl.(*ast.FuncDecl); return d }

// Nodes returns the syntax trees of the part.
func (t *Part) Nodes() []ast.Node {
	spec, ok := t.Spec.(*ast.ValueSpec)
	switch {
	case t.Spec == nil:
		return []ast.Node{t.Decl}
	case !ok || t.Nth < 0:
		return []ast.Node{t.Spec}
	}
	nodes := []ast.Node{spec.Names[t.Nth]}
	if spec.Type != nil {
		nodes = append(nodes, spec.Type)
	}
	return append(nodes, spec.Values[t.Nth])
}

// Pos returns the position of the first node.
func (t *Part) Pos() token.Pos {
	if n := t.Nodes(); len(n) > 0 {
		return n[0].Pos()
	}
	return t.Decl.Pos()
}

// Title returns a name of the part for reports.
func (t *Part) Title() string {
	switch {
	case t.IsInit:
		return t.Pkg.ImportPath + ".init"
	case len(t.Objects) == 0:
		return t.Pkg.ImportPath + "._"
	}
	return Describe(t.Objects[0])
}

// Start returns where the text of the part begins, after its comments.
func (t *Part) Start() token.Pos {
	if t.Spec != nil && t.Decl.(*ast.GenDecl).Lparen.IsValid() {
		return t.Spec.Pos()
	}
	return t.Decl.Pos()
}

// End returns where the text of the part ends, before trailing comments.
func (t *Part) End() token.Pos {
	if t.Spec != nil {
		return t.Spec.End()
	}
	return t.Decl.End()
}

// An EmbedKind is a kind of variable that go:embed fills.
type EmbedKind uint8

const (
	EmbedString EmbedKind = iota // a string
	EmbedBytes                   // a slice of bytes
	EmbedFS                      // an embed.FS
)

// EmbedKind returns the kind of the variable that go:embed fills.
func (t *Part) EmbedKind() EmbedKind {
	typ := t.Objects[0].Type()
	if b, ok := typ.Underlying().(*types.Basic); ok && b.Kind() == types.String {
		return EmbedString
	}
	if _, ok := typ.Underlying().(*types.Slice); ok {
		return EmbedBytes
	}
	return EmbedFS
}
