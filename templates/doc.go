// Package templates writes what surrounds a kernel: the main package that the
// bundler turns into one file, kernel.py, which Kaggle starts, and the metadata of
// Kaggle's client.
//
//	src, err := templates.Main(plan, templates.MainOptions{Key: key.Text()})
//	// bundler.Bundle turns src into kernel.go, and go build builds the program
//	py, err := templates.Launcher{Program: …, SHA256: …, Source: kernelGo}.Python()
//	json, err := templates.Kernel{Owner: "you", Title: "best ensemble", …}.JSON()
//
// All functions go from values to bytes: the same values give the same bytes, and
// no file is read or written.
//
// The package refuses what Kaggle refuses or silently changes: titles of the wrong
// length, file names that do not survive an upload, and scripts of a megabyte. It
// refuses a key in anything public.
package templates
