// Package templates makes what surrounds a kernel: the main package that the
// bundler makes into one file, the Python launcher that Kaggle starts, and the
// metadata files of Kaggle's client.
//
//	src, err := templates.Main(plan, templates.MainOptions{Key: key.Text()})
//	// bundler.Bundle makes kernel.go of it, go build the program
//	py, err := templates.Launcher{Program: …, SHA256: …, Source: kernelGo}.Python()
//	json, err := templates.Kernel{Owner: "you", Title: "best ensemble", …}.JSON()
//
// The same values give the same bytes. Functions here go from values to bytes;
// they read and write no file.
//
// It refuses what Kaggle would refuse, or would change unasked: titles and names
// of the wrong length, file names that do not survive an upload, scripts of a
// megabyte, and a key in anything that is public.
package templates
