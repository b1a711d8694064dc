package source

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A Request names a program, and the environment in which to load it.
type Request struct {
	// Dir is the folder in which the go command runs and Package is resolved. Empty
	// means the current folder.
	Dir string
	// Package is an import path, a relative or absolute folder, or a .go file.
	// Empty means ".".
	Package string
	// Tags are build tags. If TagsSet, or if there are any, they replace the tags of
	// GOFLAGS.
	Tags    []string
	TagsSet bool
	// Env has additional environment variables, as "KEY=value".
	Env []string
	// Overlay maps absolute names of files to contents that replace those on disk.
	Overlay map[string][]byte
	// Output is the name of the file that the bundle will be written to. Empty means
	// none.
	Output string
	// KeepBodies loads the bodies of all functions. Otherwise functions whose names
	// nothing mentions lose theirs.
	KeepBodies bool
	// Progress, unless nil, is called before each step with its description.
	Progress func(doing string)

	flags []string // additional flags of the go command
}

// Announce passes the description of the next step to Progress.
func (r *Request) Announce(format string, args ...any) {
	if r.Progress != nil {
		r.Progress(fmt.Sprintf(format, args...))
	}
}

// Count returns a number with a noun, in the plural unless n is 1: "2 packages".
func Count(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}

// Resolve makes Dir absolute. If Package is a folder or a file, Dir becomes its
// folder, because that may lie in another module. It returns an error if Package
// can't be one package.
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

// metaPackages are names that stand for several packages in the go command.
var metaPackages = []string{"all", "cmd", "main", "std", "tool", "work"}

// inOverlay reports whether the overlay has a file in the folder dir.
func (r *Request) inOverlay(dir string) bool {
	for name := range r.Overlay {
		if filepath.Dir(name) == dir {
			return true
		}
	}
	return false
}

// Read returns the contents of a file in the overlay, or else on disk.
func (r *Request) Read(name string) ([]byte, error) {
	if src, ok := r.Overlay[name]; ok {
		return src, nil
	}
	return os.ReadFile(name)
}

// ReadText returns the contents of a file, or nothing if it can't be read.
func ReadText(name string) string {
	data, _ := os.ReadFile(name)
	return string(data)
}

// tagFlags returns the flags of the go command for the build tags, after the
// additional ones.
func (r *Request) tagFlags() []string {
	if r.TagsSet || len(r.Tags) > 0 {
		return append(slices.Clip(r.flags), "-tags="+strings.Join(r.Tags, ","))
	}
	return r.flags
}

// BuildFlags returns the flags of the go command for tags and overlay. The caller
// calls remove after the go command.
func (r *Request) BuildFlags() (args []string, remove func(), err error) {
	args = r.tagFlags()
	if len(r.Overlay) == 0 {
		return args, func() {}, nil
	}
	name, remove, err := writeOverlay(r.Overlay)
	return append(args, "-overlay="+name), remove, err
}

// writeOverlay writes the files of an overlay for `go build -overlay`. It returns the
// name of the JSON file.
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
