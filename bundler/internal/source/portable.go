package source

import (
	"bytes"
	"context"
	"fmt"
	"go/build"
	"go/build/constraint"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Many packages select assembly by GOARCH and have Go code for other processors. If
// no build tag selects that code, the package is loaded again with the files for an
// unknown processor. All other packages keep their files.

// A swap replaces the assembly of packages by portable Go code.
type swap struct {
	paths   []string          // import paths of the packages
	files   map[string][]byte // new contents of files by name
	exports map[string]string // names of export data, compiled with the assembly; see orderPackages
	flags   []string          // flags of the go command
	dir     string            // temporary folder of copied modules; may be empty
	before  *swap             // an earlier swap, whose dir is still in use; or nil
}

// WithoutAssembly loads the program again, with portable code in place of the
// assembly of packages that declare missing functions. It replaces only packages
// that have portable code and no usual build tag for it. If there are none, it
// returns the refusal of the functions, an [*Error]. The new program takes over the
// temporary files of p.
func (p *Program) WithoutAssembly(ctx context.Context, functions []Missing) (*Program, error) {
	q, err := p.portable(ctx, functions)
	if q == nil && err == nil {
		err = p.refuseMissing(ctx, functions)
	}
	return q, err
}

// portable returns the program with portable code for some of the functions. It
// returns nil if there is none or if it doesn't compile.
func (p *Program) portable(ctx context.Context, functions []Missing) (*Program, error) {
	var paths []string
	files := map[string][]byte{}
	for _, m := range functions {
		path := m.Part.Pkg.ImportPath
		if slices.Contains(paths, path) || p.swapped != nil && slices.Contains(p.swapped.paths, path) {
			continue
		}
		if portable := p.portableFiles(m.Part.Pkg); portable != nil {
			paths = append(paths, path)
			maps.Copy(files, portable)
		}
	}
	for _, tag := range usualTags {
		if len(paths) > 0 {
			paths = without(paths, p.pureWith(ctx, paths, []string{tag}))
		}
	}
	if len(paths) == 0 {
		return nil, ctx.Err()
	}
	s := &swap{paths: paths, files: files, exports: map[string]string{}}
	if s.before = p.swapped; s.before != nil {
		s.paths = slices.Concat(p.swapped.paths, paths)
		s.exports = maps.Clone(p.swapped.exports)
		maps.Copy(s.files, p.swapped.files)
	}
	for _, path := range p.Paths {
		if s.exports[path] == "" {
			s.exports[path] = p.Listed[path].Export
		}
	}
	q := &Program{swapped: s, Warnings: p.Warnings}
	if err := q.loadPortable(ctx, p); err != nil {
		s.remove()
		return nil, ctx.Err() // the portable code doesn't compile
	}
	for _, path := range paths {
		q.Warnings = append(q.Warnings, Warning{
			Text: fmt.Sprintf("package %s is bundled without its assembly for %s: the Go code for other processors stands in", path, p.Target.GOARCH),
		})
	}
	return q, nil
}

// loadPortable loads the program p with the files of q.swapped.
func (q *Program) loadPortable(ctx context.Context, p *Program) error {
	if err := q.swapped.prepare(ctx, p); err != nil {
		return err
	}
	r := *p.Request
	r.Overlay = maps.Clone(p.Request.Overlay)
	if r.Overlay == nil {
		r.Overlay = map[string][]byte{}
	}
	maps.Copy(r.Overlay, q.swapped.files)
	r.flags = slices.Concat(p.Request.flags, q.swapped.flags)
	r.KeepBodies = true
	q.Request = &r
	if err := q.load(ctx); err != nil {
		return err
	}
	return q.cutPackages()
}

// Close removes the temporary files of the program. It may be nil.
func (p *Program) Close() {
	if p == nil {
		return
	}
	for s := p.swapped; s != nil; s = s.before {
		s.remove()
	}
}

// remove removes the temporary folder of copied modules, if there is one.
func (s *swap) remove() {
	if s.dir != "" {
		_ = os.RemoveAll(s.dir)
	}
}

// portableFiles returns new contents for files of a package. Files that only this
// processor gets are excluded, and files for an unknown processor lose their build
// constraints. It returns nil if the package has no portable code.
func (p *Program) portableFiles(k *Package) map[string][]byte {
	c := p.portableContext()
	files := map[string][]byte{}
	added := false
	for _, name := range slices.Concat(k.GoFiles, k.IgnoredFiles) {
		if filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			continue
		}
		uses := slices.Contains(k.GoFiles, name)
		match, err := c.MatchFile(filepath.Dir(name), filepath.Base(name))
		if match = match && err == nil && p.Request.importIn(name, "C").Line == 0; match == uses {
			continue
		}
		if uses {
			files[name] = []byte("//go:build ignore\n\npackage " + k.Name + "\n")
			continue
		}
		src, err := p.Request.Read(name)
		if err != nil {
			return nil
		}
		files[name], added = unconstrained(src), true
	}
	if !added {
		return nil
	}
	for _, name := range k.assembly() {
		files[name] = []byte("//go:build ignore\n")
	}
	return files
}

// portableContext returns a build context that selects the files for an unknown
// processor.
func (p *Program) portableContext() *build.Context {
	c := build.Default
	c.GOOS, c.GOARCH, c.CgoEnabled = p.Target.GOOS, "portable", false
	c.BuildTags = p.Request.Tags
	if !p.Request.TagsSet && len(p.Request.Tags) == 0 {
		for flag := range strings.FieldsSeq(p.Target.GOFLAGS) {
			if tags, ok := strings.CutPrefix("-"+strings.TrimLeft(flag, "-"), "-tags="); ok {
				c.BuildTags = strings.Split(tags, ",")
			}
		}
	}
	c.ToolTags = slices.DeleteFunc(slices.Clone(build.Default.ToolTags), func(tag string) bool { return !strings.HasPrefix(tag, "goexperiment.") })
	for name := range strings.SplitSeq(p.Target.GOEXPERIMENT, ",") {
		c.ToolTags = append(c.ToolTags, "goexperiment."+name)
	}
	c.ReleaseTags = nil
	_, minor, _ := strings.Cut(LanguageOf(p.Target.GOVERSION), ".")
	last, _ := strconv.Atoi(minor)
	for i := range last {
		c.ReleaseTags = append(c.ReleaseTags, fmt.Sprintf("go1.%d", i+1))
	}
	c.OpenFile = func(name string) (io.ReadCloser, error) {
		src, err := p.Request.Read(name)
		return io.NopCloser(bytes.NewReader(src)), err
	}
	return &c
}

// unconstrained blanks the build constraints of a file. It keeps the line numbers.
func unconstrained(src []byte) []byte {
	lines := bytes.SplitAfter(src, []byte("\n"))
	for i, line := range lines {
		text := strings.TrimSpace(string(line))
		if strings.HasPrefix(text, "package ") {
			break
		}
		if constraint.IsGoBuild(text) || constraint.IsPlusBuild(text) {
			lines[i] = []byte("//\n")
		}
	}
	return bytes.Join(lines, nil)
}

// prepare copies the modules whose files change out of the module cache, where the
// go command ignores overlays. A copy of go.mod replaces these modules by the
// copies.
func (s *swap) prepare(ctx context.Context, p *Program) error {
	tool := NewGoTool(p.Request)
	out, err := tool.Run(ctx, "env", "GOMODCACHE")
	if err != nil {
		return err
	}
	cache := strings.TrimSpace(string(out)) + string(filepath.Separator)
	copies := map[string]string{} // folders of copies by folders of modules
	modfile := ""
	for _, path := range s.paths {
		m := p.Listed[path].Module
		if m == nil || !strings.HasPrefix(p.Listed[path].Dir, cache) || copies[m.Dir] != "" {
			continue
		}
		if s.dir == "" {
			if s.dir, err = os.MkdirTemp("", "bundle-portable-"); err != nil {
				return err
			}
			if modfile, err = copyGoMod(p, s.dir); err != nil {
				return err
			}
			s.flags = []string{"-modfile=" + modfile}
		}
		at := filepath.Join(s.dir, strconv.Itoa(len(copies)))
		copies[m.Dir] = at
		if err := copyModule(at, m.Dir, m.Path); err != nil {
			return err
		}
		old := m.Path + "@" + m.Version
		if _, err := tool.Run(ctx, "mod", "edit", "-replace="+old+"="+at, modfile); err != nil {
			return err
		}
	}
	for name, data := range maps.Clone(s.files) {
		for from, to := range copies {
			if rest, ok := strings.CutPrefix(name, from+string(filepath.Separator)); ok {
				delete(s.files, name)
				if err := os.WriteFile(filepath.Join(to, rest), data, 0o600); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// copyGoMod copies go.mod and go.sum of the main module. It returns the name of the
// new go.mod.
func copyGoMod(p *Program, dir string) (string, error) {
	if p.Main.Module == nil || p.Main.Module.GoMod == "" {
		return "", os.ErrNotExist
	}
	from := p.Main.Module.GoMod
	to := filepath.Join(dir, "go.mod")
	data, err := os.ReadFile(from)
	if err != nil {
		return "", err
	}
	if sum, err := os.ReadFile(strings.TrimSuffix(from, ".mod") + ".sum"); err == nil {
		if err := os.WriteFile(strings.TrimSuffix(to, ".mod")+".sum", sum, 0o600); err != nil {
			return "", err
		}
	}
	return to, os.WriteFile(to, data, 0o600)
}

// copyModule copies the files of a module as writable files. It adds a go.mod if
// there is none.
func copyModule(to, from, path string) error {
	err := filepath.WalkDir(from, func(name string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o755)
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), data, 0o644)
	})
	if err != nil {
		return err
	}
	mod := filepath.Join(to, "go.mod")
	if _, err := os.Stat(mod); err == nil {
		return nil
	}
	return os.WriteFile(mod, []byte("module "+path+"\n"), 0o644)
}
