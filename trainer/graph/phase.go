package graph

import (
	"slices"

	"github.com/deploy-kernel/deploy-kernel/runtime/nn"
)

// tap is one position in a convolution's window. It reads the source pixel at (dy, dx)
// from the window's corner.
type tap struct {
	dy, dx int
	index  int // in the window: row*width + column
}

// phase is a regular part of a convolution's output: the pixels at + step*r for r in
// rows x cols. Their windows are at stride*r of the source, and have the same taps.
type phase struct {
	at, step   nn.HW
	rows, cols int
	stride     nn.HW
	taps       []tap
}

// forward returns the only phase of a convolution's output.
func forward(n *nn.Node) []phase {
	p := phase{step: nn.Square(1), rows: n.Shape.H, cols: n.Shape.W, stride: n.Stride}
	for ky := range n.Window.H {
		for kx := range n.Window.W {
			p.taps = append(p.taps, tap{ky - n.Pad.H, kx - n.Pad.W, ky*n.Window.W + kx})
		}
	}
	return []phase{p}
}

// backward returns the phases of the gradient of a convolution's input. Their source is the
// gradient of the output. Input pixels with the same remainder by the stride meet the same
// taps, so each remainder is a phase.
func backward(n *nn.Node) []phase {
	in := n.In[0].Shape
	var phases []phase
	for a := range min(n.Stride.H, in.H) {
		for b := range min(n.Stride.W, in.W) {
			p := phase{at: nn.HW{H: a, W: b}, step: n.Stride, stride: nn.Square(1)}
			p.rows, p.cols = (in.H-a+n.Stride.H-1)/n.Stride.H, (in.W-b+n.Stride.W-1)/n.Stride.W
			for ky := range n.Window.H {
				for kx := range n.Window.W {
					// The tap reads input pixel at+step*r for output pixel r+(dy, dx).
					y, x := a+n.Pad.H-ky, b+n.Pad.W-kx
					if y%n.Stride.H == 0 && x%n.Stride.W == 0 {
						p.taps = append(p.taps, tap{y / n.Stride.H, x / n.Stride.W, ky*n.Window.W + kx})
					}
				}
			}
			slices.SortFunc(p.taps, func(a, b tap) int {
				if a.dy != b.dy {
					return a.dy - b.dy
				}
				return a.dx - b.dx
			})
			phases = append(phases, p)
		}
	}
	return phases
}

// span returns the smallest and the largest offsets of the taps.
func (p *phase) span() (top, left, bottom, right int) {
	top, left, bottom, right = p.taps[0].dy, p.taps[0].dx, p.taps[0].dy, p.taps[0].dx
	for _, t := range p.taps {
		top, bottom = min(top, t.dy), max(bottom, t.dy)
		left, right = min(left, t.dx), max(right, t.dx)
	}
	return top, left, bottom, right
}

// band describes the bands of a phase: groups of rows whose source pixels are copied
// together, padded with zeros.
type band struct {
	*phase
	top, left     int // the copy's first pixel, from the window of the first row
	height, width int // pixels of the copy, for the largest band
	rowsPerBand   int
	bands         int
}

// bandPixels is the target number of output pixels of a band. Their sums fit the
// second-level cache.
const bandPixels = 240

func newBand(p *phase) band {
	b := band{phase: p}
	top, left, bottom, right := p.span()
	b.rowsPerBand = min(p.rows, max(1, bandPixels/p.cols))
	b.bands = (p.rows + b.rowsPerBand - 1) / b.rowsPerBand
	b.top, b.left = top, left
	b.height = (b.rowsPerBand-1)*p.stride.H + bottom - top + 1
	b.width = (p.cols-1)*p.stride.W + right - left + 1
	return b
}

// bounds returns the first row of band i and the row behind its last.
func (b *band) bounds(i int) (first, end int) {
	return i * b.rowsPerBand, min((i+1)*b.rowsPerBand, b.rows)
}

// copy writes the source pixels of one plane that rows first to end-1 read, b.width pixels
// a row, and returns the number of floats written.
func (b *band) copy(dst, plane []float32, shape nn.Shape, pixel, first, end int) int {
	y0 := first*b.stride.H + b.top
	height := b.height - (b.rowsPerBand-(end-first))*b.stride.H
	row := b.width * pixel
	// Columns x0 to x1-1 of the source are copied.
	x0, x1 := max(b.left, 0), min(b.left+b.width, shape.W)
	for y := range height {
		line := dst[y*row:][:row]
		if y0+y < 0 || y0+y >= shape.H || x0 >= x1 {
			clear(line)
			continue
		}
		clear(line[:(x0-b.left)*pixel])
		copy(line[(x0-b.left)*pixel:], plane[((y0+y)*shape.W+x0)*pixel:][:(x1-x0)*pixel])
		clear(line[(x1-b.left)*pixel:])
	}
	return height * row
}
