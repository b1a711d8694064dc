package gif

const (
	maxBits   = 12
	tableSize = 1 << maxBits
)

const (
	truncated = "the image data are truncated"
	corrupt   = "the image data are corrupt"
	tooFew    = "the image data have too few pixels"
)

// codes reads the codes of a frame (GIF 89a, appendix F), which span blocks of up to 255
// bytes. Like Pillow, it continues after an empty block, and ignores a block that the
// end of the file cuts off.
type codes struct {
	data  []byte
	block int // bytes left of the block
	hold  uint32
	bits  int
}

// next returns the next code, of n bits. ok is false at the end of the file.
func (c *codes) next(n int) (code int, ok bool) {
	for c.bits < n {
		if c.block > 0 {
			c.hold |= uint32(c.data[0]) << c.bits
			c.bits += 8
			c.data = c.data[1:]
			c.block--
			continue
		}
		if len(c.data) == 0 || len(c.data) < int(c.data[0])+1 {
			return 0, false
		}
		c.block = int(c.data[0])
		c.data = c.data[1:]
	}
	code = int(c.hold & (1<<n - 1))
	c.hold >>= n
	c.bits -= n
	return code, true
}

// decompress writes the frame's colors to the canvas. It returns what is wrong with the
// data, or "".
func (f *frame) decompress(canvas []uint8) string {
	if f.codeBits > maxBits {
		return corrupt
	}
	in := codes{data: f.data}
	out := scan{frame: f, canvas: canvas, step: 1}
	if f.interlaced {
		out.step, out.lace = 8, 1
	}
	var (
		// Entry i is the entry link[i], and the byte data[i] after it.
		data    [tableSize]uint8
		link    [tableSize]uint16
		text    [tableSize + 1]uint8 // an entry's bytes, from the end on
		clear   = 1 << f.codeBits
		end     = clear + 1
		fresh   = true // the next code is the first one after a clear code
		free    = clear + 2
		size    = f.codeBits + 1
		last    int   // the last code
		initial uint8 // the first byte of its entry
	)
	for {
		code, ok := in.next(size)
		switch {
		case !ok:
			return truncated
		case code == clear:
			fresh, free, size = true, clear+2, f.codeBits+1
			continue
		case code == end:
			return tooFew
		}
		at := len(text)
		if fresh {
			if code > clear {
				return corrupt
			}
			initial, last, fresh = uint8(code), code, false
			at--
			text[at] = initial
		} else {
			this := code
			if code > free {
				return corrupt
			}
			if code == free { // the last entry, and its first byte again
				at--
				text[at] = initial
				code = last
			}
			for code >= clear {
				if at <= 1 || code >= tableSize {
					return corrupt
				}
				at--
				text[at] = data[code]
				code = int(link[code])
			}
			initial = uint8(code)
			at--
			text[at] = initial
			if free < tableSize {
				data[free], link[free] = initial, uint16(last)
				if free == 1<<size-1 && size < maxBits {
					size++
				}
				free++
			}
			last = this
		}
		if out.write(text[at:]) {
			return ""
		}
	}
}

// scan writes the rows of a frame in their order.
type scan struct {
	*frame
	canvas []uint8
	x, y   int // in the frame
	step   int // between rows
	lace   int // the pass of an interlaced frame, from 1 on; 0 in the last one
}

// write writes colors, and reports whether the frame is complete.
func (s *scan) write(colors []uint8) (done bool) {
	for _, c := range colors {
		s.canvas[(s.frame.y+s.y)*s.width+s.frame.x+s.x] = c
		if s.x++; s.x < s.w {
			continue
		}
		s.x = 0
		s.y += s.step
		for s.y >= s.h {
			switch s.lace {
			case 1:
				s.y, s.lace = 4, 2
			case 2:
				s.step, s.y, s.lace = 4, 2, 3
			case 3:
				s.step, s.y, s.lace = 2, 1, 0
			default:
				return true
			}
		}
	}
	return false
}
