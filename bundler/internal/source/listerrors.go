package source

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/tools/go/packages"
)

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

// listFailure returns the error of a go command that listed no packages.
func listFailure(ctx context.Context, p *Program, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	text := strings.TrimSpace(err.Error())
	if _, after, ok := strings.Cut(text, "stderr: "); ok {
		text = after
	}
	out := listErrorOf(packages.Error{Msg: strings.ReplaceAll("\n"+text, "\ngo: ", "\n")}, p.Request.Package, p.Request.Dir)
	if strings.Contains(out.Text, "go.mod file not found") {
		out.Text = p.Request.Dir + ": " + out.Text
		out.Hint = "bundle a program inside of a module: go mod init makes one"
	}
	return out
}

// flagHint adds the value of GOFLAGS as a hint to errors about flags, and workHint
// to errors about go.work.
func flagHint(tool *GoTool, err error) error {
	flags := ""
	for _, kv := range tool.asked {
		if v, ok := strings.CutPrefix(kv, "GOFLAGS="); ok {
			flags = v
		}
	}
	refusal := (*Error)(nil)
	if !errors.As(err, &refusal) {
		refusal = &Error{Text: err.Error()}
		if errors.Is(err, context.Canceled) || errors.Is(err, exec.ErrNotFound) {
			return err
		}
	}
	if flags != "" && flagComplaint.MatchString(refusal.Text) && refusal.Hint == "" && !refusal.Pos.IsValid() {
		refusal.Hint = "GOFLAGS is " + strconv.Quote(flags) + ": unset it, or the part that is in the way"
	}
	if strings.Contains(refusal.Text, "go.work") && refusal.Hint == "" {
		refusal.Hint = workHint
	}
	return refusal
}

// flagComplaint matches the go command's errors about flags.
var flagComplaint = regexp.MustCompile(`GOFLAGS|\bflag\b|(^|\s)-[a-z]+\b`)

// loadError returns the first error of a package: of the parser, else of the type
// checker, else of the compiler.
func loadError(p *Program, l *Listing) error {
	for _, e := range l.from.Errors {
		if e.Kind == packages.ParseError {
			return listErrorOf(e, l.ImportPath, p.Request.Dir)
		}
	}
	if errs := l.from.TypeErrors; len(errs) > 0 {
		first := &Error{Pos: p.Fset.PositionFor(errs[0].Pos, false), Text: errs[0].Msg}
		if len(errs) > 1 && strings.HasPrefix(errs[1].Msg, "\t") { // "other declaration of x"
			first.Text += "; " + strings.TrimSpace(errs[1].Msg) + " at " + p.Position(errs[1].Pos)
		}
		return first
	}
	if len(l.from.Errors) > 0 {
		return listErrorOf(l.from.Errors[0], l.ImportPath, p.Request.Dir)
	}
	if !l.Standard && l.Types == nil {
		return errors.New("package " + l.ImportPath + " can't be loaded")
	}
	return nil
}
