// Package bundler makes one Go file of a main package and everything it
// imports outside of the standard library. The file does what the program does.
//
//	res, err := bundler.Bundle(ctx, bundler.Options{Package: "./cmd/hello"})
//	...
//	err = os.WriteFile("hello.go", res.Source, 0o644)
package bundler
