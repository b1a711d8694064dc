package source

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// checkListed refuses packages that the go command couldn't list, programs that one
// Go file can't hold, and packages other than main packages.
func checkListed(ctx context.Context, p *Program, tool *GoTool, listed []*Listing) error {
	if len(listed) == 0 {
		return &Error{Text: fmt.Sprintf("%s: no package", p.Request.Package)}
	}
	if err := p.checkOutput(); err != nil {
		return err
	}
	if err := checkBlocked(ctx, p, tool); err != nil {
		return err
	}
	for _, l := range listed {
		if len(l.from.Errors) > 0 {
			e := l.from.Errors[0]
			err := listErrorOf(e, l.ImportPath, p.Request.Dir)
			if stack := cycleOf(e); len(stack) > 1 {
				err.Pos = p.importPos(stack[len(stack)-2], stack[len(stack)-1])
			}
			return err
		}
	}
	root := listed[len(listed)-1]
	if strings.HasSuffix(p.Request.Package, "_test.go") || len(root.GoFiles) == 0 && strings.HasSuffix(root.Name, "_test") {
		return testsOnly(p.Request.Package)
	}
	if len(root.GoFiles) == 0 && root.Name != "" && hasTests(root.Dir) {
		return testsOnly(root.ImportPath)
	}
	if root.Name != "main" {
		return &Error{
			Pos:  p.packageClause(root),
			Text: fmt.Sprintf("%s is package %s, not a main package", root.ImportPath, root.Name),
			Hint: "name the folder of a program: the one with func main",
		}
	}
	return nil
}

// testsOnly returns the refusal of a package that has test files only.
func testsOnly(name string) error {
	return &Error{Text: name + " has test files only, and no program", Hint: "name the folder of a program: the one with func main"}
}

// hasTests reports whether a folder contains test files.
func hasTests(dir string) bool {
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	return err == nil && len(files) > 0
}

// checkOutput refuses an output file in the folder of one of the program's packages:
// the go command would compile it as part of that package.
func (p *Program) checkOutput() error {
	name := p.Request.Output
	if name == "" {
		return nil
	}
	base := filepath.Base(name)
	dir := realPath(filepath.Dir(name))
	for _, path := range p.Paths {
		l := p.Listed[path]
		if l.Standard || l.Dir == "" || realPath(l.Dir) != dir {
			continue
		}
		own := slices.ContainsFunc(l.GoFiles, func(file string) bool { return filepath.Base(file) == base })
		if !own && (path == adHoc || filepath.Ext(base) != ".go" || base[0] == '_' || base[0] == '.') {
			continue
		}
		text := "%s would become part of package %s, which lies in that folder"
		if own {
			text = "%s is a source file of package %s"
		}
		return &Error{
			Text: fmt.Sprintf(text, name, path),
			Hint: "write the bundle into a folder outside of the program",
		}
	}
	return nil
}

// realPath returns the absolute path of name. It resolves symbolic links if name exists.
func realPath(name string) string {
	if abs, err := filepath.Abs(name); err == nil {
		name = abs
	}
	if real, err := filepath.EvalSymlinks(name); err == nil {
		name = real
	}
	return name
}
