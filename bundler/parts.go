package bundler

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"os"
	"strconv"
	"strings"
)

// cut divides a package into parts.
func cut(p *program, k *pkg) error {
	k.byObject = map[types.Object]*part{}
	inits := map[types.Object]*types.Initializer{}
	blank := map[ast.Expr]*types.Initializer{}
	for _, in := range k.info.InitOrder {
		for _, v := range in.Lhs {
			inits[v] = in
		}
		blank[in.Rhs] = in
	}
	for _, f := range k.files {
		first := len(k.parts)
		for _, d := range f.ast.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				k.add(cutFunc(k, f, d))
			case *ast.GenDecl:
				if d.Tok == token.CONST && counts(d) {
					k.add(&part{kind: constPart, pkg: k, file: f, decl: d, objs: k.declared(d), nth: -1})
					continue
				}
				for _, s := range d.Specs {
					for _, t := range cutSpec(k, f, d, s, blank) {
						k.add(t)
					}
				}
			}
		}
		if err := attachComments(p, k, f, k.parts[first:]); err != nil {
			return err
		}
	}
	return nil
}

// add makes t a part of the package.
func (k *pkg) add(t *part) {
	k.parts = append(k.parts, t)
	for _, o := range t.objs {
		k.byObject[o] = t
	}
}

// declared returns the objects that the names in a node's specs declare.
func (k *pkg) declared(d *ast.GenDecl) (objs []types.Object) {
	for _, s := range d.Specs {
		if s, ok := s.(*ast.ValueSpec); ok {
			objs = append(objs, k.objects(s.Names)...)
		}
	}
	return objs
}

func (k *pkg) objects(names []*ast.Ident) (objs []types.Object) {
	for _, id := range names {
		if o := k.info.Defs[id]; o != nil && id.Name != "_" {
			objs = append(objs, o)
		}
	}
	return objs
}

func cutFunc(k *pkg, f *file, d *ast.FuncDecl) *part {
	t := &part{kind: funcPart, pkg: k, file: f, decl: d, nth: -1}
	if d.Recv == nil && d.Name.Name == "init" {
		t.isInit = true
	} else if d.Name.Name != "_" {
		t.objs = []types.Object{k.info.Defs[d.Name]}
	}
	return t
}

// counts reports whether the specs of a group of constants depend on each
// other, by iota or by implicit repetition.
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

func cutSpec(k *pkg, f *file, d *ast.GenDecl, s ast.Spec, inits map[ast.Expr]*types.Initializer) []*part {
	t := &part{pkg: k, file: f, decl: d, spec: s, nth: -1}
	switch s := s.(type) {
	case *ast.ImportSpec:
		return nil
	case *ast.TypeSpec:
		t.kind = typePart
		t.objs = k.objects([]*ast.Ident{s.Name})
	case *ast.ValueSpec:
		t.objs = k.objects(s.Names)
		if d.Tok == token.CONST {
			t.kind = constPart
			break
		}
		t.kind = varPart
		if len(s.Values) > 0 {
			t.init = inits[s.Values[0]]
		}
		if len(s.Values) > 1 { // each name has an initialiser of its own
			var split []*part
			for i, v := range s.Values {
				one := *t
				one.nth, one.init = i, inits[v]
				one.objs = k.objects(s.Names[i : i+1])
				split = append(split, &one)
			}
			return split
		}
	}
	return []*part{t}
}

// attachComments gives each part of a file the comments that stand before it, and
// finds the patterns of go:embed there.
func attachComments(p *program, k *pkg, f *file, parts []*part) error {
	comments := f.ast.Comments
	var last *part
	var lastEnd token.Pos = f.ast.Name.End()
	for _, imp := range f.ast.Imports {
		lastEnd = max(lastEnd, imp.End())
	}
	for _, d := range f.ast.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.IMPORT {
			lastEnd = max(lastEnd, g.End())
		}
	}
	next := 0
	take := func(t *part, from, to token.Pos) {
		for ; next < len(comments) && comments[next].End() <= to; next++ {
			if c := comments[next]; c.Pos() >= from && !sameLine(f, from, c.Pos(), last) {
				t.comment = append(t.comment, c)
			}
		}
	}
	for _, t := range parts {
		if t.nth > 0 {
			continue
		}
		take(t, lastEnd, t.start())
		last, lastEnd = t, t.end()
		for next < len(comments) && comments[next].Pos() < lastEnd {
			next++ // inside of the part
		}
		if err := findEmbeds(k, t); err != nil {
			return &sourceError{Pos: p.fset.PositionFor(t.pos(), false), Text: err.Error()}
		}
	}
	return nil
}

// sameLine reports whether a comment follows the end of a part on its line, so
// that it belongs to that one.
func sameLine(f *file, end, comment token.Pos, last *part) bool {
	return last != nil && f.tok.Line(end) == f.tok.Line(comment)
}

// start is where a part's own text begins, without comments.
func (t *part) start() token.Pos {
	if t.spec != nil && t.decl.(*ast.GenDecl).Lparen.IsValid() {
		return t.spec.Pos()
	}
	return t.decl.Pos()
}

// end is where it ends, without comments.
func (t *part) end() token.Pos {
	if t.spec != nil {
		return t.spec.End()
	}
	return t.decl.End()
}

// findEmbeds collects the patterns of go:embed directives before a variable.
func findEmbeds(k *pkg, t *part) error {
	if t.kind != varPart || !k.embeds {
		return nil
	}
	for _, g := range t.comment {
		for _, c := range g.List {
			args, ok := strings.CutPrefix(c.Text, "//go:embed")
			if !ok || args == "" || args[0] != ' ' && args[0] != '\t' {
				continue
			}
			patterns, err := embedPatterns(args)
			if err != nil {
				return fmt.Errorf("invalid go:embed: %w", err)
			}
			t.embed = append(t.embed, patterns...)
		}
	}
	return nil
}

// embedPatterns splits the arguments of a go:embed directive: words, or Go
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

// readText returns a file's text, or nothing.
func readText(name string) string {
	data, _ := os.ReadFile(name)
	return string(data)
}

// An embedType is a kind of variable that go:embed fills.
type embedType uint8

const (
	embedString embedType = iota
	embedBytes
	embedFS
)

// embedKind tells what kind of variable a go:embed directive fills.
func (t *part) embedKind() embedType {
	typ := t.objs[0].Type()
	if b, ok := typ.Underlying().(*types.Basic); ok && b.Kind() == types.String {
		return embedString
	}
	if _, ok := typ.Underlying().(*types.Slice); ok {
		return embedBytes
	}
	return embedFS
}
