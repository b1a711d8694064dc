package source

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A Request says which program to load, and from where.
type Request struct {
	// Dir is where the go command runs; Package is resolved there. Empty means
	// the current folder.
	Dir string
	// Package is an import path, a relative or absolute folder, or a .go file.
	// Empty means ".".
	Package string
	// Tags are build tags. They replace those of GOFLAGS if there are any, or
	// if TagsSet.
	Tags    []string
	TagsSet bool
	// Env has additional variables of the environment, as "KEY=value".
	Env []string
	// Overlay has contents of files by absolute path, in place of those on disk.
	Overlay map[string][]byte
	// Output is the file that the bundle will be written to, or empty.
	Output string
	// KeepBodies makes the type checker see the bodies of functions whose names
	// nothing mentions, too.
	KeepBodies bool
	// Progress, if not nil, is called before each step with its description.
	Progress func(doing string)

	flags []string // further flags of the go command
}

// Announce describes the next step to the caller.
func (r *Request) Announce(format string, args ...any) {
	if r.Progress != nil {
		r.Progress(fmt.Sprintf(format, args...))
	}
}

// Resolve makes Dir absolute, and moves it into Package's folder if that is one:
// a folder may lie in another module than the current one.
func (r *Request) Resolve() error {
	dir, err := filepath.Abs(r.Dir)
	if err != nil {
		return err
	}
	r.Dir = dir
	if r.Package == "" {
		r.Package = "."
	}
	if strings.Contains(r.Package, "...") || strings.HasPrefix(r.Package, "-") || slices.Contains(metaPackages, r.Package) {
		return &Error{Text: fmt.Sprintf("%q isn't one package", r.Package), Hint: "name a folder or an import path of one main package"}
	}
	at := r.Package
	if !filepath.IsAbs(at) {
		at = filepath.Join(dir, at)
	}
	local := filepath.IsAbs(r.Package) || strings.HasPrefix(r.Package, ".")
	switch info, err := os.Stat(at); {
	case err == nil && info.IsDir():
		r.Dir, r.Package = at, "."
	case err == nil && strings.HasSuffix(at, ".go"):
		r.Dir, r.Package = filepath.Dir(at), filepath.Base(at)
	case err == nil:
		return &Error{Text: r.Package + " is neither a folder nor a .go file", Hint: "name a folder, a .go file or an import path"}
	case local && strings.HasSuffix(at, ".go") && errors.Is(err, os.ErrNotExist) && !r.inOverlay(filepath.Dir(at)):
		return &Error{Text: r.Package + ": no such file"}
	case local && errors.Is(err, os.ErrNotExist) && !r.inOverlay(at):
		return &Error{Text: fmt.Sprintf("%s: no such folder", r.Package)}
	case local && r.inOverlay(at):
		r.Package = at
	}
	for name := range r.Overlay {
		if !filepath.IsAbs(name) {
			return fmt.Errorf("overlay: %s: the path isn't absolute", name)
		}
	}
	return nil
}

// metaPackages are the names that stand for many packages in the go command.
var metaPackages = []string{"all", "cmd", "main", "std", "tool", "work"}

// inOverlay reports whether the overlay has a file in the folder.
func (r *Request) inOverlay(dir string) bool {
	for name := range r.Overlay {
		if filepath.Dir(name) == dir {
			return true
		}
	}
	return false
}

// Read returns the contents of a file, of the overlay first.
func (r *Request) Read(name string) ([]byte, error) {
	if src, ok := r.Overlay[name]; ok {
		return src, nil
	}
	return os.ReadFile(name)
}

// importIn finds an import in a Go file.
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

// tagFlags returns the flags of the go command for the build tags, and those that
// the bundler adds.
func (r *Request) tagFlags() []string {
	if r.TagsSet || len(r.Tags) > 0 {
		return append(slices.Clip(r.flags), "-tags="+strings.Join(r.Tags, ","))
	}
	return r.flags
}

// BuildFlags are the options of the go command for tags and overlay.
func (r *Request) BuildFlags() (args []string, remove func(), err error) {
	args = r.tagFlags()
	if len(r.Overlay) == 0 {
		return args, func() {}, nil
	}
	name, remove, err := writeOverlay(r.Overlay)
	return append(args, "-overlay="+name), remove, err
}

// writeOverlay stores the files of an overlay in the form of `go build -overlay`.
func writeOverlay(files map[string][]byte) (name string, remove func(), err error) {
	dir, err := os.MkdirTemp("", "bundle-overlay-")
	if err != nil {
		return "", nil, err
	}
	remove = func() { _ = os.RemoveAll(dir) }
	replace := make(map[string]string, len(files))
	for path, data := range files {
		at := filepath.Join(dir, fmt.Sprintf("%d%s", len(replace), filepath.Ext(path)))
		if err = os.WriteFile(at, data, 0o600); err != nil {
			break
		}
		replace[path] = at
	}
	if err == nil {
		var doc []byte
		if doc, err = json.Marshal(map[string]any{"Replace": replace}); err == nil {
			name = filepath.Join(dir, "overlay.json")
			err = os.WriteFile(name, doc, 0o600)
		}
	}
	if err != nil {
		remove()
		return "", nil, fmt.Errorf("storing the overlay: %w", err)
	}
	return name, remove, nil
}
