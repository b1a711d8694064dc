package jpeg_test

import (
	"bytes"
	"image"
	"image/color"
	stdjpeg "image/jpeg"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision/jpeg"
)

// BenchmarkDecode decodes photographs of 4:2:0 and 4:4:4, baseline and
// progressive, to RGB, with this package and with image/jpeg.
func BenchmarkDecode(b *testing.B) {
	files := corpus(b)
	for _, c := range []struct{ name, file string }{
		{"420", "photo-0-300x200.jpg"},
		{"444", "photo-0-299x201-444.jpg"},
		{"progressive", "photo-0-300x200-progressive.jpg"},
	} {
		data := files[c.file]
		img, err := jpeg.Format.Decode(data, vision.DropAlpha)
		if err != nil {
			b.Fatalf("%s: %v", c.file, err)
		}
		pixels := float64(img.W * img.H)
		report := func(b *testing.B) {
			b.ReportMetric(pixels*float64(b.N)/1e6/b.Elapsed().Seconds(), "MP/s")
		}
		b.Run(c.name+"/ours", func(b *testing.B) {
			for b.Loop() {
				if _, err := jpeg.Format.Decode(data, vision.DropAlpha); err != nil {
					b.Fatal(err)
				}
			}
			report(b)
		})
		b.Run(c.name+"/image-jpeg", func(b *testing.B) {
			for b.Loop() {
				src, err := stdjpeg.Decode(bytes.NewReader(data))
				if err != nil {
					b.Fatal(err)
				}
				toRGB(src.(*image.YCbCr))
			}
			report(b)
		})
	}
}

// toRGB converts what image/jpeg returns.
func toRGB(src *image.YCbCr) *vision.Image {
	b := src.Bounds()
	img := vision.New(b.Dx(), b.Dy())
	for y := range img.H {
		row := img.Pix[3*img.W*y:][:3*img.W]
		for x := range img.W {
			c := src.COffset(x, y)
			p := (*[3]byte)(row[3*x:])
			p[0], p[1], p[2] = color.YCbCrToRGB(src.Y[src.YOffset(x, y)], src.Cb[c], src.Cr[c])
		}
	}
	return img
}
