package chart

import (
	"cmp"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"unicode/utf8"

	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"
)

// Normal holds the mean and deviation by which images were normalized.
type Normal struct{ Mean, Std [3]float32 }

// Tile is an image of a mosaic with its caption.
type Tile struct {
	Image  []float32 // (size, size, 3), normalized
	ID     string
	Labels string
}

// Sizes in a mosaic, in pixels.
const (
	gap       = 4
	leastSide = 128 // smaller images are magnified
	lineStep  = 13  // of the text
	caption   = 2*lineStep + 4
)

// Mosaic draws images of size x size pixels in a grid about twice as wide as high, each
// with its id and labels below. It magnifies small images by a whole number.
func Mosaic(w io.Writer, tiles []Tile, size int, normal Normal) error {
	scale := max(1, (leastSide+size-1)/size)
	side := scale * size
	n := len(tiles)
	columns := max(1, min(n, int(math.Ceil(math.Sqrt(2*float64(n))))))
	rows := (n + columns - 1) / columns
	out := image.NewNRGBA(image.Rect(0, 0, columns*(side+gap)+gap, rows*(side+gap+caption)+gap))
	for i := range out.Pix {
		out.Pix[i] = 255
	}
	for i, t := range tiles {
		x0, y0 := gap+i%columns*(side+gap), gap+i/columns*(side+gap+caption)
		paint(out, x0, y0, t.Image, size, scale, normal)
		room := side / basicfont.Face7x13.Advance
		write(out, x0, y0+side+lineStep, fit(t.ID, room), color.Black)
		write(out, x0, y0+side+2*lineStep, fit(cmp.Or(t.Labels, "no label"), room), color.Gray{90})
	}
	return png.Encode(w, out)
}

// paint draws a normalized image, magnified by scale.
func paint(out *image.NRGBA, x0, y0 int, pixels []float32, size, scale int, normal Normal) {
	for y := range size * scale {
		for x := range size * scale {
			p := pixels[(y/scale*size+x/scale)*3:][:3]
			var c [3]uint8
			for k := range c {
				c[k] = uint8(max(0, min(255, (p[k]*normal.Std[k]+normal.Mean[k])*255+0.5)))
			}
			out.SetNRGBA(x0+x, y0+y, color.NRGBA{c[0], c[1], c[2], 255})
		}
	}
}

// write draws a line of text whose baseline begins at (x, y).
func write(out *image.NRGBA, x, y int, text string, c color.Color) {
	d := font.Drawer{Dst: out, Src: image.NewUniform(c), Face: basicfont.Face7x13, Dot: fixed.P(x, y)}
	d.DrawString(text)
}

// fit shortens a text to n letters. It drops the middle, because ids differ at their
// ends.
func fit(text string, n int) string {
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	r := []rune(text)
	const dots = ".."
	head := (n - len(dots) + 1) / 2
	return string(r[:head]) + dots + string(r[len(r)-(n-len(dots)-head):])
}
