package print

import (
	"cmp"
	"fmt"
	"go/ast"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/bundler/internal/reach"
	"github.com/deploy-kernel/deploy-kernel/bundler/internal/source"
)

// embedded returns the embedded files of the package that match a pattern of the
// part.
func embedded(t *reach.Part) (files []string) {
	for _, name := range t.Pkg.EmbedFiles {
		if slices.ContainsFunc(t.Embed, func(pattern string) bool { return embedMatches(pattern, name) }) {
			files = append(files, name)
		}
	}
	return files
}

// embedMatches reports whether a go:embed pattern matches a file or a folder around
// it. Files with hidden names below a folder match only patterns with the prefix
// "all:".
func embedMatches(pattern, name string) bool {
	pattern, all := strings.CutPrefix(pattern, "all:")
	pattern = path.Clean(pattern)
	if ok, _ := path.Match(pattern, name); ok {
		return true
	}
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) { // no pattern matches the folder of the package
		if ok, _ := path.Match(pattern, dir); !ok {
			continue
		}
		hidden := false
		for elem := range strings.SplitSeq(name[len(dir)+1:], "/") {
			hidden = hidden || elem[0] == '.' || elem[0] == '_'
		}
		if all || !hidden {
			return true
		}
	}
	return false
}

// embedText returns the declaration of an embedding variable, without the keyword.
func (w *partWriter) embedText() (string, error) {
	spec := w.t.Spec.(*ast.ValueSpec)
	name := w.names.Of(w.t.Objects[0])
	typ := w.apply(spec.Type.Pos(), spec.Type.End())
	files := embedded(w.t)
	kind := w.t.EmbedKind()
	if kind == source.EmbedFS {
		value, err := w.fsText(files)
		return name + " = " + value, err
	}
	if len(files) != 1 {
		return "", fmt.Errorf("%s: go:embed: %d files for one variable", w.names.Position(w.t.Pos()), len(files))
	}
	data, err := w.embedFile(files[0])
	if err != nil {
		return "", err
	}
	if kind == source.EmbedBytes {
		return name + " " + typ + " = []byte(" + w.literals.text(data) + ")", nil
	}
	return name + " " + typ + " = " + w.literals.text(data), nil
}

func (w *partWriter) embedFile(name string) (string, error) {
	full := filepath.Join(w.t.Pkg.Dir, filepath.FromSlash(name))
	data, err := w.names.Request.Read(full)
	return string(data), err
}

// fsText returns an embed.FS as an expression. Its only field points to a slice of
// files, sorted by folder and name; names of folders end in a slash. The layout is
// from embed/embed.go. The compiler fills it in the same way
// (cmd/compile/internal/staticdata/embed.go).
func (w *partWriter) fsText(files []string) (string, error) {
	names := slices.Clone(files)
	for _, f := range files {
		for dir := path.Dir(f); dir != "."; dir = path.Dir(dir) {
			names = append(names, dir+"/")
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		ad, ae := splitEmbed(a)
		bd, be := splitEmbed(b)
		return cmp.Or(strings.Compare(ad, bd), strings.Compare(ae, be))
	})
	names = slices.Compact(names)
	n := w.names
	file := n.Helper("embeddedFile")
	var b strings.Builder
	fmt.Fprintf(&b, "*(*%s.FS)(%s.Pointer(&struct{ files *[]%s }{&[]%s{\n", n.Imports["embed"], n.Imports["unsafe"], file, file)
	for _, name := range names {
		data := ""
		if !strings.HasSuffix(name, "/") {
			var err error
			if data, err = w.embedFile(name); err != nil {
				return "", err
			}
		}
		fmt.Fprintf(&b, "{name: %q, data: %s},\n", name, w.literals.text(data))
	}
	b.WriteString("}}))")
	return b.String(), nil
}

// embeddedFileText returns the declaration of a type with the layout of embed.file.
func embeddedFileText(name string) string {
	return "// " + name + " has the layout of the unexported type file of package embed.\n" +
		"type " + name + " struct {\n\tname, data string\n\t_ [16]byte\n}\n"
}

func splitEmbed(name string) (dir, elem string) {
	name = strings.TrimSuffix(name, "/")
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		return name[:i], name[i+1:]
	}
	return ".", name
}
