package jpeg

import "bytes"

// libjpeg-turbo decodes an MCU of a sequential scan twice if it meets two consecutive
// bytes 0xff. Its fast routine takes them for a marker and continues with zeros. Then
// its slow routine decodes the MCU again. It takes the bytes for fill bytes before a
// marker or, if a zero follows, for one byte 0xff, and does not clear what the fast
// routine left behind. In intact files such bytes precede only markers, and both
// routines agree. In corrupt files the leftover coefficients are visible.
//
// The affected MCU depends on how far the routines read ahead, and the fast one runs
// only if enough of the file is in memory. Files with such bytes are therefore read
// by twoPass, which reads ahead like libjpeg-turbo.

const (
	chunkSize     = 1 << 16 // bytes that Pillow reads at a time
	fastBlockSize = 512     // bytes that must be in memory for each block of an MCU
	fullBuffer    = 57      // bits from which the slow routine reads no more
)

// twoPass reads the bits of a scan like libjpeg-turbo's two routines.
type twoPass struct {
	data     []byte
	pos      int
	inMemory int // the end of what Pillow has read of the file
	acc      uint64
	left     int  // bits at hand: the lower bits of acc
	marker   byte // the marker behind the bits, or 0
	fast     bool // which routine reads
	dry      bool // zeros were read for missing bits
	short    bool // the routine needs more of the file in memory
	bad      bool // an undefined code was read
}

// hasDoubled reports whether the data of the current scan contain two consecutive
// bytes 0xff that are not fill bytes before a marker.
func (d *decoder) hasDoubled() bool {
	if d.progressive || d.restartInterval > 0 {
		return false
	}
	for data := d.data[min(d.pos, len(d.data)):]; ; {
		i := bytes.IndexByte(data, 0xff)
		if i < 0 {
			return false
		}
		data = data[i:]
		n := 1
		for n < len(data) && data[n] == 0xff {
			n++
		}
		if n == len(data) || data[n] != 0 {
			return false // a marker ends the scan's data
		}
		if n > 1 {
			return true
		}
		data = data[2:]
	}
}

// newTwoPass returns a reader of the current scan.
func (d *decoder) newTwoPass() *twoPass {
	inMemory := min(ceilDiv(d.pos, chunkSize)*chunkSize, len(d.data))
	return &twoPass{data: d.data, pos: d.pos, inMemory: inMemory}
}

// byteAt returns byte i of the file and the end marker behind it.
func (p *twoPass) byteAt(i int) byte {
	switch {
	case i < len(p.data):
		return p.data[i]
	case i == len(p.data):
		return 0xff
	}
	return mEOI
}

// push appends a byte to the bits at hand.
func (p *twoPass) push(b byte) {
	p.acc = p.acc<<8 | uint64(b)
	p.left += 8
}

// fillFast reads six bytes if few bits are left. At a marker it reads zeros.
func (p *twoPass) fillFast() {
	if p.left > 16 {
		return
	}
	for range 6 {
		b, next := p.byteAt(p.pos), p.byteAt(p.pos+1)
		switch {
		case b != 0xff:
			p.push(b)
			p.pos++
		case next == 0:
			p.push(b)
			p.pos += 2
		default:
			p.push(0)
			p.marker = next
		}
	}
}

// fillSlow fills the buffer if fewer than n bits are at hand. Behind a marker
// it reads zeros.
func (p *twoPass) fillSlow(n int) {
	for p.marker == 0 && p.left < fullBuffer {
		start, b := p.pos, byte(0xff)
		for b == 0xff {
			if p.pos >= p.inMemory {
				p.short = true
				return
			}
			b = p.byteAt(p.pos)
			p.pos++
		}
		switch {
		case p.pos == start+1:
			p.push(b)
		case b == 0:
			p.push(0xff)
		default:
			p.marker = b
		}
	}
	if p.marker != 0 && n > p.left {
		p.dry = true
		p.acc <<= fullBuffer - p.left
		p.left = fullBuffer
	}
}

// take returns the next n bits.
func (p *twoPass) take(n int) int32 {
	if !p.fast && p.left < n {
		p.fillSlow(n)
		if p.short {
			return 0
		}
	}
	p.left -= n
	return int32(p.acc>>p.left) & (1<<n - 1)
}

// code returns the symbol of the next Huffman code.
func (p *twoPass) code(t *huffTable) uint8 {
	if p.fast {
		p.fillFast()
	} else if p.left < 8 {
		p.fillSlow(0)
	}
	length, code := 1, int32(0)
	if p.left >= 8 {
		next := int32(p.acc>>(p.left-8)) & 0xff
		for ; length <= 8; length++ {
			if code = next >> (8 - length); code <= t.maxCode[length] {
				p.left -= length
				return t.symbols[uint8(code+t.offset[length])]
			}
		}
	}
	for code = p.take(length); length <= 16 && code > t.maxCode[length]; length++ {
		code = code<<1 | p.take(1)
		if p.short {
			return 0
		}
	}
	if length > 16 {
		p.bad = true
		return 0
	}
	return t.symbols[uint8(code+t.offset[length])]
}

// coefficient returns the coefficient of a size.
func (p *twoPass) coefficient(size uint8) int32 {
	if size == 0 {
		return 0
	}
	if p.fast {
		p.fillFast()
	}
	v := p.take(int(size))
	if v < 1<<(size-1) {
		v -= 1<<size - 1
	}
	return v
}

// block decodes a block. It changes only the coefficients that it reads.
func (p *twoPass) block(c *scanComponent, coefs *[64]int16) {
	c.pred += p.coefficient(p.code(c.dc))
	coefs[0] = int16(c.pred)
	for k := 1; k < 64 && !p.short; k++ {
		symbol := p.code(c.ac)
		k += int(symbol >> 4)
		if size := symbol & 15; size != 0 {
			v := p.coefficient(size)
			if p.short {
				return
			}
			coefs[zigzag[k&127]&63] = int16(v)
		} else if symbol>>4 != 15 {
			return
		}
	}
}

// mcu decodes an MCU to blocks, which are cleared or hold the coefficients of
// an earlier scan.
func (p *twoPass) mcu(s *scan, blocks []*[64]int16) {
	p.fast = false
	before, preds := *p, s.preds()
	for {
		p.fast = p.marker == 0 && p.inMemory-p.pos >= fastBlockSize*len(blocks)
		for {
			for i, b := range blocks {
				p.block(s.mcu[i].c, b)
			}
			if !p.fast || p.marker == 0 {
				break
			}
			*p = before
			s.setPreds(preds)
		}
		if !p.short || before.inMemory > len(p.data) {
			return
		}
		before.inMemory += chunkSize
		switch size := len(p.data); {
		case p.inMemory >= size:
			before.inMemory = size + 2 // the end marker
		case before.inMemory > size:
			before.inMemory = size
		}
		*p = before
		s.setPreds(preds)
	}
}

// preds returns the DC predictions of the scan's components.
func (s *scan) preds() (p [4]int32) {
	for i, c := range s.comps {
		p[i] = c.pred
	}
	return p
}

func (s *scan) setPreds(p [4]int32) {
	for i, c := range s.comps {
		c.pred = p[i]
	}
}

// decodeTwice decodes an MCU with twoPass.
func (d *decoder) decodeTwice(blocks []*[64]int16, iMCURow int) {
	p := d.scan.twoPass
	p.mcu(&d.scan, blocks)
	d.pos, d.marker = p.pos, p.marker
	if p.bad {
		d.badCode(iMCURow * 8 * d.maxV)
	}
	if p.dry {
		d.scan.insufficient = true
		d.dataEnded(iMCURow * 8 * d.maxV)
	}
}

// decodeRowTwice is decodeMCURow with twoPass.
func (d *decoder) decodeRowTwice(iMCURow, y int) {
	s := &d.scan
	var store [maxMCUBlocks][64]int16
	var blocks []*[64]int16
	for i := range s.mcu {
		blocks = append(blocks, &store[i])
	}
	for mx := range s.cols {
		store = [maxMCUBlocks][64]int16{}
		if d.beginMCU(iMCURow) {
			d.decodeTwice(blocks, iMCURow)
		}
		for i, b := range blocks {
			if area := d.area(&s.mcu[i], mx, iMCURow, y); area != nil {
				d.inverse(dequantize(&d.block, b, s.mcu[i].c.quant), area, s.mcu[i].c.plane.stride)
			}
		}
	}
}
