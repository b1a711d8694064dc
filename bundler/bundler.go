package bundler

import (
	"context"
	"errors"
	"fmt"
	"go/token"
	"maps"
	"slices"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/bundler/internal/names"
	"github.com/deploy-kernel/deploy-kernel/bundler/internal/print"
	"github.com/deploy-kernel/deploy-kernel/bundler/internal/reach"
	"github.com/deploy-kernel/deploy-kernel/bundler/internal/source"
	"github.com/deploy-kernel/deploy-kernel/internal/hint"
)

// Options say what to bundle, and how. The zero value bundles the main package in the
// current folder.
type Options struct {
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
	// Env has additional environment variables, as "KEY=value": GOOS, GOARCH,
	// GOEXPERIMENT, GOFLAGS, and so on. CGO_ENABLED=0 selects the pure-Go variants of
	// packages with cgo.
	Env []string
	// Overlay maps absolute names of files to their contents. They replace files on
	// disk or are added to them.
	Overlay map[string][]byte
	// Output is the name of the file that the caller will write the bundle to. Bundle
	// refuses a file in the folder of one of the program's packages, because it would
	// become part of that package. Empty means none.
	Output string

	// Licenses appends the license files of the modules as comments.
	Licenses bool
	// Minify drops comments other than license notices, and shortens names that
	// nothing shows at run time.
	Minify bool
	// KeepAll also keeps unreachable declarations, for comparisons.
	KeepAll bool
	// By is the name of the generator in the first line of the bundle. Empty means
	// "bundler".
	By string
	// Go is the oldest release that builds the bundle, such as "1.25", for its first
	// lines. Empty means the release that makes the bundle.
	Go string
	// Progress, unless nil, is called before each step with its description, such as
	// "type-checking 312 packages". Calls never overlap.
	Progress func(doing string)
}

// Result is a bundle.
type Result struct {
	// Source is the file. It imports only the standard library.
	Source []byte
	// Warnings name places where the bundle can behave in another way than the
	// program.
	Warnings []Warning
	// Report says what the bundle is made of.
	Report Report
}

// A Warning names a place where the bundle can behave in another way than the program.
type Warning struct {
	Pos  token.Position // invalid if the warning is about the whole program
	Text string
}

// String returns "file:line:col: text".
func (w Warning) String() string { return source.Warning(w).String() }

// An Error reports a mistake in the program, or a program that one Go file can't hold.
// If something can be done about it, the error that Bundle returns also has a method
// Hint() string, which [errors.As] finds.
type Error struct {
	Pos  token.Position // invalid if the error has no single place
	Text string         // what is wrong
}

// Error returns "file:line:col: text".
func (e *Error) Error() string { return Warning{e.Pos, e.Text}.String() }

// Bundle makes one Go file of the main package that the options name. It returns an
// [*Error] for mistakes in the program, and for programs that one Go file can't hold.
//
// Bundle runs the go command, which needs to be in PATH. It writes only to temporary
// folders, which it removes, and to the go command's caches.
func Bundle(ctx context.Context, o Options) (*Result, error) {
	res, err := (&bundling{options: &o}).run(ctx)
	return res, public(err)
}

// public converts an error of a stage to an [*Error], with its hint.
func public(err error) error {
	e := (*source.Error)(nil)
	if !errors.As(err, &e) {
		return err
	}
	if e.Hint == "" {
		return &Error{e.Pos, e.Text}
	}
	return hint.New(&Error{e.Pos, e.Text}, "%s", e.Hint)
}

// A bundling is one run of the stages.
type bundling struct {
	options *Options
	stage   string          // the current one
	program *source.Program // the last one that was loaded, or nil
}

// run runs the stages in order. It returns a panic as an error.
func (b *bundling) run(ctx context.Context) (res *Result, err error) {
	defer func() {
		b.program.Close()
		if fault := recover(); fault != nil {
			res, err = nil, panicked(b.stage, fault)
		}
	}()
	live, err := b.reachable(ctx) // the stages source and reach
	if err != nil {
		return nil, err
	}
	b.begin("names", "renaming")
	named, err := names.Assign(ctx, live, b.options.Minify)
	if err != nil {
		return nil, err
	}
	b.begin("print", "printing and formatting "+source.Count(len(named.Kept), "package"))
	file, err := print.Write(ctx, named, print.Options{By: b.options.By, Go: b.options.Go, Licenses: b.options.Licenses, Minify: b.options.Minify})
	if err != nil {
		return nil, err
	}
	res = result(live, named, file)
	b.program.Release()
	b.begin("print", "type-checking the bundle")
	if err := file.Check(ctx); err != nil {
		return nil, err
	}
	return res, nil
}

// reachable loads the program and finds what it can reach. It loads the program again
// if the program reaches a function whose body was emptied, or assembly that portable
// code can replace.
func (b *bundling) reachable(ctx context.Context) (*reach.Live, error) {
	r, err := b.options.request()
	for err == nil {
		b.stage = "source"
		if b.program, err = source.Load(ctx, r); err != nil {
			break
		}
		b.begin("reach", "finding what the program can reach")
		var found *reach.Live
		found, err = reach.Find(ctx, b.program, b.options.KeepAll)
		for err == nil && !found.Emptied && len(found.Missing) > 0 {
			var portable *source.Program
			if portable, err = b.program.WithoutAssembly(ctx, found.Missing); err != nil {
				break
			}
			b.program = portable
			found, err = reach.Find(ctx, b.program, b.options.KeepAll)
		}
		if err == nil && !found.Emptied {
			return found, nil
		}
		r.KeepBodies = true
	}
	return nil, err
}

// begin notes the current stage, and describes the next step to the caller.
func (b *bundling) begin(stage, doing string) {
	b.stage = stage
	if b.options.Progress != nil {
		b.options.Progress(doing)
	}
}

// panicked returns the panic of a stage as an error of one line.
func panicked(stage string, fault any) error {
	line, _, _ := strings.Cut(fmt.Sprint(fault), "\n")
	return &source.Error{
		Text: fmt.Sprintf("internal error: stage %s: %s", stage, line),
		Hint: "please report this as a bug of the bundler, with the program",
	}
}

// request returns the resolved input of the stage source.
func (o *Options) request() (*source.Request, error) {
	r := &source.Request{
		Dir: o.Dir, Package: o.Package, Tags: o.Tags, TagsSet: o.TagsSet, Env: o.Env, Overlay: o.Overlay,
		Output: o.Output, KeepBodies: o.KeepAll, Progress: o.Progress,
	}
	return r, r.Resolve()
}

// result collects the outputs of the stages.
func result(l *reach.Live, n *names.Table, f *print.File) *Result {
	res := &Result{Source: f.Text, Report: Report{Std: slices.Sorted(maps.Keys(n.Imports)), Methods: l.Methods}}
	for _, w := range n.Warnings {
		res.Warnings = append(res.Warnings, Warning(w))
	}
	for i, k := range l.Kept {
		res.Report.Packages = append(res.Report.Packages, PackageReport{
			Path: k.ImportPath, Version: k.Version, Bytes: f.Sizes[i], Kept: k.Count, Dropped: len(k.Dropped),
			Chain: k.Chain, Why: k.Why, DroppedNames: k.Dropped,
		})
	}
	return res
}
