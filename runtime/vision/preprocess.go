package vision

import "fmt"

// Preprocess computes what a network sees of an image at test time. It scales the
// image as Scaling says and cuts out Size x Size pixels:
//
//	view 0  from the middle        view 1  the same, mirrored
//	view 2  from the left or top   view 3  the same, mirrored
//	view 4  from the right or end  view 5  the same, mirrored
//
// It pads a scaled image that is smaller than the square. Then it normalizes levels x
// to (x/255 - Mean)/Std in float32, like torchvision.
type Preprocess struct {
	Size      int // side of the network's input, in pixels
	Mean, Std [3]float32
	Scaling
}

// Enlarge returns m scaled up as [CropOnly] does for a square of size pixels, or m
// itself if it is large enough.
func Enlarge(m *Image, size int) *Image {
	p := Preprocess{Size: size}
	m = p.trim(m)
	if w, h := p.sizes(m.W, m.H, size); w != m.W || h != m.H {
		return Resize(m, w, h, p.Interpolation)
	}
	return m
}

// trim returns the middle of an image that CropOnly would scale up and that is
// longer than maxAspect allows. A line of pixels then cannot grow into gigabytes.
func (p Preprocess) trim(m *Image) *Image {
	if p.Policy != CropOnly || min(m.W, m.H) >= p.Size {
		return m
	}
	most := maxAspect * min(m.W, m.H)
	if w, h := min(m.W, most), min(m.H, most); w < m.W || h < m.H {
		return Crop(m, (m.W-w)/2, (m.H-h)/2, w, h)
	}
	return m
}

// View writes view 0 to [MaxViews]-1 of m to dst: Size*Size*3 values, rows of
// pixels of R, G and B. s may be nil. It panics if dst has another length.
func (p Preprocess) View(m *Image, view int, dst []float32, s *Scratch) {
	if view < 0 || view >= MaxViews || len(dst) != 3*p.Size*p.Size {
		panic(fmt.Sprintf("vision: internal error: view %d into %d values for size %d", view, len(dst), p.Size))
	}
	if s == nil {
		s = &Scratch{}
	}
	w := p.window(p.trim(m), view/2, s)
	w.write(p, dst, view%2 == 1, s)
}

// Views writes the views 0 to n-1 of m to dst, one after the other, each as
// [Preprocess.View] does. s may be nil. It panics if dst has another length.
func (p Preprocess) Views(m *Image, n int, dst []float32, s *Scratch) {
	size := 3 * p.Size * p.Size
	if n < 1 || n > MaxViews || len(dst) != n*size {
		panic(fmt.Sprintf("vision: internal error: %d views into %d values for size %d", n, len(dst), p.Size))
	}
	if s == nil {
		s = &Scratch{}
	}
	m = p.trim(m)
	for v := 0; v < n; v += 2 {
		w := p.window(m, v/2, s)
		w.write(p, dst[v*size:][:size], false, s)
		if v+1 < n {
			w.write(p, dst[(v+1)*size:][:size], true, s)
		}
	}
}

// window is the square of a view before normalization.
type window struct {
	// pix holds rows that lie stride bytes apart, unless exact is set.
	pix    []uint8
	stride int
	exact  []float32 // levels with fractions; set instead of pix
}

// window returns the square at a place: 0 the middle, 1 the left or top, 2 the
// right or end. It is valid until the next call with the same s.
func (p Preprocess) window(m *Image, place int, s *Scratch) window {
	place = [MaxViews / 2]int{1, 0, 2}[place]
	w, h := p.sizes(m.W, m.H, p.Size)
	x, y := p.offset(w-p.Size, place), p.offset(h-p.Size, place)
	in := part{w: w, h: h, x: max(x, 0), y: max(y, 0)}
	in.nx, in.ny = min(x+p.Size, w)-in.x, min(y+p.Size, h)-in.y
	whole := in.nx == p.Size && in.ny == p.Size
	if whole && w == m.W && h == m.H {
		return window{pix: m.Pix[3*(m.W*y+x):], stride: 3 * m.W}
	}
	at := 3 * ((in.y-y)*p.Size + in.x - x)
	if p.Interpolation == TFBilinear {
		s.exact = grow(s.exact, 3*p.Size*p.Size)
		if !whole {
			for i := range s.exact {
				s.exact[i] = float32(p.Pad[i%3])
			}
		}
		s.float(m, in, s.exact[at:], 3*p.Size)
		return window{exact: s.exact}
	}
	s.pixels = grow(s.pixels, 3*p.Size*p.Size)
	if !whole {
		for i := 0; i < len(s.pixels); i += 3 {
			copy(s.pixels[i:], p.Pad[:])
		}
	}
	s.resize(m, in, newOrder, p.Interpolation, tile{s.pixels[at:], 3 * p.Size})
	return window{pix: s.pixels, stride: 3 * p.Size}
}

// write writes the normalized square to dst.
func (w window) write(p Preprocess, dst []float32, mirrored bool, s *Scratch) {
	n := 3 * p.Size
	if w.exact != nil {
		for i := range dst {
			j := i
			if mirrored {
				x := i % n / 3
				j = i + 3*(p.Size-1-2*x)
			}
			dst[i] = (w.exact[j]/255 - p.Mean[i%3]) / p.Std[i%3]
		}
		return
	}
	t := s.levels.of(p.Mean, p.Std)
	for y := range p.Size {
		src, out := w.pix[y*w.stride:][:n], dst[n*y:][:n]
		if mirrored {
			for i, j := 0, n-3; i < n; i, j = i+3, j-3 {
				out[i], out[i+1], out[i+2] = t[0][src[j]], t[1][src[j+1]], t[2][src[j+2]]
			}
			continue
		}
		for i := 0; i < n; i += 3 {
			out[i], out[i+1], out[i+2] = t[0][src[i]], t[1][src[i+1]], t[2][src[i+2]]
		}
	}
}

// levels holds the normalized value of every level of every channel.
type levels struct {
	mean, std [3]float32
	known     bool
	table     [3][256]float32
}

// of returns the table for a mean and a standard deviation.
func (l *levels) of(mean, std [3]float32) *[3][256]float32 {
	if l.known && l.mean == mean && l.std == std {
		return &l.table
	}
	l.mean, l.std, l.known = mean, std, true
	for c := range l.table {
		for v := range l.table[c] {
			l.table[c][v] = (float32(v)/255 - mean[c]) / std[c]
		}
	}
	return &l.table
}
