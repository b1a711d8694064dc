package vision

import "math"

// tap describes what an output pixel of OpenCV's INTER_LINEAR reads: two adjacent
// input pixels and their weights, in units of 1/2048 (resize.cpp,
// INTER_RESIZE_COEF_BITS). The second pixel may lie outside of the image.
type tap struct {
	first  int
	w0, w1 int32
}

// tapsOf appends the taps of the output pixels from to to-1 of a line, resized from
// in to out pixels (resize.cpp, cv::hal::resize). With area set, the positions are
// those of INTER_AREA for sides that do not shrink.
func tapsOf(ts []tap, in, out, from, to int, area bool) []tap {
	inverse := float64(out) / float64(in)
	scale := 1 / inverse
	for i := from; i < to; i++ {
		var first int
		var f float32
		if area {
			first = int(math.Floor(float64(i) * scale))
			f = float32(float64(i+1) - float64(first+1)*inverse)
			if f <= 0 {
				f = 0
			} else {
				f -= float32(math.Floor(float64(f)))
			}
		} else {
			f = float32((float64(i)+0.5)*scale - 0.5)
			first = int(math.Floor(float64(f)))
			f -= float32(first)
		}
		ts = append(ts, tap{first, int32(math.RoundToEven(float64((1 - f) * 2048))), int32(math.RoundToEven(float64(f * 2048)))})
	}
	return ts
}

// line is a source row, resized horizontally.
type line struct {
	y      int
	values []int32 // in units of 1/2048
}

// linear resizes like OpenCV's INTER_LINEAR. If both sides are halved, it averages
// four pixels, as OpenCV does.
func (s *Scratch) linear(m *Image, p part, dst tile) {
	if m.W == 2*p.w && m.H == 2*p.h {
		s.area(m, p, dst)
		return
	}
	s.taps[0] = tapsOf(s.taps[0][:0], m.W, p.w, p.x, p.x+p.nx, false)
	s.taps[1] = tapsOf(s.taps[1][:0], m.H, p.h, p.y, p.y+p.ny, false)
	s.tapped(m, dst)
}

// tapped resizes by the taps. The image's edge pixels repeat beyond its edges.
func (s *Scratch) tapped(m *Image, dst tile) {
	columns := s.taps[0]
	for i := range columns { // give the edge pixel a weight of 1
		if t := &columns[i]; t.first < 0 {
			*t = tap{0, 2048, 0}
		} else if t.first >= m.W-1 {
			*t = tap{m.W - 1, 2048, 0}
		}
	}
	n := 3 * len(columns)
	for i := range s.lines {
		s.lines[i].y, s.lines[i].values = -1, grow(s.lines[i].values, n)
	}
	for y, t := range s.taps[1] {
		a := s.tappedRow(m, min(max(t.first, 0), m.H-1))
		b := s.tappedRow(m, min(max(t.first+1, 0), m.H-1))
		out := dst.row(y, n)
		for i := range out {
			// OpenCV's vector instructions shift in this way.
			v := (t.w0*(a[i]>>4))>>16 + (t.w1*(b[i]>>4))>>16
			out[i] = clip((v + 2) >> 2)
		}
	}
}

// tappedRow returns source row y, resized horizontally. It keeps the last two rows,
// one with an odd y and one with an even y.
func (s *Scratch) tappedRow(m *Image, y int) []int32 {
	l := &s.lines[y&1]
	if l.y == y {
		return l.values
	}
	l.y = y
	src := m.row(y)
	for i, t := range s.taps[0] {
		a := src[3*t.first:]
		b := a
		if t.w1 != 0 {
			b = a[3:]
		}
		out := l.values[3*i:][:3]
		for c := range out {
			out[c] = int32(a[c])*t.w0 + int32(b[c])*t.w1
		}
	}
	return l.values
}

// area resizes like OpenCV's INTER_AREA: it averages the input pixels under an
// output pixel. On a side that grows it is a variant of INTER_LINEAR.
func (s *Scratch) area(m *Image, p part, dst tile) {
	scaleX, scaleY := 1/(float64(p.w)/float64(m.W)), 1/(float64(p.h)/float64(m.H))
	switch {
	case scaleX < 1 || scaleY < 1:
		s.taps[0] = tapsOf(s.taps[0][:0], m.W, p.w, p.x, p.x+p.nx, true)
		s.taps[1] = tapsOf(s.taps[1][:0], m.H, p.h, p.y, p.y+p.ny, true)
		s.tapped(m, dst)
	case whole(scaleX) && whole(scaleY):
		blocks(m, p, int(math.RoundToEven(scaleX)), int(math.RoundToEven(scaleY)), dst)
	default:
		s.cells[0] = cellsOf(s.cells[0][:0], m.W, scaleX, p.x, p.x+p.nx)
		s.cells[1] = cellsOf(s.cells[1][:0], m.H, scaleY, p.y, p.y+p.ny)
		s.covered(m, dst)
	}
}

// whole reports whether OpenCV treats a scale as a whole number.
func whole(scale float64) bool {
	const epsilon = 0x1p-52
	return math.Abs(scale-math.RoundToEven(scale)) < epsilon
}

// blocks averages blocks of w x h pixels. 2 x 2 blocks are rounded half up; others
// are averaged in float32 and rounded half to even.
func blocks(m *Image, p part, w, h int, dst tile) {
	share := 1 / float32(w*h)
	for y := range p.ny {
		out := dst.row(y, 3*p.nx)
		for x := range p.nx {
			var sum [3]int
			for j := range h {
				px := m.row((p.y+y)*h + j)[3*(p.x+x)*w:][:3*w]
				for ; len(px) >= 3; px = px[3:] {
					sum[0] += int(px[0])
					sum[1] += int(px[1])
					sum[2] += int(px[2])
				}
			}
			for c, v := range sum {
				if w == 2 && h == 2 {
					out[3*x+c] = uint8((v + 2) >> 2)
				} else {
					out[3*x+c] = uint8(math.RoundToEven(float64(float32(v) * share)))
				}
			}
		}
	}
}

// cell describes what an output pixel covers: the whole input pixels first to last-1,
// and shares of the pixels before and after them; 0 is no share.
type cell struct {
	first, last          int
	before, each, beyond float32
}

// cellsOf appends the cells of the output pixels from to to-1 (resize.cpp,
// computeResizeAreaTab).
func cellsOf(cs []cell, in int, scale float64, from, to int) []cell {
	for i := from; i < to; i++ {
		start := float64(i) * scale
		end := start + scale
		width := min(scale, float64(in)-start)
		last := min(int(math.Floor(end)), in-1)
		c := cell{first: min(int(math.Ceil(start)), last), last: last, each: float32(1 / width)}
		if d := float64(c.first) - start; d > 1e-3 {
			c.before = float32(d / width)
		}
		if d := end - float64(last); d > 1e-3 {
			c.beyond = float32(min(d, 1, width) / width)
		}
		cs = append(cs, c)
	}
	return cs
}

// covered resizes by the cells, in float32 and in OpenCV's order of additions.
func (s *Scratch) covered(m *Image, dst tile) {
	n := 3 * len(s.cells[0])
	s.floats = grow(s.floats, 2*n)
	sum, row := s.floats[:n], s.floats[n:]
	add := func(y int, share float32) {
		s.coveredRow(m.row(y), row)
		for i, v := range row {
			sum[i] += float32(share * v)
		}
	}
	for y, c := range s.cells[1] {
		clear(sum)
		if c.before != 0 {
			add(c.first-1, c.before)
		}
		for j := c.first; j < c.last; j++ {
			add(j, c.each)
		}
		if c.beyond != 0 {
			add(c.last, c.beyond)
		}
		out := dst.row(y, n)
		for i, v := range sum {
			out[i] = clip(int32(math.RoundToEven(float64(v))))
		}
	}
}

// coveredRow resizes a row horizontally.
func (s *Scratch) coveredRow(src []uint8, dst []float32) {
	for i, c := range s.cells[0] {
		var r, g, b float32
		add := func(px []uint8, share float32) {
			r += float32(float32(px[0]) * share)
			g += float32(float32(px[1]) * share)
			b += float32(float32(px[2]) * share)
		}
		if c.before != 0 {
			add(src[3*(c.first-1):], c.before)
		}
		for px := src[3*c.first : 3*c.last]; len(px) >= 3; px = px[3:] {
			add(px, c.each)
		}
		if c.beyond != 0 {
			add(src[3*c.last:], c.beyond)
		}
		out := dst[3*i:][:3]
		out[0], out[1], out[2] = r, g, b
	}
}
