package chart

import (
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
)

// Normal is how images were normalised.
type Normal struct{ Mean, Std [3]float32 }

// Mosaic draws normalised images, (n, size, size, 3), beside and below each
// other, as many in a row as make it about twice as wide as high.
func Mosaic(w io.Writer, images []float32, size int, normal Normal) error {
	const gap = 2
	n := len(images) / (3 * size * size)
	columns := min(n, int(math.Ceil(math.Sqrt(2*float64(n)))))
	rows := (n + columns - 1) / columns
	out := image.NewNRGBA(image.Rect(0, 0, columns*(size+gap)-gap, rows*(size+gap)-gap))
	for i := range n {
		x0, y0 := i%columns*(size+gap), i/columns*(size+gap)
		for y := range size {
			for x := range size {
				p := images[((i*size+y)*size+x)*3:][:3]
				var c [3]uint8
				for k := range c {
					c[k] = uint8(max(0, min(255, (p[k]*normal.Std[k]+normal.Mean[k])*255+0.5)))
				}
				out.SetNRGBA(x0+x, y0+y, color.NRGBA{c[0], c[1], c[2], 255})
			}
		}
	}
	return png.Encode(w, out)
}
