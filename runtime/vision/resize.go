package vision

import "fmt"

// Resize returns the image in another size; sides must be positive. The pixels
// are those of the library that f names, Pillow's those of its releases before
// 13; [TFBilinear] is rounded.
func Resize(m *Image, w, h int, f Interpolation) *Image {
	if w < 1 || h < 1 {
		panic(fmt.Sprintf("vision: resize to %dx%d", w, h))
	}
	out := New(w, h)
	var s Scratch
	s.resize(m, part{w, h, 0, 0, w, h}, oldOrder, f, tile{out.Pix, 3 * w})
	return out
}

// part is some of the pixels of a resized image: nx x ny from (x, y) on, of an
// image of w x h.
type part struct{ w, h, x, y, nx, ny int }

// order says which axis Pillow's filters resize first.
type order bool

const (
	oldOrder order = false // always along rows first, as before Pillow 13
	newOrder order = true  // as verticalFirst says
)

// tile is where pixels are written: rows that are stride bytes apart.
type tile struct {
	pix    []uint8
	stride int
}

func (t tile) row(y, bytes int) []uint8 { return t.pix[y*t.stride:][:bytes] }

// Scratch holds buffers and coefficients that calls share. The zero value is
// ready. It must not be used by two goroutines at once.
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

// resize writes a part of m resized to dst.
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

// grow returns a slice of n values, s itself where it is long enough. What
// they are is not known.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
