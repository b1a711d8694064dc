package vision

import "math"

// precision is the number of fractional bits of Pillow's weights: a sum has 32 bits,
// of which a pixel takes 8 and the filters' overshoot 2 (Resample.c, PRECISION_BITS).
const precision = 32 - 8 - 2

// maxWeights is the number of weights that are in memory at once for one axis. Long
// images are resized in pieces.
const maxWeights = 1 << 20

// axis is one axis of an image, resized from in to out pixels by an antialiased
// filter.
type axis struct {
	in, out int
	filter  Interpolation
}

// scale returns the size of an output pixel in input pixels.
func (a axis) scale() float64 { return float64(a.in) / float64(a.out) }

// reach returns the radius of the filter in input pixels.
func (a axis) reach() float64 { return a.filter.support() * max(a.scale(), 1) }

// piece returns the number of windows that fit into maxWeights.
func (a axis) piece() int { return max(1, maxWeights/(2*int(math.Ceil(a.reach()))+1)) }

// window appends the weights of output pixel i to ks, and returns the first input
// pixel and the weights. They sum to 1 (Resample.c, precompute_coeffs).
func (a axis) window(i int, ks []float64) (first int, weights []float64) {
	scale, reach := a.scale(), a.reach()
	narrow := 1 / max(scale, 1)
	center := (float64(i) + 0.5) * scale
	first = max(int(center-reach+0.5), 0)
	last := min(int(center+reach+0.5), a.in)
	start, sum := len(ks), 0.0
	for x := range last - first {
		k := a.filter.at((float64(x+first) - center + 0.5) * narrow)
		ks = append(ks, k)
		sum += k
	}
	weights = ks[start:]
	if sum != 0 {
		for j := range weights {
			weights[j] /= sum
		}
	}
	return first, weights
}

// bits returns the number of fractional bits of the weights. PyTorch's weights have
// 16 bits, with as many fractional bits as the largest weight allows
// (UpSampleKernel.cpp, _compute_index_ranges_int16_weights).
func (a axis) bits(ks []float64) uint {
	if a.filter != TorchBilinear && a.filter != TorchBicubic {
		return precision
	}
	largest := 0.0
	for i := range min(a.out, maxWeights/16) {
		_, ws := a.window(i, ks[:0])
		for _, k := range ws {
			largest = max(largest, k)
		}
	}
	bits := uint(0)
	for bits < precision && int(0.5+largest*float64(int(1)<<(bits+1))) < 1<<15 {
		bits++
	}
	return bits
}

// coefficients holds the windows of the output pixels from to to-1 of an axis, as
// fixed-point numbers.
type coefficients struct {
	axis     axis
	from, to int
	bits     uint
	first    []int   // first input pixel of each window
	start    []int   // offset of each window in weights, and the end of the last
	weights  []int32 // of all windows
	bitsOf   axis
	ks       []float64
}

// set computes the coefficients, unless they are already there.
func (c *coefficients) set(a axis, from, to int) {
	if c.axis == a && c.from == from && c.to == to {
		return
	}
	c.ks = grow(c.ks, 2*int(math.Ceil(a.reach()))+1)
	if c.bitsOf != a {
		c.bits, c.bitsOf = a.bits(c.ks), a
	}
	c.axis, c.from, c.to = a, from, to
	c.first, c.start, c.weights = c.first[:0], append(c.start[:0], 0), c.weights[:0]
	one := float64(int(1) << c.bits)
	for i := from; i < to; i++ {
		var first int
		first, c.ks = a.window(i, c.ks[:0])
		for _, k := range c.ks {
			c.weights = append(c.weights, int32(math.Round(k*one)))
		}
		c.first = append(c.first, first)
		c.start = append(c.start, len(c.weights))
	}
}

// at returns window i, where 0 is the window of output pixel from.
func (c *coefficients) at(i int) (first int, weights []int32) {
	return c.first[i], c.weights[c.start[i]:c.start[i+1]]
}

// span returns the range of input pixels that the windows read.
func (c *coefficients) span() (first, last int) {
	n := len(c.first) - 1
	return c.first[0], c.first[n] + c.start[n+1] - c.start[n]
}

// verticalFirst reports whether Pillow resizes along columns first, as it does from
// release 13 on if the height shrinks by more than twice as many pixels as the width.
func verticalFirst(m *Image, w, h int) bool { return m.H-h > max(0, 2*(m.W-w)) }

// convolve resizes along both axes and rounds in between, like Pillow's
// ImagingResample and PyTorch's upsampling of uint8 tensors. It reads the source row
// by row, and keeps only the unfinished rows of the result.
func (s *Scratch) convolve(m *Image, p part, o order, f Interpolation, dst tile) {
	columns, rows := axis{m.W, p.w, f}, axis{m.H, p.h, f}
	stepX, stepY := p.nx, p.ny
	if p.w != m.W {
		stepX = min(stepX, columns.piece())
	}
	if p.h != m.H {
		stepY = min(stepY, rows.piece())
	}
	for x := 0; x < p.nx; x += stepX {
		nx := min(stepX, p.nx-x)
		if p.w != m.W {
			s.columns.set(columns, p.x+x, p.x+x+nx)
		}
		for y := 0; y < p.ny; y += stepY {
			ny := min(stepY, p.ny-y)
			out := tile{dst.pix[y*dst.stride+3*x:], dst.stride}
			switch {
			case p.h == m.H:
				for i := range ny {
					s.alongRow(m.row(p.y+y+i), p.w == m.W, p.x+x, out.row(i, 3*nx))
				}
			case p.w == m.W || o == newOrder && verticalFirst(m, p.w, p.h):
				s.rows.set(rows, p.y+y, p.y+y+ny)
				s.columnsFirst(m, p.w == m.W, p.x+x, nx, ny, out)
			default:
				s.rows.set(rows, p.y+y, p.y+y+ny)
				s.rowsFirst(m, nx, ny, out)
			}
		}
	}
}

// alongRow resizes a row of the source to dst, from pixel x of the result on. If
// same is set, it copies the row.
func (s *Scratch) alongRow(src []uint8, same bool, x int, dst []uint8) {
	if same {
		copy(dst, src[3*x:])
		return
	}
	s.columns.apply(src, 0, dst)
}

// rowsFirst resizes along rows, then along columns.
func (s *Scratch) rowsFirst(m *Image, nx, ny int, out tile) {
	n := 3 * nx
	s.row = grow(s.row, n)
	s.alongColumns(n, ny, func(y int) []uint8 {
		s.columns.apply(m.row(y), 0, s.row)
		return s.row
	}, func(i int, sums []int32) {
		round(out.row(i, n), sums, s.rows.bits)
	})
}

// columnsFirst resizes along columns, then, unless the width stays the same,
// along rows.
func (s *Scratch) columnsFirst(m *Image, same bool, x, nx, ny int, out tile) {
	first, last := x, x+nx
	if !same {
		first, last = s.columns.span()
	}
	n := 3 * (last - first)
	s.row = grow(s.row, n)
	s.alongColumns(n, ny, func(y int) []uint8 { return m.row(y)[3*first:][:n] }, func(i int, sums []int32) {
		if same {
			round(out.row(i, n), sums, s.rows.bits)
			return
		}
		round(s.row, sums, s.rows.bits)
		s.columns.apply(s.row, first, out.row(i, 3*nx))
	})
}

// apply resizes a row. src begins with the row's pixel skip.
func (c *coefficients) apply(src []uint8, skip int, dst []uint8) {
	half := int32(1) << c.bits >> 1
	bits := c.bits
	for i := range c.first {
		first, ws := c.at(i)
		r, g, b := half, half, half
		px := src[3*(first-skip):][:3*len(ws)]
		for _, k := range ws {
			if len(px) < 3 {
				break
			}
			r += int32(px[0]) * k
			g += int32(px[1]) * k
			b += int32(px[2]) * k
			px = px[3:]
		}
		out := dst[3*i:][:3]
		out[0], out[1], out[2] = clip(r>>bits), clip(g>>bits), clip(b>>bits)
	}
}

// alongColumns resizes along columns. It adds each source row, of n values, to the
// result rows whose windows contain it. It calls finish with the sums of each of the
// ny result rows, in order.
func (s *Scratch) alongColumns(n, ny int, row func(y int) []uint8, finish func(i int, sums []int32)) {
	c := &s.rows
	end := func(i int) int { return c.first[i] + c.start[i+1] - c.start[i] }
	open, low := 1, 0 // maximum of unfinished result rows, and the first of them
	for i := range ny {
		for low < i && end(low) <= c.first[i] {
			low++
		}
		open = max(open, i-low+1)
	}
	s.sums = grow(s.sums, open*n)
	sums := func(i int) []int32 { return s.sums[i%open*n:][:n] }
	half := int32(1) << c.bits >> 1
	done, begun := 0, 0
	first, last := c.span()
	for y := first; y < last; y++ {
		for ; begun < ny && c.first[begun] <= y; begun++ {
			t := sums(begun)
			for i := range t {
				t[i] = half
			}
		}
		src := row(y)
		for i := done; i < begun; i++ {
			from, ws := c.at(i)
			accumulate(sums(i), src, ws[y-from])
		}
		for ; done < begun && end(done) <= y+1; done++ {
			finish(done, sums(done))
		}
	}
}

// round converts sums with some fractional bits to levels.
func round(dst []uint8, sums []int32, bits uint) {
	dst = dst[:len(sums)]
	for i, v := range sums {
		dst[i] = clip(v >> bits)
	}
}

// accumulate adds k times row to sums.
func accumulate(sums []int32, row []uint8, k int32) {
	row = row[:len(sums)]
	for i, v := range row {
		sums[i] += int32(v) * k
	}
}

func clip(v int32) uint8 { return uint8(min(max(v, 0), 255)) }
