package source

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
)

// importPos returns the position at which one package imports another.
func (p *Program) importPos(from, to string) token.Position {
	if l := p.Listed[from]; l != nil {
		for _, name := range l.GoFiles {
			if pos := p.Request.importIn(name, to); pos.Line > 0 {
				return pos
			}
		}
	}
	return token.Position{}
}

// packageClause returns the position of the first package clause of a package.
func (p *Program) packageClause(l *Listing) token.Position {
	for _, name := range l.GoFiles {
		src, _ := p.Request.Read(name)
		fset := token.NewFileSet()
		if f, err := parser.ParseFile(fset, name, src, parser.PackageClauseOnly); err == nil {
			return fset.Position(f.Package)
		}
	}
	return token.Position{}
}

// importIn returns the position at which the Go file name imports path.
func (r *Request) importIn(name, path string) token.Position {
	src, err := r.Read(name)
	if err != nil || filepath.Ext(name) != ".go" {
		return token.Position{}
	}
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, name, src, parser.ImportsOnly)
	if err != nil {
		return token.Position{}
	}
	for _, imp := range f.Imports {
		if imp.Path.Value == strconv.Quote(path) {
			return fset.Position(imp.Pos())
		}
	}
	return token.Position{}
}
