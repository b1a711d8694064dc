package demodata

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"testing"
)

// The tolerance covers quantization.
func TestImageJPEGDecodesEveryKind(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 45, 37))
	for y := range 37 {
		for x := range 45 {
			img.SetNRGBA(x, y, color.NRGBA{uint8(5 * x), uint8(6 * y), uint8(200 - 2*x - 2*y), 255})
		}
	}
	for _, k := range append(jpegKinds, jpegKind{quality: 100, h: 1, v: 2}, jpegKind{quality: 100, h: 4, v: 1, progressive: true}) {
		got, err := jpeg.Decode(bytes.NewReader(encodeJPEG(img, k)))
		if err != nil {
			t.Errorf("%+v: %v", k, err)
			continue
		}
		for y := range 37 {
			for x := range 45 {
				r, g, b, _ := got.At(x, y).RGBA()
				want := img.NRGBAAt(x, y)
				if far(uint8(r>>8), want.R) || far(uint8(g>>8), want.G) || far(uint8(b>>8), want.B) {
					t.Fatalf("%+v: pixel %d,%d is %d %d %d, want %v", k, x, y, r>>8, g>>8, b>>8, want)
				}
			}
		}
	}
}

func far(a, b uint8) bool { return max(a, b)-min(a, b) > 24 }
