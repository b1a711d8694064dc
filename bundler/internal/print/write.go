// Package print is the last stage of the bundler: it makes one Go file.
//
// [Write] takes a [names.Table] and returns a [File]. It copies the source of the
// parts, and edits the places that would have another meaning in one package.
// [File.Check] type-checks the file.
package print

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/format"
	"go/token"
	"go/types"
	"maps"
	"runtime"
	"slices"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/bundler/internal/names"
	"github.com/deploy-kernel/deploy-kernel/bundler/internal/reach"
	"github.com/deploy-kernel/deploy-kernel/bundler/internal/source"
	"golang.org/x/sync/errgroup"
)

// Options control the text of a bundle.
type Options struct {
	// By is the name of the generator in the first line. Empty means "bundler".
	By string
	// Go is the oldest release that builds the bundle. Empty means the one that makes it.
	Go string
	// Licenses appends the license files of the modules as comments.
	Licenses bool
	// Minify drops comments other than license notices.
	Minify bool
}

// A File is the output of this stage: a bundle.
type File struct {
	Text  []byte // gofmt-clean
	Sizes []int  // sizes of the texts of the packages, in bytes before formatting

	skeleton []byte                    // Text with placeholders for long strings
	places   map[string]token.Position // in the source, by name in the bundle
	std      map[string]*types.Package
	target   source.Target
}

// Write prints the bundle: header, imports, and for each package, in the order of
// initialization, its license notices and its parts. It releases each package of n
// after printing it.
func Write(ctx context.Context, n *names.Table, o Options) (*File, error) {
	w := &writer{names: n, options: o, literals: newLiterals(n.Live), places: map[string]token.Position{}}
	f := &File{places: w.places, std: n.Std, target: n.Target}
	var err error
	if f.skeleton, f.Sizes, err = w.file(ctx); err != nil {
		return nil, err
	}
	if f.Text, err = w.literals.fill(f.skeleton); err != nil {
		return nil, err
	}
	return f, ctx.Err()
}

// file returns the formatted bundle with placeholders for long strings, and the sizes
// of the packages. It formats each section by itself, so that only a few syntax trees
// exist at a time.
func (w *writer) file(ctx context.Context) (text []byte, sizes []int, err error) {
	head, err := w.header()
	if err != nil {
		return nil, nil, err
	}
	head += w.importsText()
	licenses := ""
	if w.options.Licenses {
		licenses = w.licenseFiles()
	}
	sections := make([][]byte, len(w.names.Kept)+2)
	sizes = make([]int, len(w.names.Kept))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, k := range w.names.Kept {
		text, err := w.packageText(k)
		if err != nil {
			return nil, nil, errors.Join(err, g.Wait())
		}
		sizes[i] = len(text)
		w.release(k)
		if text != "" {
			g.Go(func() (err error) {
				sections[1+i], err = formatText(packageClause + text)
				sections[1+i] = bytes.TrimPrefix(sections[1+i], []byte(packageClause))
				return errors.Join(err, gctx.Err())
			})
		}
	}
	sections[0], err = formatText(head + w.helpersText())
	if err := errors.Join(err, g.Wait()); err != nil {
		return nil, nil, err
	}
	if licenses != "" {
		last := len(sections) - 1
		if sections[last], err = formatText(packageClause + licenses); err != nil {
			return nil, nil, err
		}
		sections[last] = bytes.TrimPrefix(sections[last], []byte(packageClause))
	}
	return bytes.Join(sections, nil), sizes, nil
}

// packageClause precedes declarations while they are formatted.
const packageClause = "package p\n"

// formatText formats Go source like gofmt.
func formatText(text string) ([]byte, error) {
	source := []byte(text)
	for range 3 { // gofmt isn't idempotent for all comments
		formatted, err := format.Source(source)
		if err != nil {
			return nil, internalError(source, err)
		}
		if bytes.Equal(formatted, source) {
			break
		}
		source = formatted
	}
	return source, nil
}

// release notes the positions of a package's declarations and releases the package.
func (w *writer) release(k *reach.Package) {
	for _, t := range k.Kept {
		for _, o := range t.Objects {
			if source.IsGlobal(o) {
				w.places[w.names.Of(o)] = w.names.Fset.PositionFor(o.Pos(), false)
			}
		}
	}
	k.Release()
}

// A writer is the state of Write.
type writer struct {
	names    *names.Table
	options  Options
	literals *literals
	places   map[string]token.Position // in the source, by name in the bundle
	inits    bool                      // a package other than main has an init function
}

// A piece is the text of a part.
type piece struct {
	t             *reach.Part
	comment, text string
	trailing      string
	whole         bool // text is a whole declaration, with its keyword
}

// packageText returns the text of a package.
func (w *writer) packageText(k *reach.Package) (string, error) {
	var pieces, embeds []piece
	var inits []string
	for _, t := range k.Kept {
		one, err := w.pieceOf(t)
		if err != nil {
			return "", err
		}
		if len(t.Embed) > 0 { // initialized statically in the program, so first
			embeds = append(embeds, one)
			continue
		}
		pieces = append(pieces, one)
		if t.IsInit && k.Package != w.names.Main {
			inits = append(inits, w.names.Of(k.Info.Defs[t.Func().Name]))
		}
	}
	if len(pieces)+len(embeds) == 0 {
		return "", nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n// ---- %s ----\n\n", strings.TrimSpace(k.ImportPath+" "+k.Version))
	if k.Package != w.names.Main {
		for _, c := range w.notices(k) {
			b.WriteString(c + "\n\n")
		}
	}
	writePieces(&b, append(embeds, pieces...))
	if len(inits) > 0 {
		w.inits = true
		run := w.names.Helper("initialize")
		for _, name := range inits {
			fmt.Fprintf(&b, "var _ = %s(%s)\n", run, name)
		}
	}
	return b.String(), nil
}

// pieceOf returns the text of one part.
func (w *writer) pieceOf(t *reach.Part) (one piece, err error) {
	pw := w.newPart(t)
	one = piece{t: t, comment: w.commentText(t)}
	spec, isValue := t.Spec.(*ast.ValueSpec)
	switch {
	case len(t.Embed) > 0:
		one.text, err = pw.embedText()
	case w.names.HasAccessor(t):
		one.text, one.whole = pw.accessors(), true
		return one, nil
	case isValue && t.Nth >= 0:
		one.text = pw.apply(spec.Names[t.Nth].Pos(), spec.Names[t.Nth].End())
		if spec.Type != nil {
			one.text += " " + pw.apply(spec.Type.Pos(), spec.Type.End())
		}
		v := spec.Values[t.Nth]
		one.text += " = " + pw.apply(v.Pos(), v.End())
	case t.Spec != nil:
		one.text = pw.apply(t.Spec.Pos(), t.End())
	default:
		one.text = pw.apply(t.Start(), t.End())
	}
	for _, o := range t.Objects {
		one.comment += w.names.LinkDirective(o)
	}
	if t.Nth <= 0 {
		one.trailing = w.trailing(t)
	}
	return one, err
}

// writePieces writes pieces. Successive specs of one declaration form a group.
func writePieces(b *strings.Builder, pieces []piece) {
	for i := 0; i < len(pieces); {
		t := pieces[i].t
		j := i + 1
		if g, ok := t.Decl.(*ast.GenDecl); ok && t.Spec != nil && g.Lparen.IsValid() && !pieces[i].whole {
			for j < len(pieces) && pieces[j].t.Decl == t.Decl && pieces[j].t.File == t.File && !pieces[j].whole {
				j++
			}
		}
		switch {
		case t.Spec == nil || pieces[i].whole:
			b.WriteString(pieces[i].comment + pieces[i].text + pieces[i].trailing + "\n\n")
		case j == i+1:
			b.WriteString(pieces[i].comment + keyword(t) + " " + pieces[i].text + pieces[i].trailing + "\n\n")
		default:
			b.WriteString(keyword(t) + " (\n")
			for n, one := range pieces[i:j] {
				if n > 0 && apart(pieces[i+n-1].t, one.t) {
					b.WriteString("\n")
				}
				b.WriteString(one.comment + one.text + one.trailing + "\n")
			}
			b.WriteString(")\n\n")
		}
		i = j
	}
}

// keyword returns the keyword of a declaration: var, const or type.
func keyword(t *reach.Part) string { return t.Decl.(*ast.GenDecl).Tok.String() }

// apart reports whether the source has an empty line between two specs.
func apart(a, b *reach.Part) bool {
	from := a.File.Tok.Line(a.End())
	to := b.File.Tok.Line(b.Start())
	if len(b.Comment) > 0 {
		to = b.File.Tok.Line(b.Comment[0].Pos())
	}
	return to > from+1 || to < from
}

// commentText returns the comments before a part.
func (w *writer) commentText(t *reach.Part) string {
	var b strings.Builder
	for i, g := range t.Comment {
		text := w.groupText(g, t.Func())
		if text == "" {
			continue
		}
		b.WriteString(text + "\n")
		next := t.Start()
		if i+1 < len(t.Comment) {
			next = t.Comment[i+1].Pos()
		} else if t.Spec != nil && len(t.Comment) == 1 && t.Decl.(*ast.GenDecl).Doc == g {
			next = t.Decl.Pos()
		}
		if t.File.Tok.Line(next) > t.File.Tok.Line(g.End())+1 {
			b.WriteString("\n")
		}
	}
	return b.String()
}

// groupText returns a comment group without the directives that don't hold in the
// bundle.
func (w *writer) groupText(g *ast.CommentGroup, fn *ast.FuncDecl) string {
	var lines []string
	for _, c := range g.List {
		if isDirective := strings.HasPrefix(c.Text, "//go:"); dropped(c.Text, fn) || w.options.Minify && !isDirective {
			continue
		}
		lines = append(lines, c.Text)
	}
	for len(lines) > 0 && lines[len(lines)-1] == "//" {
		lines = lines[:len(lines)-1]
	}
	return strings.Join(lines, "\n")
}

// trailing returns the comment after a part on its last line.
func (w *writer) trailing(t *reach.Part) string {
	f := t.File
	end := t.End()
	line := f.Tok.Line(end)
	rest := f.Src[f.Tok.Offset(end):]
	if w.options.Minify {
		return ""
	}
	var text string
	for _, g := range f.CommentsFrom(end) {
		if g.Pos() < end {
			continue
		}
		if f.Tok.Line(g.Pos()) != line {
			break
		}
		if gap := rest[:f.Tok.Offset(g.Pos())-f.Tok.Offset(end)]; len(bytes.TrimLeft(gap, " \t;,")) > 0 {
			break
		}
		for _, c := range g.List[:1] {
			if !dropped(c.Text, t.Func()) && !(strings.HasPrefix(c.Text, "/*") && strings.Contains(c.Text, "\n")) {
				text = " " + c.Text
			}
		}
		break
	}
	return text
}

// importsText returns the import declaration.
func (w *writer) importsText() string {
	n := w.names
	var b strings.Builder
	if len(n.Imports)+len(n.Blank) == 0 {
		return ""
	}
	b.WriteString("import (\n")
	for _, path := range slices.Sorted(maps.Keys(n.Imports)) {
		name := n.Imports[path]
		if t := n.Std[path]; t != nil && t.Name() == name || path == "unsafe" {
			name = ""
		}
		fmt.Fprintf(&b, "\t%s %q\n", name, path)
	}
	for _, path := range n.Blank {
		fmt.Fprintf(&b, "\t_ %q\n", path)
	}
	b.WriteString(")\n\n")
	return b.String()
}

// helpersText returns the declarations that the bundler adds.
func (w *writer) helpersText() string {
	text := ""
	if w.inits {
		name := w.names.Helper("initialize")
		text += "// " + name + " runs an init function of a package in its place among the\n" +
			"// initialisers of variables.\n" +
			"func " + name + "(init func()) (_ struct{}) {\n\tinit()\n\treturn\n}\n\n"
	}
	if name, ok := w.names.Helpers["embeddedFile"]; ok {
		text += embeddedFileText(name)
	}
	if name, ok := w.names.Helpers["readBuildInfo"]; ok {
		text += w.buildInfoText(name)
	}
	return text
}
