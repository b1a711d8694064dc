package jpeg_test

import (
	"errors"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision/jpeg"
)

// FuzzDecode checks that any file is refused or gives an image, without a panic.
func FuzzDecode(f *testing.F) {
	for name, data := range corpus(f) {
		if len(data) < 1000 || name == "incomplete-5.jpg" {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		jpeg.Format.Orientation(data)
		img, err := jpeg.Format.Decode(data, vision.DropAlpha)
		var damage *vision.DamageError
		if refused := err != nil && !errors.As(err, &damage); refused != (img == nil) {
			t.Fatalf("image %v with the error %v", img != nil, err)
		}
		if img != nil && len(img.Pix) != 3*img.W*img.H {
			t.Fatalf("%d bytes for %dx%d pixels", len(img.Pix), img.W, img.H)
		}
	})
}
