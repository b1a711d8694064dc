// Package vision turns image files into what networks read: decoded to RGB,
// resized as Pillow, torchvision, OpenCV or TensorFlow does it, cropped, flipped
// and normalized.
//
//	d := vision.Decoder{Formats: []vision.Format{jpeg.Format, png.Format}}
//	img, err := d.DecodeFile("photo.jpg")
//	img = vision.Resize(img, 288, 288, vision.Bicubic)
//
//	p := vision.Preprocess{Size: 288, Mean: arch.Mean, Std: arch.Std}
//	p.Policy, p.Side = vision.ShorterSide, 320
//	p.View(img, 0, dst, nil) // 288*288*3 floats, NHWC
//
// A [Decoder] decodes the formats it names, each of which is a package below
// this one. It checks the size that a file claims before it allocates, and
// refuses more than [MaxPixels] pixels, empty files and other formats. Damaged
// files are decoded as far as that is possible.
//
// An [Interpolation] gives the bytes of the library that it is named after.
// All functions leave their images as they are and may be called from any
// number of goroutines, each with a [Scratch] of its own.
package vision

import "fmt"

// Image is an RGB image of 8 bits a channel.
type Image struct {
	W, H int
	// Pix are the rows from top to bottom, 3*W bytes each: R, G, B of every
	// pixel from left to right.
	Pix []uint8
}

// New returns a black image.
func New(w, h int) *Image { return &Image{W: w, H: h, Pix: make([]uint8, 3*w*h)} }

// row returns the bytes of row y.
func (m *Image) row(y int) []uint8 { return m.Pix[3*m.W*y : 3*m.W*(y+1)] }

// Crop returns a copy of the w x h pixels whose first is (x, y). It panics
// where they are not all inside the image, as slicing does.
func Crop(m *Image, x, y, w, h int) *Image {
	if x < 0 || y < 0 || w < 0 || h < 0 || x+w > m.W || y+h > m.H {
		panic(fmt.Sprintf("vision: crop of %dx%d at (%d,%d) is out of a %dx%d image", w, h, x, y, m.W, m.H))
	}
	out := New(w, h)
	for i := range h {
		copy(out.row(i), m.row(y + i)[3*x:])
	}
	return out
}

// Border is a number of pixels on each side.
type Border struct{ Top, Bottom, Left, Right int }

// Pad returns a copy with a border of one color around it.
func Pad(m *Image, b Border, color [3]uint8) *Image {
	out := New(m.W+b.Left+b.Right, m.H+b.Top+b.Bottom)
	for i := 0; i < len(out.Pix); i += 3 {
		copy(out.Pix[i:], color[:])
	}
	for y := range m.H {
		copy(out.row(b.Top + y)[3*b.Left:], m.row(y))
	}
	return out
}

// FlipH returns the mirror image: left and right exchanged.
func FlipH(m *Image) *Image {
	out := New(m.W, m.H)
	for y := range m.H {
		src, dst := m.row(y), out.row(y)
		for i, j := 0, len(src)-3; j >= 0; i, j = i+3, j-3 {
			copy(dst[i:i+3], src[j:])
		}
	}
	return out
}
