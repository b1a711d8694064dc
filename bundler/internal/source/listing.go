package source

import (
	"context"
	"fmt"
	"go/types"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

// A Listing is what `go list` knows of a package.
type Listing struct {
	ImportPath, Name, Dir, Export string
	Standard                      bool
	Module                        *packages.Module
	Imports                       []string          // sorted import paths
	ImportMap                     map[string]string // import paths by import declarations that differ from them
	EmbedFiles                    []string          // relative to Dir, with slashes
	embeds                        bool              // some variable has a go:embed directive

	// Absolute names of the files that are compiled, of Go files that build
	// constraints exclude, and of other files.
	GoFiles, IgnoredFiles, OtherFiles []string

	Types *types.Package // nil before type-checking
	from  *packages.Package
}

// imported returns the path of the package that an import declaration denotes.
func (l *Listing) imported(path string) string {
	if real, ok := l.ImportMap[path]; ok {
		return real
	}
	return path
}

// assembly returns the names of the assembly files.
func (l *Listing) assembly() []string {
	return slices.DeleteFunc(slices.Clone(l.OtherFiles), func(name string) bool {
		ext := filepath.Ext(name)
		return ext != ".s" && ext != ".S"
	})
}

// metadata is what both calls of go/packages ask for.
const metadata = packages.NeedName | packages.NeedFiles | packages.NeedImports | packages.NeedModule |
	packages.NeedEmbedFiles | packages.NeedEmbedPatterns

// list lists the requested package and its dependencies in depth-first order,
// dependencies first. The imports of a package are visited in the order of paths.
func list(ctx context.Context, r *Request, goroot string, env []string) ([]*Listing, error) {
	cfg := &packages.Config{
		Mode: metadata | packages.NeedDeps, Context: ctx,
		Dir: r.Dir, Env: env, BuildFlags: r.tagFlags(), Overlay: r.Overlay,
	}
	roots, err := packages.Load(cfg, r.Package)
	if err != nil {
		return nil, err
	}
	if len(roots) > 1 {
		return nil, &Error{
			Text: fmt.Sprintf("%q is %d packages, the first %s and %s", r.Package, len(roots), roots[0].PkgPath, roots[1].PkgPath),
			Hint: "name a folder or an import path of one main package",
		}
	}
	return listings(roots, goroot), nil
}

// listings flattens an import graph, dependencies first.
func listings(roots []*packages.Package, goroot string) (all []*Listing) {
	seen := map[*packages.Package]bool{}
	var visit func(p *packages.Package)
	visit = func(p *packages.Package) {
		if seen[p] {
			return
		}
		seen[p] = true
		for _, name := range slices.Sorted(maps.Keys(p.Imports)) {
			visit(p.Imports[name])
		}
		all = append(all, newListing(p, goroot))
	}
	for _, p := range roots {
		visit(p)
	}
	return all
}

func newListing(p *packages.Package, goroot string) *Listing {
	l := &Listing{
		ImportPath: p.PkgPath, Name: p.Name, Dir: p.Dir, Export: p.ExportFile,
		Standard: p.Name != "main" && isStandard(p, goroot), Module: p.Module,
		ImportMap: map[string]string{}, embeds: len(p.EmbedPatterns) > 0,
		GoFiles: p.GoFiles, IgnoredFiles: p.IgnoredFiles, OtherFiles: p.OtherFiles,
		Types: p.Types, from: p,
	}
	for name, imp := range p.Imports {
		l.Imports = append(l.Imports, imp.PkgPath)
		if name != imp.PkgPath {
			l.ImportMap[name] = imp.PkgPath
		}
	}
	slices.Sort(l.Imports)
	for _, full := range p.EmbedFiles {
		if name, err := filepath.Rel(p.Dir, full); err == nil {
			l.EmbedFiles = append(l.EmbedFiles, filepath.ToSlash(name))
		}
	}
	return l
}

// isStandard reports whether a package belongs to the standard library: to GOROOT,
// but not to cmd.
func isStandard(p *packages.Package, goroot string) bool {
	src := filepath.Join(goroot, "src") + string(filepath.Separator)
	return strings.HasPrefix(p.Dir, src) && !strings.HasPrefix(p.PkgPath, "cmd/") || p.PkgPath == "unsafe"
}
