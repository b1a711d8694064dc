package bmp

// runs decodes run lengths like Pillow, to a color index for each pixel, in the file's
// order of rows. Skipped pixels have index 0. It reports false if the file ends early.
func (d *decoder) runs(data []byte) bool {
	r := runReader{data: data, at: d.pixels, width: d.width, four: d.compression == rle4}
	r.out = make([]uint8, 0, d.width*d.height)
	whole := r.read()
	out := r.out[:cap(r.out)][:d.width*d.height]
	for y := range d.height {
		dst := d.row(y)
		for x, i := range out[y*d.width:][:d.width] {
			copy(dst[3*x:], d.palette[i][:])
		}
	}
	return whole
}

// runReader reads run lengths:
//
//	n c        n pixels of color c; of two colors in turn if four
//	0 0        the end of the row
//	0 1        the end of the image
//	0 2 x y    skip x pixels and y rows
//	0 n …      n pixels, padded to a 16-bit word
type runReader struct {
	data  []byte
	at    int
	width int
	four  bool // RLE4: indices have 4 bits
	out   []uint8
	x     int
}

// next returns n bytes. ok is false at the end of the file.
func (r *runReader) next(n int) (b []byte, ok bool) {
	if n > len(r.data)-r.at {
		return nil, false
	}
	b = r.data[r.at:][:n]
	r.at += n
	return b, true
}

// zeros adds up to n pixels of index 0.
func (r *runReader) zeros(n int) {
	r.out = r.out[:min(len(r.out)+n, cap(r.out))]
}

// read reads runs until there are as many pixels as out has room for. It reports
// false if the file ends before that.
func (r *runReader) read() bool {
	for len(r.out) < cap(r.out) {
		b, ok := r.next(2)
		if !ok {
			return false
		}
		switch {
		case b[0] > 0:
			r.run(int(b[0]), b[1])
		case b[1] == 0:
			r.zeros((r.width - len(r.out)%r.width) % r.width)
			r.x = 0
		case b[1] == 1:
			return true
		case b[1] == 2:
			skip, ok := r.next(2)
			if !ok {
				return false
			}
			r.zeros(int(skip[0]) + int(skip[1])*r.width)
			r.x = len(r.out) % r.width
		default:
			if !r.absolute(int(b[1])) {
				return false
			}
		}
	}
	return true
}

// run adds pixels of one color, up to the end of the row.
func (r *runReader) run(n int, c uint8) {
	n = max(min(n, r.width-r.x), 0)
	for i := range min(n, cap(r.out)-len(r.out)) {
		v := c
		if r.four {
			v = nibble(c, i)
		}
		r.out = append(r.out, v)
	}
	r.x += n
}

func nibble(b uint8, i int) uint8 {
	if i%2 == 0 {
		return b >> 4
	}
	return b & 15
}

// absolute adds n pixels that are stored one by one.
func (r *runReader) absolute(n int) bool {
	count := min(n, cap(r.out)-len(r.out))
	size := count
	if r.four {
		size = (count + 1) / 2
	}
	b := r.data[min(r.at, len(r.data)):]
	whole := len(b) >= size
	b = b[:min(size, len(b))]
	r.at += len(b)
	for i := range count {
		switch {
		case r.four && i/2 < len(b):
			r.out = append(r.out, nibble(b[i/2], i))
		case !r.four && i < len(b):
			r.out = append(r.out, b[i])
		}
	}
	r.x += n
	r.at += r.at % 2
	return whole
}
