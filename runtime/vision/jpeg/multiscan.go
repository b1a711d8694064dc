package jpeg

import (
	"errors"
	"fmt"
)

// The scans of a file may visit each of its blocks maxVisits times on average, plus
// spareVisits blocks in all. Encoders need 6 to 12 visits; hostile files use
// thousands of scans of a few bytes. The spare visits take half a second at most,
// and allow small images any number of scans.
const (
	maxVisits   = 24
	spareVisits = 1 << 22
)

// errTooManyScans is returned for files whose scans exceed maxVisits.
var errTooManyScans = errors.New("the file has too many scans; convert the image to baseline JPEG")

// decodeScans decodes a file whose coefficients come in several scans.
func (d *decoder) decodeScans() error {
	blocks := 0
	for _, c := range d.comps {
		blocks += c.padW * c.padH
	}
	for {
		d.work += d.scan.cols * d.scan.rows * len(d.scan.mcu)
		if d.work > maxVisits*blocks+spareVisits {
			return errTooManyScans
		}
		m, err := byte(0), d.readScan()
		if err == nil {
			m, err = d.readMarkers()
		}
		if err == nil && m == mSOS {
			err = d.startScan()
		}
		if err != nil {
			d.blank(err)
			return nil
		}
		if m == mEOI {
			break
		}
	}
	if d.atEnd() {
		d.damaged("the file is truncated after %d scans", d.scans)
	}
	d.outputCoefficients()
	return nil
}

// blank sets the pixels that Pillow shows if none can be decoded: no light, or no ink.
func (d *decoder) blank(err error) {
	d.damage = fmt.Sprintf("no pixel can be decoded: in scan %d or after it, %v", d.scans, err)
	if len(d.comps) == 4 {
		for i := range d.img.Pix {
			d.img.Pix[i] = 0xff
		}
	}
}

// readScan reads the coefficients of one scan.
func (d *decoder) readScan() error {
	s := &d.scan
	decode := d.decodeSequential
	if d.progressive {
		decode = d.progressiveDecoder()
	}
	single := len(s.comps) == 1
	var blocks []*[64]int16
	for my := range s.rows {
		iMCURow := my
		if single {
			iMCURow = my / s.comps[0].v
		}
		for mx := range s.cols {
			if !d.beginMCU(iMCURow) {
				if d.restartInterval == 0 {
					return nil // no later scan can be read
				}
				continue
			}
			blocks = blocks[:0]
			for i := range s.mcu {
				b := &s.mcu[i]
				x, y := mx, my
				if !single {
					x, y = mx*b.c.h+b.x, my*b.c.v+b.y
				}
				coefs := (*[64]int16)(b.c.coefs[64*(y*b.c.padW+x):])
				if s.twoPass != nil {
					blocks = append(blocks, coefs)
				} else if err := decode(b.c, coefs, iMCURow); err != nil {
					return err
				}
			}
			if s.twoPass != nil {
				d.decodeTwice(blocks, iMCURow)
			} else {
				d.endMCU(iMCURow)
			}
		}
	}
	return nil
}

// decodeSequential decodes one block of a sequential scan to coefs, which are
// cleared, or hold the coefficients of an earlier scan.
func (d *decoder) decodeSequential(c *scanComponent, coefs *[64]int16, iMCURow int) error {
	size := d.code(c.dc, iMCURow)
	c.pred += d.coefficient(size)
	coefs[0] = int16(c.pred)
	for k := 1; k < 64; k++ {
		e := d.code(c.ac, iMCURow)
		k += int(e >> 8 & 15)
		v := d.coefficient(e)
		if v != 0 {
			coefs[zigzag[k&127]&63] = int16(v)
		} else if e>>8&15 != 15 {
			break
		}
	}
	return nil
}

// code reads the next code, and the coefficient if the table gives it. It
// returns an entry of the table's lookup.
func (d *decoder) code(t *huffTable, iMCURow int) uint32 {
	if d.n < minBits {
		d.n, d.acc = d.refill(d.acc, d.n)
	}
	e := t.lookup[d.acc>>(64-lookupBits)]
	if e == 0 {
		e = d.longCode(t, d.acc, iMCURow)
	}
	d.acc <<= e & 31
	d.n -= int(e & 31)
	return e
}

// coefficient returns the coefficient of an entry, reading its bits if they
// have not been. It returns 0 if the entry has none.
func (d *decoder) coefficient(e uint32) int32 {
	size := e >> 12 & 15
	if size == 0 {
		return int32(e) >> 16
	}
	v := extend(d.acc, size)
	d.acc <<= size
	d.n -= int(size)
	return v
}

// outputCoefficients turns the coefficients of all scans into pixels.
func (d *decoder) outputCoefficients() {
	smooth := d.progressive && d.smoothable()
	for row := range d.iMCURows {
		for _, c := range d.comps {
			if c.quant == nil { // a component without a scan
				c.quant = new([64]uint16)
			}
			rows := min(c.v, c.hBlocks-row*c.v)
			if smooth {
				d.smoothRows(c, row, rows)
				continue
			}
			for y := range rows {
				coefs := c.coefs[64*(row*c.v+y)*c.padW:]
				for x := range c.wBlocks {
					shape := dequantize(&d.block, (*[64]int16)(coefs[64*x:]), c.quant)
					d.inverse(shape, c.plane.block(x, y), c.plane.stride)
				}
			}
		}
		d.output(row)
	}
}

// dequantize multiplies coefficients by a quantization table.
func dequantize(block, coefs *[64]int16, quant *[64]uint16) blockShape {
	var shape blockShape
	*block = [64]int16{}
	for y := range uint(8) {
		row := (*[8]int16)(coefs[8*y:])
		if row[0]|row[1]|row[2]|row[3]|row[4]|row[5]|row[6]|row[7] == 0 {
			continue
		}
		for x, c := range row {
			if c == 0 {
				continue
			}
			i := (8*y + uint(x)) & 63
			v := int16(int32(c) * int32(quant[i]))
			block[i] = v
			shape.places |= i
			shape.sum += magnitude(int32(v))
		}
	}
	return shape
}
