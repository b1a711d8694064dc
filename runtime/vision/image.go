// Package vision turns image files into the input of networks. It decodes files to
// RGB, resizes as Pillow, torchvision, OpenCV or TensorFlow do, crops, mirrors and
// normalizes.
//
//	d := vision.Decoder{Formats: []vision.Format{jpeg.Format, png.Format}}
//	img, err := d.DecodeFile("photo.jpg")
//	img = vision.Resize(img, 288, 288, vision.Bicubic)
//
//	p := vision.Preprocess{Size: 288, Mean: arch.Mean, Std: arch.Std}
//	p.Policy, p.Side = vision.ShorterSide, 320
//	p.View(img, 0, dst, nil) // 288*288*3 values, NHWC
//
// A [Decoder] decodes the formats it lists, each a package below this one. It
// checks the size that a file claims before it allocates memory. It refuses images
// of more than [MaxPixels] pixels, empty files and other formats. It decodes
// damaged files as far as possible.
//
// An [Interpolation] computes the same bytes as the library it is named after.
//
// No function changes the image it is given. All are safe for concurrent use, with
// one [Scratch] per goroutine.
// number of goroutines, each with a [Scratch] of its own.
package vision

import "fmt"

// Image is an RGB image with 8 bits per channel.
type Image struct {
	W, H int
	// Pix holds the rows from top to bottom, 3*W bytes each: R, G and B of every
	// pixel from left to right.
	Pix []uint8
}

// New returns a black image of w x h pixels.
func New(w, h int) *Image { return &Image{W: w, H: h, Pix: make([]uint8, 3*w*h)} }

// row returns the bytes of row y.
func (m *Image) row(y int) []uint8 { return m.Pix[3*m.W*y : 3*m.W*(y+1)] }

// Crop returns a copy of the w x h pixels from (x, y) on. It panics if they do not
// all lie inside the image.
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

// Border is a number of pixels on each side of an image.
type Border struct{ Top, Bottom, Left, Right int }

// Pad returns a copy of m with a border of the color, red, green and blue.
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

// FlipH returns a copy of m with left and right exchanged.
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
