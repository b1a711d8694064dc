package vision

import "fmt"

// Resize returns m resized to w x h pixels, both positive, with the pixels of the
// library that f names. Pillow's filters follow its releases before 13. The
// result of [TFBilinear] is rounded.
func Resize(m *Image, w, h int, f Interpolation) *Image {
	if w < 1 || h < 1 {
		panic(fmt.Sprintf("vision: resize to %dx%d", w, h))
	}
	out := New(w, h)
	var s Scratch
	s.resize(m, part{w, h, 0, 0, w, h}, oldOrder, f, tile{out.Pix, 3 * w})
	return out
}

// part is a region of a resized image of w x h pixels: nx x ny pixels from (x, y) on.
type part struct{ w, h, x, y, nx, ny int }

// order is the order in which Pillow's filters resize the two axes.
type order bool

const (
	oldOrder order = false // always along rows first, as before Pillow 13
	newOrder order = true  // as verticalFirst says
)

// tile is the destination of pixels: rows that lie stride bytes apart.
type tile struct {
	pix    []uint8
	stride int
}

func (t tile) row(y, bytes int) []uint8 { return t.pix[y*t.stride:][:bytes] }

// Scratch holds buffers and coefficients that successive calls reuse. The zero
// value is ready to use. It is not safe for concurrent use.
type Scratch struct {
	columns, rows coefficients
	row           []uint8   // of the source, resized
	sums          []int32   // of the rows of the result that are not finished
	lines         [2]line   // of OpenCVLinear
	taps          [2][]tap  // of OpenCVLinear: columns and rows
	cells         [2][]cell // of OpenCVArea: columns and rows
	floats        []float32 // sums of OpenCVArea
	pixels        []uint8   // of a view
	exact         []float32 // of a view, with TFBilinear
	levels        levels    // normalized
}

// resize writes region p of the resized m to dst.
func (s *Scratch) resize(m *Image, p part, o order, f Interpolation, dst tile) {
	switch {
	case p.w == m.W && p.h == m.H:
		for y := range p.ny {
			copy(dst.row(y, 3*p.nx), m.row(p.y + y)[3*p.x:])
		}
	case f == Nearest:
		s.nearest(m, p, dst)
	case f == OpenCVLinear:
		s.linear(m, p, dst)
	case f == OpenCVArea:
		s.area(m, p, dst)
	case f == TFBilinear:
		s.exact = grow(s.exact, 3*p.nx*p.ny)
		s.float(m, p, s.exact, 3*p.nx)
		for y := range p.ny {
			out := dst.row(y, 3*p.nx)
			for i, v := range s.exact[3*p.nx*y:][:3*p.nx] {
				out[i] = uint8(v + 0.5)
			}
		}
	case f == TorchBilinear || f == TorchBicubic:
		s.convolve(m, p, oldOrder, f, dst)
	default:
		s.convolve(m, p, o, f, dst)
	}
}

// grow returns a slice of n values, reusing s if it is long enough. The values are
// unspecified.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
