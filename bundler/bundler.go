package bundler

import (
	"context"
	"errors"
	"fmt"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Options say what to bundle, and how. The zero value bundles the main package
// in the current folder.
type Options struct {
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
	// Env has additional variables of the environment, as "KEY=value": GOOS,
	// GOARCH, GOEXPERIMENT, GOFLAGS... CGO_ENABLED=0 says that the pure-Go
	// variants of packages with cgo are wanted.
	Env []string
	// Overlay has contents of files by absolute path: they are taken instead
	// of, or beside, what lies on disk.
	Overlay map[string][]byte
	// Output is the file that the caller will write the bundle to. Bundle refuses
	// a file in the folder of one of the program's packages: it would become part
	// of that package. Empty means that there is no such file.
	Output string

	// Licenses appends the licence files of the modules as comments.
	Licenses bool
	// Minify drops comments, except for licences, and shortens names that
	// nothing can see at run time.
	Minify bool
	// KeepAll keeps what is unreachable too. It is for comparisons.
	KeepAll bool
	// By is named in the first line of the bundle; empty means "bundler".
	By string
	// Progress, if not nil, is called before each step with its description, such
	// as "type-checking 312 packages". Calls never overlap.
	Progress func(doing string)

	flags []string // further flags of the go command
}

// Result is a bundle.
type Result struct {
	// Source is the file: package main, gofmt-clean, the standard library only.
	Source []byte
	// Warnings tell where the bundle can behave in another way than the program.
	Warnings []Warning
	// Report tells what was kept.
	Report Report
}

// Warning is something that the program does, and that can't be the same in one
// package.
type Warning struct {
	Pos  token.Position // may be invalid
	Text string
}

// String returns file:line:col: text.
func (w Warning) String() string {
	if !w.Pos.IsValid() {
		return w.Text
	}
	return w.Pos.String() + ": " + w.Text
}

// Error is a refusal or a mistake in the program: where, what, and what to do.
type Error struct {
	Pos  token.Position // may be invalid
	Text string
	Hint string // may be empty
}

// Error returns file:line:col: text.
func (e *Error) Error() string { return Warning{e.Pos, e.Text}.String() }

// stages lists the steps of Bundle in order. A stage without a description
// reports its progress itself.
var stages = []struct {
	name, doing string
	run         func(context.Context, *program) error
}{
	{"load", "", load}, // list, parse and type-check all packages
	{"check", "looking for what one Go file can't hold", check},
	{"reach", "finding what the program can reach", reach},
	{"order", "ordering the initialization", order},
	{"build info", "", buildInfo}, // what debug.ReadBuildInfo is to return
	{"warn", "", warnings},        // what can't be the same in one package
	{"rename", "renaming", rename},
	{"print", "", write}, // one gofmt-clean file
	{"self-check", "type-checking the bundle", selfCheck},
}

// Bundle makes one Go file of the main package that the options name.
//
// It returns an [*Error] for what it refuses and for mistakes in the program.
// It runs the go command, and writes nothing but go's build cache.
func Bundle(ctx context.Context, o Options) (*Result, error) {
	if err := o.resolve(); err != nil {
		return nil, err
	}
	res, err := runStages(ctx, &program{opts: &o, lean: true})
	if errors.Is(err, errLean) {
		res, err = runStages(ctx, &program{opts: &o})
	}
	return res, err
}

// runStages runs all stages on a program. A panic becomes an error.
func runStages(ctx context.Context, p *program) (_ *Result, err error) {
	stage := ""
	defer func() {
		if fault := recover(); fault != nil {
			err = panicked(stage, fault)
		}
	}()
	defer p.close()
	for _, s := range stages {
		if stage = s.name; s.doing != "" {
			p.progress("%s", s.doing)
		}
		if err := s.run(ctx, p); err != nil {
			return nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return &Result{Source: p.output, Warnings: p.warnings, Report: p.result}, nil
}

// progress describes the next step to the caller.
func (p *program) progress(format string, args ...any) {
	if p.opts.Progress != nil {
		p.opts.Progress(fmt.Sprintf(format, args...))
	}
}

// panicked returns a panic of a stage as an error of one line.
func panicked(stage string, fault any) error {
	line, _, _ := strings.Cut(fmt.Sprint(fault), "\n")
	return &Error{
		Text: fmt.Sprintf("internal error: stage %s: %s", stage, line),
		Hint: "please report this as a bug of the bundler, with the program",
	}
}

// resolve makes Dir absolute, and moves it into Package's folder if that is one:
// a folder may lie in another module than the current one.
func (o *Options) resolve() error {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return err
	}
	o.Dir = dir
	if o.Package == "" {
		o.Package = "."
	}
	if strings.Contains(o.Package, "...") || strings.HasPrefix(o.Package, "-") || slices.Contains(metaPackages, o.Package) {
		return &Error{Text: fmt.Sprintf("%q isn't one package", o.Package), Hint: "name a folder or an import path of one main package"}
	}
	at := o.Package
	if !filepath.IsAbs(at) {
		at = filepath.Join(dir, at)
	}
	local := filepath.IsAbs(o.Package) || strings.HasPrefix(o.Package, ".")
	switch info, err := os.Stat(at); {
	case err == nil && info.IsDir():
		o.Dir, o.Package = at, "."
	case err == nil && strings.HasSuffix(at, ".go"):
		o.Dir, o.Package = filepath.Dir(at), filepath.Base(at)
	case err == nil:
		return &Error{Text: o.Package + " is neither a folder nor a .go file", Hint: "name a folder, a .go file or an import path"}
	case local && strings.HasSuffix(at, ".go") && errors.Is(err, os.ErrNotExist) && !o.inOverlay(filepath.Dir(at)):
		return &Error{Text: o.Package + ": no such file"}
	case local && errors.Is(err, os.ErrNotExist) && !o.inOverlay(at):
		return &Error{Text: fmt.Sprintf("%s: no such folder", o.Package)}
	case local && o.inOverlay(at):
		o.Package = at
	}
	for name := range o.Overlay {
		if !filepath.IsAbs(name) {
			return fmt.Errorf("overlay: %s: the path isn't absolute", name)
		}
	}
	return nil
}

// metaPackages are the names that stand for many packages in the go command.
var metaPackages = []string{"all", "cmd", "main", "std", "tool", "work"}

// inOverlay reports whether the overlay has a file in the folder.
func (o *Options) inOverlay(dir string) bool {
	for name := range o.Overlay {
		if filepath.Dir(name) == dir {
			return true
		}
	}
	return false
}
