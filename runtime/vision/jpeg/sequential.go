package jpeg

// decodeSingleScan decodes a sequential file whose one scan holds all
// components, an iMCU row at a time.
func (d *decoder) decodeSingleScan() {
	for row := range d.iMCURows {
		if len(d.scan.comps) == 1 {
			c := d.scan.comps[0]
			for y := row * c.v; y < min((row+1)*c.v, c.hBlocks); y++ {
				d.decodeMCURow(row, y%c.v)
			}
		} else {
			d.decodeMCURow(row, 0)
		}
		d.output(row)
	}
}

// decodeMCURow decodes a row of MCUs of a single scan to samples. The first row
// of blocks of the MCUs is row y of the iMCU row.
func (d *decoder) decodeMCURow(iMCURow, y int) {
	if d.scan.twoPass != nil {
		d.decodeRowTwice(iMCURow, y)
		return
	}
	s := &d.scan
	for mx := range s.cols {
		hasData := d.beginMCU(iMCURow)
		for i := range s.mcu {
			b := &s.mcu[i]
			d.block = [64]int16{}
			var shape blockShape
			if hasData {
				shape = d.decodeBlock(b.c, iMCURow)
			}
			if area := d.area(b, mx, iMCURow, y); area != nil {
				d.inverse(shape, area, b.c.plane.stride)
			}
		}
		if hasData {
			d.endMCU(iMCURow)
		}
	}
}

// area returns the samples of a block of an MCU, or nil if the block lies
// outside the component.
func (d *decoder) area(b *mcuBlock, mx, iMCURow, y int) []byte {
	x := mx + b.x
	if len(d.scan.mcu) > 1 {
		x = mx*b.c.h + b.x
	}
	y += b.y
	if x >= b.c.wBlocks || iMCURow*b.c.v+y >= b.c.hBlocks {
		return nil
	}
	return b.c.plane.block(x, y)
}

// blockShape tells the inverse DCT what it may leave out.
type blockShape struct {
	// places is the OR of the places of all coefficients but the first.
	places uint
	// sum bounds the sum of the dequantized coefficients' magnitudes.
	sum int32
}

// decodeBlock decodes the coefficients of one block of a sequential scan to
// d.block and dequantizes them (T.81, F.2.2).
func (d *decoder) decodeBlock(c *scanComponent, iMCURow int) blockShape {
	acc, n := d.acc, d.n
	if n < minBits {
		d.fill()
		acc, n = d.acc, d.n
	}
	// The difference of the DC coefficients.
	e := c.dc.lookup[acc>>(64-lookupBits)]
	if e == 0 {
		e = d.longCode(c.dc, acc, iMCURow)
	}
	acc <<= e & 31
	n -= int(e & 31)
	diff := int32(e) >> 16
	if size := e >> 12 & 15; size != 0 {
		diff = extend(acc, size)
		acc <<= size
		n -= int(size)
	}
	c.pred += diff
	quant := c.quant
	block := &d.block
	v := int32(int16(c.pred)) * int32(quant[0])
	block[0] = int16(v)
	shape := blockShape{sum: magnitude(int32(int16(v)))}

	for k := uint(1); k < 64; k++ {
		if n < minBits {
			n, acc = d.refill(acc, n)
		}
		e := c.ac.lookup[acc>>(64-lookupBits)]
		if e == 0 {
			e = d.longCode(c.ac, acc, iMCURow)
		}
		acc <<= e & 31
		n -= int(e & 31)
		k += uint(e >> 8 & 15)
		v := int32(e) >> 16
		if v == 0 {
			size := e >> 12 & 15
			if size == 0 {
				if e>>8&15 != 15 {
					break
				}
				continue
			}
			v = extend(acc, size)
			acc <<= size
			n -= int(size)
		}
		at := zigzag[k&127] & 63
		v = int32(int16(v * int32(quant[at])))
		block[at] = int16(v)
		shape.places |= uint(at)
		shape.sum += magnitude(v)
	}
	d.acc, d.n = acc, n
	return shape
}

// refill is fill with the bits at hand in registers.
func (d *decoder) refill(acc uint64, n int) (int, uint64) {
	if p := d.pos; p+8 <= len(d.data) && d.marker == 0 {
		b := d.data[p : p+8 : p+8]
		v := uint64(b[7]) | uint64(b[6])<<8 | uint64(b[5])<<16 | uint64(b[4])<<24 |
			uint64(b[3])<<32 | uint64(b[2])<<40 | uint64(b[1])<<48 | uint64(b[0])<<56
		if w := ^v; (w-0x0101010101010101)&v&0x8080808080808080 == 0 { // no byte is 0xff
			acc |= v >> uint(n&63)
			d.pos = p + (63-n)>>3
			return n | 56, acc
		}
	}
	d.acc, d.n = acc, n
	d.fill()
	return d.n, d.acc
}

// longCode decodes a code that is longer than the lookup.
func (d *decoder) longCode(t *huffTable, acc uint64, iMCURow int) uint32 {
	e, ok := t.long(uint32(acc >> 48))
	if !ok {
		d.badCode(iMCURow * 8 * d.maxV)
	}
	return e
}

// extend returns the coefficient of a size whose bits are the next in acc
// (T.81, figure F.12).
func extend(acc uint64, size uint32) int32 {
	v := int32(acc >> ((64 - size) & 63))
	negative := ^(int64(acc) >> 63)
	return v + int32(negative)&(1-1<<size)
}

// magnitude returns the absolute value of v, or one less.
func magnitude(v int32) int32 { return v ^ v>>31 }
