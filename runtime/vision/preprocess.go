package vision

import "fmt"

// MaxViews is how many test-time views of an image there are.
const MaxViews = 6

// maxAspect is the longest image that is scaled up whole, in multiples of its
// short side; of longer ones the middle is taken, so that a line of pixels
// can't grow into gigabytes.
const maxAspect = 32

// Preprocess says what a network sees of an image at test time.
//
// An image whose short side is less than Size is scaled up (bicubic, keeping
// its aspect) so that the short side is Size; other images are not scaled.
// From that, Size x Size pixels are cut:
//
//	view 0  from the middle        view 1  the same, mirrored
//	view 2  from the left or top   view 3  the same, mirrored
//	view 4  from the right or end  view 5  the same, mirrored
//
// and normalised to (x/255 - Mean)/Std in float32, as torchvision does.
type Preprocess struct {
	Size      int // side of the network's input, in pixels
	Mean, Std [3]float32
}

// Fit returns the image scaled up where that is needed, else m itself. The
// result can be given to View any number of times.
func (p Preprocess) Fit(m *Image) *Image {
	short := min(m.W, m.H)
	if short >= p.Size {
		return m
	}
	if w, h := min(m.W, maxAspect*short), min(m.H, maxAspect*short); w < m.W || h < m.H {
		m = Crop(m, (m.W-w)/2, (m.H-h)/2, w, h)
	}
	scaled := func(side int) int { return (side*p.Size + short/2) / short }
	return Resize(m, scaled(m.W), scaled(m.H), Bicubic)
}

// View writes a view, 0 to [MaxViews]-1, of m to dst: Size*Size*3 values, rows
// of pixels of R, G, B. It fits m first, which is free where m comes from Fit.
func (p Preprocess) View(m *Image, view int, dst []float32) {
	if view < 0 || view >= MaxViews || len(dst) != 3*p.Size*p.Size {
		panic(fmt.Sprintf("vision: internal error: view %d into %d values for size %d", view, len(dst), p.Size))
	}
	m = p.Fit(m)
	// Where the window starts, in halves of the free space: 1 is the middle.
	place := [MaxViews / 2]int{1, 0, 2}[view/2]
	x0, y0 := (m.W-p.Size)*place/2, (m.H-p.Size)*place/2
	table := p.table()
	for y := range p.Size {
		src := m.row(y0 + y)[3*x0 : 3*(x0+p.Size)]
		out := dst[3*p.Size*y : 3*p.Size*(y+1)]
		for i := 0; i < len(src); i += 3 {
			j := i
			if view%2 == 1 {
				j = len(src) - 3 - i
			}
			out[i], out[i+1], out[i+2] = table[0][src[j]], table[1][src[j+1]], table[2][src[j+2]]
		}
	}
}

// table returns the normalised value of every level of every channel.
func (p Preprocess) table() *[3][256]float32 {
	var t [3][256]float32
	for c := range t {
		for v := range t[c] {
			t[c][v] = (float32(v)/255 - p.Mean[c]) / p.Std[c]
		}
	}
	return &t
}
