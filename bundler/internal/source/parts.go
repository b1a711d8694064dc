package source

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"strconv"
	"strings"
)

// cut cuts a package into parts.
func cut(p *Program, k *Package) error {
	k.byObject = map[types.Object]*Part{}
	inits := map[types.Object]*types.Initializer{}
	blank := map[ast.Expr]*types.Initializer{}
	for _, in := range k.Info.InitOrder {
		for _, v := range in.Lhs {
			inits[v] = in
		}
		blank[in.Rhs] = in
	}
	for _, f := range k.Files {
		first := len(k.Parts)
		for _, d := range f.Syntax.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				k.add(cutFunc(k, f, d))
			case *ast.GenDecl:
				if d.Tok == token.CONST && counts(d) {
					k.add(&Part{Kind: ConstPart, Pkg: k, File: f, Decl: d, Objects: k.declared(d), Nth: -1})
					continue
				}
				for _, s := range d.Specs {
					for _, t := range cutSpec(k, f, d, s, blank) {
						k.add(t)
					}
				}
			}
		}
		if err := attachComments(p, k, f, k.Parts[first:]); err != nil {
			return err
		}
	}
	return nil
}

// add adds a part to the package.
func (k *Package) add(t *Part) {
	k.Parts = append(k.Parts, t)
	for _, o := range t.Objects {
		k.byObject[o] = t
	}
}

// declared returns the objects that a group of constants declares.
func (k *Package) declared(d *ast.GenDecl) (objs []types.Object) {
	for _, s := range d.Specs {
		if s, ok := s.(*ast.ValueSpec); ok {
			objs = append(objs, k.objects(s.Names)...)
		}
	}
	return objs
}

func (k *Package) objects(names []*ast.Ident) (objs []types.Object) {
	for _, id := range names {
		if o := k.Info.Defs[id]; o != nil && id.Name != "_" {
			objs = append(objs, o)
		}
	}
	return objs
}

func cutFunc(k *Package, f *File, d *ast.FuncDecl) *Part {
	t := &Part{Kind: FuncPart, Pkg: k, File: f, Decl: d, Nth: -1}
	if d.Recv == nil && d.Name.Name == "init" {
		t.IsInit = true
	} else if d.Name.Name != "_" {
		t.Objects = []types.Object{k.Info.Defs[d.Name]}
	}
	return t
}

// counts reports whether the constants of a group depend on each other, by iota or
// by implicit repetition.
func counts(d *ast.GenDecl) bool {
	if !d.Lparen.IsValid() {
		return false
	}
	found := false
	for _, s := range d.Specs {
		s := s.(*ast.ValueSpec)
		found = found || len(s.Values) == 0
		ast.Inspect(s, func(n ast.Node) bool {
			id, ok := n.(*ast.Ident)
			found = found || ok && id.Name == "iota"
			return !found
		})
	}
	return found
}

func cutSpec(k *Package, f *File, d *ast.GenDecl, s ast.Spec, inits map[ast.Expr]*types.Initializer) []*Part {
	t := &Part{Pkg: k, File: f, Decl: d, Spec: s, Nth: -1}
	switch s := s.(type) {
	case *ast.ImportSpec:
		return nil
	case *ast.TypeSpec:
		t.Kind = TypePart
		t.Objects = k.objects([]*ast.Ident{s.Name})
	case *ast.ValueSpec:
		t.Objects = k.objects(s.Names)
		if d.Tok == token.CONST {
			t.Kind = ConstPart
			break
		}
		t.Kind = VarPart
		if len(s.Values) > 0 {
			t.Init = inits[s.Values[0]]
		}
		if len(s.Values) > 1 { // each name has its own initializer
			var split []*Part
			for i, v := range s.Values {
				one := *t
				one.Nth, one.Init = i, inits[v]
				one.Objects = k.objects(s.Names[i : i+1])
				split = append(split, &one)
			}
			return split
		}
	}
	return []*Part{t}
}

// attachComments gives each part of a file the comments before it, and collects
// their patterns of go:embed.
func attachComments(p *Program, k *Package, f *File, parts []*Part) error {
	comments := f.Syntax.Comments
	var last *Part
	var lastEnd token.Pos = f.Syntax.Name.End()
	for _, imp := range f.Syntax.Imports {
		lastEnd = max(lastEnd, imp.End())
	}
	for _, d := range f.Syntax.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.IMPORT {
			lastEnd = max(lastEnd, g.End())
		}
	}
	next := 0
	take := func(t *Part, from, to token.Pos) {
		for ; next < len(comments) && comments[next].End() <= to; next++ {
			if c := comments[next]; c.Pos() >= from && !sameLine(f, from, c.Pos(), last) {
				t.Comment = append(t.Comment, c)
			}
		}
	}
	for _, t := range parts {
		if t.Nth > 0 {
			continue
		}
		take(t, lastEnd, t.Start())
		last, lastEnd = t, t.End()
		for next < len(comments) && comments[next].Pos() < lastEnd {
			next++ // inside the part
		}
		if err := findEmbeds(k, t); err != nil {
			return &Error{Pos: p.Fset.PositionFor(t.Pos(), false), Text: err.Error()}
		}
	}
	return nil
}

// sameLine reports whether a comment is on the line on which the part before it
// ends, and so belongs to that part.
func sameLine(f *File, end, comment token.Pos, last *Part) bool {
	return last != nil && f.Tok.Line(end) == f.Tok.Line(comment)
}

// findEmbeds collects the patterns of the go:embed directives of a variable.
func findEmbeds(k *Package, t *Part) error {
	if t.Kind != VarPart || !k.embeds {
		return nil
	}
	for _, g := range t.Comment {
		for _, c := range g.List {
			args, ok := strings.CutPrefix(c.Text, "//go:embed")
			if !ok || args == "" || args[0] != ' ' && args[0] != '\t' {
				continue
			}
			patterns, err := embedPatterns(args)
			if err != nil {
				return fmt.Errorf("invalid go:embed: %w", err)
			}
			t.Embed = append(t.Embed, patterns...)
		}
	}
	return nil
}

// embedPatterns splits the arguments of a go:embed directive, which are words or Go
// strings.
func embedPatterns(args string) (patterns []string, err error) {
	for args = strings.TrimSpace(args); args != ""; args = strings.TrimSpace(args) {
		word := args
		if args[0] == '"' || args[0] == '`' {
			if word, err = strconv.QuotedPrefix(args); err != nil {
				return nil, err
			}
		} else if i := strings.IndexAny(args, " \t"); i >= 0 {
			word = args[:i]
		}
		args = args[len(word):]
		if word[0] == '"' || word[0] == '`' {
			word, _ = strconv.Unquote(word)
		}
		patterns = append(patterns, word)
	}
	return patterns, nil
}
