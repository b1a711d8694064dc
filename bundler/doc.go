// Package bundler makes one Go file of a main package and of everything that it
// imports outside the standard library. The file does what the program does.
//
//	res, err := bundler.Bundle(ctx, bundler.Options{Package: "./cmd/hello"})
//	...
//	err = os.WriteFile("hello.go", res.Source, 0o644)
//
// # Guarantees
//
// The file is package main, imports only the standard library, is gofmt-clean, and
// compiles alone, without a module. It holds the declarations that the program can
// reach. These stay the same: the order of initialization, the language versions and
// GODEBUG settings of dependencies, embedded files, methods that only reflection
// calls, and the identity of unexported names. Equal inputs give equal bytes. Bundle
// returns only files that it has type-checked.
//
// # Refusals
//
// Bundle refuses programs with C (cgo), and programs that reach assembly without a
// variant in Go. The [*Error] names the place, the chain of imports that leads there,
// and build tags that help. Broken programs are errors, too.
//
// # Limits
//
// A bundle is one package with one name. Where a program shows names of types,
// functions or files at run time (%T, stack traces, runtime.Caller), it shows those
// of the bundle. Bundle returns a [Warning] for each kind of such places.
// See docs/bundler.md.
//
// # Stages
//
// The program passes through four stages, each a package in internal. A stage is a
// function from the output of the stage before to its own:
//
//	source   lists, type-checks and orders the packages, and cuts them into parts
//	reach    finds the parts that can run
//	names    gives them one name space
//	print    makes one file of their source, and type-checks it
package bundler
