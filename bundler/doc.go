// Package bundler makes one Go file of a main package and everything it
// imports outside of the standard library. The file does what the program does.
//
//	res, err := bundler.Bundle(ctx, bundler.Options{Package: "./cmd/hello"})
//	...
//	err = os.WriteFile("hello.go", res.Source, 0o644)
//
// # Guarantees
//
// The file is package main, imports the standard library only, is gofmt-clean,
// and compiles alone, without a module. It holds what the program can reach, in
// the order of the linker, and prints what the program prints: initialisation,
// language versions and GODEBUG settings of dependencies, embedded files,
// methods that only reflection calls, and the identity of unexported names stay
// what they are. Equal inputs give equal bytes. Nothing is returned that hasn't
// been type-checked.
//
// # Refusals
//
// C (cgo), and assembly that the program reaches and that has no variant in Go,
// are refused with an [*Error] that names the place, the way there, and build
// tags that help. So are broken programs.
//
// # Limits
//
// One package has one name: what shows type, function or file names at run time
// (%T, stack traces, runtime.Caller) shows those of the bundle. Such places are
// told as warnings. See docs/bundler.md.
package bundler
