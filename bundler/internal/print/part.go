package print

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strconv"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/bundler/internal/names"
	"github.com/deploy-kernel/deploy-kernel/bundler/internal/reach"
)

// A partWriter rewrites the source of one part for the bundle. It edits only places
// that would have another meaning there. Comments and layout stay.
type partWriter struct {
	*writer
	t     *reach.Part
	edits []edit

	separate []func() // edits that copy text with other edits, outer ones first
}

// An edit replaces the source between two byte offsets.
type edit struct {
	from, to int
	text     string
}

func (w *partWriter) offset(pos token.Pos) int { return w.t.File.Tok.Offset(pos) }

// replace replaces a range of the source, and the edits in it.
func (w *partWriter) replace(from, to token.Pos, text string) {
	a, b := w.offset(from), w.offset(to)
	w.edits = slices.DeleteFunc(w.edits, func(e edit) bool { return a <= e.from && e.to <= b && a < b && e.from < e.to })
	w.edits = append(w.edits, edit{a, b, text})
}

// insert inserts a text at a position.
func (w *partWriter) insert(at token.Pos, text string) {
	w.edits = append(w.edits, edit{w.offset(at), w.offset(at), text})
}

// apply returns the source between two positions with the edits in it.
func (w *partWriter) apply(from, to token.Pos) string {
	a, b := w.offset(from), w.offset(to)
	edits := slices.Clone(w.edits)
	slices.SortStableFunc(edits, func(x, y edit) int { return x.from - y.from })
	var out strings.Builder
	at := a
	for _, e := range edits {
		if e.from < at || e.to > b || e.from < a {
			continue
		}
		out.Write(w.t.File.Src[at:e.from])
		out.WriteString(e.text)
		at = e.to
	}
	out.Write(w.t.File.Src[at:b])
	return out.String()
}

// newPart returns a partWriter with all edits of a part.
func (w *writer) newPart(t *reach.Part) *partWriter {
	pw := &partWriter{writer: w, t: t}
	pw.promoted() // its insertions precede renamed names
	names.EachRef(t, pw.ref)
	pw.offsets()
	pw.directives()
	pw.tags()
	pw.link()
	for _, f := range slices.Backward(pw.separate) {
		f()
	}
	pw.rewriteLoops()
	return pw
}

// ref adds the edit for one mention of an object.
func (w *partWriter) ref(r names.Ref) {
	n := w.names
	from, to := r.Ident.Pos(), r.Ident.End()
	if r.Sel != nil {
		from = r.Sel.Pos()
	}
	text := r.Ident.Name
	std, hasStd := n.StandIn(r.Obj)
	switch {
	case n.Build != nil && isReadBuildInfo(r.Obj):
		text = n.Helper("readBuildInfo")
	case hasStd:
		text = n.Imports[std.Path] + "." + std.Name
	case r.Obj == nil:
		if new := n.Idents[r.Ident]; new != "" {
			text = new
		}
	case r.Sel != nil && n.IsStd(r.Obj):
		text = n.Imports[r.Obj.Pkg().Path()] + "." + r.Obj.Name()
	case n.IsStd(r.Obj): // imported by a dot import
		text = n.Imports[r.Obj.Pkg().Path()] + "." + r.Obj.Name()
	case r.Ident.Name == "_":
	case n.InProgram(r.Obj):
		text = n.Of(r.Obj)
		if w.names.Aliases[r.Obj].Pointer != nil && !r.Decl {
			text = "(*" + text + "())"
		}
		if embedded := n.Embeds[asVar(r.Obj)]; embedded != nil && r.Decl {
			text = n.ObjectText(embedded)
		}
	}
	if text != w.t.File.Text(from, to) {
		w.edits = append(w.edits, edit{w.offset(from), w.offset(to), text})
	}
}

func asVar(o types.Object) *types.Var {
	v, _ := o.(*types.Var)
	return v
}

// tags adds the tags that keep struct types apart.
func (w *partWriter) tags() {
	if len(w.names.Tags) == 0 {
		return
	}
	for _, node := range w.t.Nodes() {
		ast.Inspect(node, func(n ast.Node) bool {
			s, ok := n.(*ast.StructType)
			if !ok {
				return true
			}
			if typ, _ := w.t.Pkg.Info.TypeOf(s).(*types.Struct); typ != nil {
				i := 0
				for _, f := range s.Fields.List {
					w.tagFields(typ, i, f)
					i += max(1, len(f.Names))
				}
			}
			return true
		})
	}
}

// tagFields adds tags to the fields of f, the first of which has index i in its
// struct. If there are several, each becomes a declaration of its own.
func (w *partWriter) tagFields(typ *types.Struct, i int, f *ast.Field) {
	tagged := 0
	for j := range max(1, len(f.Names)) {
		if w.names.Tags[typ.Field(i+j).Origin()] != "" {
			tagged++
		}
	}
	switch {
	case tagged == 0:
	case len(f.Names) < 2 && f.Tag != nil:
		w.replace(f.Tag.Pos(), f.Tag.End(), strconv.Quote(w.names.Tag(typ, i)))
	case len(f.Names) < 2:
		w.insert(f.Type.End(), " "+strconv.Quote(w.names.Tag(typ, i)))
	default:
		w.separate = append(w.separate, func() {
			lines := make([]string, len(f.Names))
			for j, id := range f.Names {
				lines[j] = w.apply(id.Pos(), id.End()) + " " + w.apply(f.Type.Pos(), f.Type.End())
				if tag := w.names.Tag(typ, i+j); tag != "" {
					lines[j] += " " + strconv.Quote(tag)
				}
			}
			end := f.Type.End()
			if f.Tag != nil {
				end = f.Tag.End()
			}
			w.replace(f.Pos(), end, strings.Join(lines, "; "))
		})
	}
}

// directives deletes directives that don't hold in the bundle. If minified, it deletes
// all comments.
func (w *partWriter) directives() {
	from, to := w.t.Start(), w.t.End()
	for _, g := range w.t.File.CommentsFrom(from) {
		if g.Pos() > to {
			break
		}
		for _, c := range g.List {
			if w.options.Minify || dropped(c.Text, w.t.Func()) {
				a, b := w.wholeLine(c)
				w.edits = append(w.edits, edit{a, b, w.lineFeed(c)})
			}
		}
	}
}

// lineFeed returns the line break that replaces a comment, if a statement may end in
// it.
func (w *partWriter) lineFeed(c *ast.Comment) string {
	if strings.HasPrefix(c.Text, "/*") && strings.Contains(c.Text, "\n") {
		return "\n"
	}
	return ""
}

// wholeLine returns the offsets of a comment, or of its line if nothing else is on it.
func (w *partWriter) wholeLine(c *ast.Comment) (from, to int) {
	src := w.t.File.Src
	from, to = w.offset(c.Pos()), w.offset(c.End())
	a, b := from, to
	for a > 0 && (src[a-1] == ' ' || src[a-1] == '\t') {
		a--
	}
	for b < len(src) && (src[b] == ' ' || src[b] == '\t' || src[b] == '\r') {
		b++
	}
	if (a == 0 || src[a-1] == '\n') && b < len(src) && src[b] == '\n' {
		return a, b + 1
	}
	return from, to
}

// kept has the go: directives that stay in the bundle.
var kept = map[string]bool{
	"noinline": true, "nosplit": true, "norace": true, "nocheckptr": true, "uintptrescapes": true,
}

// dropped reports whether a comment is a directive that doesn't hold in the bundle.
func dropped(text string, fn *ast.FuncDecl) bool {
	if strings.HasPrefix(text, "/*line ") {
		return true
	}
	text, ok := strings.CutPrefix(text, "//")
	if !ok {
		return false
	}
	if name, ok := strings.CutPrefix(text, "go:"); ok {
		name, _, _ = strings.Cut(strings.TrimSpace(name), " ")
		return !(kept[name] || name == "noescape" && fn != nil && fn.Body == nil)
	}
	return strings.HasPrefix(text, "line ") || strings.HasPrefix(text, "export ") ||
		strings.HasPrefix(text, " +build ") || strings.HasPrefix(text, "+build ")
}

// link adds the body of a function that has none in the source.
func (w *partWriter) link() {
	if len(w.t.Objects) == 0 {
		return
	}
	o := w.t.Objects[0]
	if body := w.names.Aliases[o].Body; body != "" {
		for path, name := range w.names.Imports {
			body = strings.ReplaceAll(body, "{"+path+"}", name)
		}
		w.insert(w.t.End(), " "+body)
	}
}
