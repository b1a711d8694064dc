package print

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"go/types"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/bundler/internal/source"
)

// Check type-checks the bundle. An error is a mistake of the bundler; it names the
// place in the source where it can.
func (p *File) Check(ctx context.Context) error {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "bundle.go", p.skeleton, parser.SkipObjectResolution)
	if err != nil {
		return internalError(p.skeleton, err)
	}
	var first *types.Error
	conf := types.Config{
		GoVersion: "go" + source.LanguageOf(p.target.GOVERSION),
		Sizes:     types.SizesFor("gc", p.target.GOARCH),
		Importer: importerFunc(func(path string) (*types.Package, error) {
			if path == "unsafe" {
				return types.Unsafe, nil
			}
			if t := p.std[path]; t != nil {
				return t, nil
			}
			return nil, fmt.Errorf("package %s isn't of the standard library, or wasn't imported by the program", path)
		}),
		Error: func(err error) {
			if e := (types.Error{}); first == nil && errors.As(err, &e) {
				first = &e
			}
		},
	}
	_, _ = conf.Check("main", fset, []*ast.File{f}, nil)
	if first == nil {
		return ctx.Err()
	}
	where := ""
	for _, d := range f.Decls {
		if d.Pos() <= first.Pos && first.Pos <= d.End() {
			where = p.sourceOf(d)
		}
	}
	return internalErrorAt(p.skeleton, fset.Position(first.Pos), first.Msg, where)
}

// internalError returns an error of the parser in the text of a bundle as an error of
// the bundler.
func internalError(text []byte, err error) error {
	var list scanner.ErrorList
	if errors.As(err, &list) && len(list) > 0 {
		return internalErrorAt(text, list[0].Pos, list[0].Msg, "")
	}
	return fmt.Errorf("internal error: %w", err)
}

// internalErrorAt returns an error of the bundler. It shows the line, because the
// bundle isn't written anywhere.
func internalErrorAt(bundle []byte, at token.Position, msg, from string) error {
	line := ""
	if lines := strings.Split(string(bundle), "\n"); at.Line > 0 && at.Line <= len(lines) {
		line = strings.TrimSpace(lines[at.Line-1])
	}
	if len(line) > 120 {
		line = line[:120] + "..."
	}
	text := fmt.Sprintf("internal error: line %d of the bundle: %s: %s", at.Line, msg, line)
	if from != "" {
		text += " (made from " + from + ")"
	}
	return &source.Error{Text: text, Hint: "please report this as a bug of the bundler"}
}

// sourceOf returns the position in the source of a declaration of the bundle, or
// nothing.
func (p *File) sourceOf(d ast.Decl) string {
	var names []*ast.Ident
	switch d := d.(type) {
	case *ast.FuncDecl:
		names = append(names, d.Name)
	case *ast.GenDecl:
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.TypeSpec:
				names = append(names, s.Name)
			case *ast.ValueSpec:
				names = append(names, s.Names...)
			}
		}
	}
	for _, id := range names {
		if at, ok := p.places[id.Name]; ok {
			return at.String()
		}
	}
	return ""
}

type importerFunc func(path string) (*types.Package, error)

func (f importerFunc) Import(path string) (*types.Package, error) { return f(path) }
