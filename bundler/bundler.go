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

// Bundle makes one Go file of the main package that the options name.
//
// It returns an [*Error] for what it refuses and for mistakes in the program.
// It runs the go command, and writes nothing but go's build cache.
func Bundle(ctx context.Context, o Options) (*Result, error) {
	res, err := (&bundling{options: &o}).run(ctx)
	return res, public(err)
}

// public returns an error of a stage as one of this package.
func public(err error) error {
	if e := (*source.Error)(nil); errors.As(err, &e) {
		return (*Error)(e)
	}
	return err
}

// A bundling is one run of the stages.
type bundling struct {
	options *Options
	stage   string          // that runs
	program *source.Program // the newest; nil before the first
}

// run passes the program from stage to stage. A panic becomes an error.
func (b *bundling) run(ctx context.Context) (res *Result, err error) {
	defer func() {
		b.program.Close()
		if fault := recover(); fault != nil {
			res, err = nil, panicked(b.stage, fault)
		}
	}()
	live, err := b.reachable(ctx) // source and reach
	if err != nil {
		return nil, err
	}
	b.begin("names", "renaming")
	named, err := names.Assign(ctx, live, b.options.Minify)
	if err != nil {
		return nil, err
	}
	b.begin("print", "printing and formatting "+source.Count(len(named.Kept), "package"))
	file, err := print.Write(ctx, named, print.Options{By: b.options.By, Licenses: b.options.Licenses, Minify: b.options.Minify})
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

// reachable loads the program and finds what it can reach. It loads the program
// again if a function body is needed that was left out, or if portable code can
// stand in for assembly.
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

// begin notes the stage that runs, and describes the next step to the caller.
func (b *bundling) begin(stage, doing string) {
	b.stage = stage
	if b.options.Progress != nil {
		b.options.Progress(doing)
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

// request returns what the stage source is asked for.
func (o *Options) request() (*source.Request, error) {
	r := &source.Request{
		Dir: o.Dir, Package: o.Package, Tags: o.Tags, TagsSet: o.TagsSet, Env: o.Env, Overlay: o.Overlay,
		Output: o.Output, KeepBodies: o.KeepAll, Progress: o.Progress,
	}
	return r, r.Resolve()
}

// result collects what the stages return.
func result(l *reach.Live, n *names.Table, f *print.File) *Result {
	res := &Result{Source: f.Text, Report: Report{Std: slices.Sorted(maps.Keys(n.Imports)), Methods: l.Methods}}
	for _, w := range slices.Concat(l.Warnings, n.Warnings) {
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
