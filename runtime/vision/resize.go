package vision

import (
	"fmt"
	"math"
)

// Filter says how Resize weighs the pixels around a place.
type Filter uint8

// The filters, as Pillow names and defines them.
const (
	Bilinear Filter = iota // triangle, 1 pixel to each side
	Bicubic                // Keys' cubic convolution with a = -0.5, 2 pixels
	Lanczos                // sinc(x)*sinc(x/3), 3 pixels
)

func (f Filter) String() string {
	switch f {
	case Bilinear:
		return "bilinear"
	case Bicubic:
		return "bicubic"
	case Lanczos:
		return "lanczos"
	}
	return fmt.Sprintf("Filter(%d)", uint8(f))
}

// support is how far the filter reaches, in pixels of the coarser image.
func (f Filter) support() float64 { return float64(f) + 1 }

func (f Filter) at(x float64) float64 {
	x = math.Abs(x)
	switch {
	case x >= f.support():
		return 0
	case f == Bilinear:
		return 1 - x
	case f == Bicubic && x < 1:
		return (1.5*x-2.5)*x*x + 1
	case f == Bicubic:
		return (((x-5)*x+8)*x - 4) * -0.5
	}
	return sinc(x) * sinc(x/3)
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	x *= math.Pi
	return math.Sin(x) / x
}

// precision is the number of fractional bits of a weight: 32 bits of a sum,
// less 8 of a pixel, less 2 because filters overshoot (Pillow's Resample.c,
// PRECISION_BITS).
const precision = 32 - 8 - 2

// window is what one output pixel reads: input pixels from first on, with
// their weights.
type window struct {
	first   int
	weights []int32
}

// windows returns the windows of a line of in pixels resized to out pixels
// (Resample.c, precompute_coeffs and normalize_coeffs_8bpc).
func windows(in, out int, f Filter) []window {
	scale := float64(in) / float64(out)
	stretch := max(scale, 1)
	support := f.support() * stretch
	ws := make([]window, out)
	ks := make([]float64, 0, 2*int(math.Ceil(support))+1)
	for i := range ws {
		centre := (float64(i) + 0.5) * scale
		first := max(int(centre-support+0.5), 0)
		last := min(int(centre+support+0.5), in)
		sum := 0.0
		ks = ks[:0]
		for x := first; x < last; x++ {
			k := f.at((float64(x) - centre + 0.5) / stretch)
			ks = append(ks, k)
			sum += k
		}
		w := window{first: first, weights: make([]int32, len(ks))}
		for j, k := range ks {
			w.weights[j] = int32(math.Round(k / sum * (1 << precision)))
		}
		ws[i] = w
	}
	return ws
}

// Resize returns the image in another size; sides must be positive. It
// convolves along rows and then along columns, rounding in between, as
// Pillow's ImagingResample does.
func Resize(m *Image, w, h int, f Filter) *Image {
	if w < 1 || h < 1 {
		panic(fmt.Sprintf("vision: resize to %dx%d", w, h))
	}
	out := m
	if w != m.W {
		out = resizeRows(out, w, f)
	}
	if h != m.H {
		out = resizeColumns(out, h, f)
	}
	if out == m {
		out = &Image{W: m.W, H: m.H, Pix: append([]uint8(nil), m.Pix...)}
	}
	return out
}

func resizeRows(m *Image, w int, f Filter) *Image {
	out := New(w, m.H)
	ws := windows(m.W, w, f)
	for y := range m.H {
		src, dst := m.row(y), out.row(y)
		for x, win := range ws {
			r, g, b := int32(half), int32(half), int32(half)
			px := src[3*win.first:]
			px = px[:3*len(win.weights)]
			for _, k := range win.weights {
				r += int32(px[0]) * k
				g += int32(px[1]) * k
				b += int32(px[2]) * k
				px = px[3:]
			}
			dst[3*x], dst[3*x+1], dst[3*x+2] = clip(r), clip(g), clip(b)
		}
	}
	return out
}

func resizeColumns(m *Image, h int, f Filter) *Image {
	out := New(m.W, h)
	sums := make([]int32, 3*m.W)
	for y, win := range windows(m.H, h, f) {
		for i := range sums {
			sums[i] = half
		}
		for j, k := range win.weights {
			for i, v := range m.row(win.first + j) {
				sums[i] += int32(v) * k
			}
		}
		dst := out.row(y)
		for i, v := range sums {
			dst[i] = clip(v)
		}
	}
	return out
}

// half rounds a sum when it is cut to whole levels.
const half = 1 << (precision - 1)

func clip(v int32) uint8 { return uint8(min(max(v>>precision, 0), 255)) }
