// Package formats lists all image formats that can be decoded.
//
//	d := vision.Decoder{Formats: formats.All()}
//	img, err := d.DecodeFile("photo.jpg")
//
// A program that imports this package links every decoder. A kernel imports the
// packages of the formats it needs instead.
package formats

import (
	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision/bmp"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision/gif"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision/jpeg"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision/png"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision/tiff"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision/webp"
)

// All returns every format.
func All() []vision.Format {
	return []vision.Format{jpeg.Format, png.Format, gif.Format, bmp.Format, tiff.Format, webp.Format}
}

// Names returns the names of all formats, in the order of [All].
func Names() []string {
	var names []string
	for _, f := range All() {
		names = append(names, f.Name)
	}
	return names
}
