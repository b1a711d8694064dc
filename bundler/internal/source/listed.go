package source

import (
	"context"
	"fmt"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/tools/go/packages"
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

var (
	positioned = regexp.MustCompile(`^(.+?):(\d+):(?:(\d+):)? (.*)$`)
	cycleStack = regexp.MustCompile(`import cycle not allowed: import stack: \[(.*)\]`)
)

// workHint is the hint of errors about go.work.
const workHint = "set GOWORK=off to do without the workspace"

// cycleOf returns the import paths of the cycle that e reports, or nothing.
func cycleOf(e packages.Error) []string {
	if m := cycleStack.FindStringSubmatch(e.Msg); m != nil {
		return strings.Fields(m[1])
	}
	return nil
}

// importPos returns the position at which one package imports another.
func (p *Program) importPos(from, to string) token.Position {
	if l := p.Listed[from]; l != nil {
		for _, name := range l.GoFiles {
			if pos := p.Request.importIn(name, to); pos.Line > 0 {
				return pos
			}
		}
	}
	return token.Position{}
}

// packageClause returns the position of the first package clause of a package.
func (p *Program) packageClause(l *Listing) token.Position {
	for _, name := range l.GoFiles {
		src, _ := p.Request.Read(name)
		fset := token.NewFileSet()
		if f, err := parser.ParseFile(fset, name, src, parser.PackageClauseOnly); err == nil {
			return fset.Position(f.Package)
		}
	}
	return token.Position{}
}

// listErrorOf converts an error of the go command, which may contain the compiler's
// output. The first line becomes the text, the next ones the hint.
func listErrorOf(e packages.Error, path, dir string) *Error {
	var lines []string
	for line := range strings.Lines(e.Msg) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		lines = []string{"package " + path + " can't be loaded"}
	}
	out := &Error{Text: lines[0]}
	if stack := cycleOf(e); stack != nil {
		out.Text = "import cycle: " + strings.Join(stack, " → ")
	} else if len(lines) > 1 {
		if strings.HasSuffix(lines[0], ":") {
			out.Text += " " + lines[1]
			if positioned.MatchString(lines[1]) {
				out.Text = lines[1]
			}
			lines = lines[1:]
		}
		out.Hint = strings.Join(lines[1:min(len(lines), 5)], "; ")
	}
	out.Text = strings.TrimPrefix(out.Text, "go: ")
	if out.Hint == "" && strings.Contains(out.Text, "go.work") {
		out.Hint = workHint
	}
	pos := strings.TrimPrefix(e.Pos, "-")
	if m := positioned.FindStringSubmatch(out.Text); m != nil && pos == "" {
		pos, out.Text = m[1]+":"+m[2]+":"+m[3], m[4]
	}
	if f := strings.Split(pos, ":"); len(f) >= 2 {
		if out.Pos.Filename = f[0]; !filepath.IsAbs(f[0]) {
			out.Pos.Filename = filepath.Join(dir, f[0])
		}
		out.Pos.Line, _ = strconv.Atoi(f[1])
		if len(f) > 2 {
			out.Pos.Column, _ = strconv.Atoi(f[2])
		}
	}
	return out
}
