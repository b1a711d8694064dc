package jpeg

import "bytes"

// libjpeg-turbo decodes an MCU of a sequential scan twice if it meets two bytes
// 0xff in a row. Its fast routine takes them for a marker and goes on with
// zeros; then its slow routine decodes the MCU again, and takes them for fill
// bytes before a marker or, if a zero follows, for one byte 0xff. The slow
// routine does not clear what the fast one left behind. Whole files have such
// bytes before markers alone, where both routines see the same. In corrupt
// files the coefficients that are left behind are visible.
//
// The fast routine is used where enough of the file is in memory. Pillow reads
// 64 KiB at a time.

const (
	chunkSize     = 1 << 16
	fastBlockSize = 512 // bytes that must be in memory for each block of an MCU
)

// findDoubled notes whether MCUs must be decoded as above.
func (d *decoder) findDoubled() {
	d.doubled = !d.progressive && d.restartInterval == 0 && bytes.Contains(d.data[d.pos:], []byte{0xff, 0xff})
	d.inMemory = min(ceilDiv(d.pos, chunkSize)*chunkSize, len(d.data))
}

// position is what is restored to decode an MCU again.
type position struct {
	reader
	preds [4]int32
}

func (d *decoder) save() (p position) {
	p.reader = d.reader
	for i, c := range d.scan.comps {
		p.preds[i] = c.pred
	}
	return p
}

func (d *decoder) restore(p *position) {
	d.reader = p.reader
	for i, c := range d.scan.comps {
		c.pred = p.preds[i]
	}
}

// decodeDoubled decodes an MCU to blocks, which are cleared.
func (d *decoder) decodeDoubled(blocks []*[64]int16, iMCURow int) {
	start := d.save()
	if d.marker == 0 && d.inMemory-d.pos < fastBlockSize*len(blocks) && d.inMemory <= len(d.data) {
		d.decodeBlocks(blocks, iMCURow)
		if d.pos <= d.inMemory {
			return
		}
		// The data in memory were not enough. More are read.
		d.inMemory += chunkSize
		if d.inMemory > len(d.data) {
			d.inMemory = len(d.data)
			if start.pos+fastBlockSize*len(blocks) > len(d.data) {
				d.inMemory++ // the end marker is in memory: it stays too little
			}
		}
		d.restore(&start)
	}
	if d.marker == 0 && d.inMemory-d.pos >= fastBlockSize*len(blocks) {
		d.doubledIsMarker = true
		d.decodeBlocks(blocks, iMCURow)
		d.doubledIsMarker = false
		d.restore(&start)
	}
	d.decodeBlocks(blocks, iMCURow)
}

// decodeBlocks decodes an MCU of a sequential scan to blocks.
func (d *decoder) decodeBlocks(blocks []*[64]int16, iMCURow int) {
	for i, b := range blocks {
		// decodeSequential gives no errors.
		_ = d.decodeSequential(d.scan.mcu[i].c, b, iMCURow)
	}
}

// decodeDoubledRow is decodeMCURow for files in which two bytes 0xff meet.
func (d *decoder) decodeDoubledRow(iMCURow, y int) {
	s := &d.scan
	var store [maxMCUBlocks][64]int16
	var blocks []*[64]int16
	for i := range s.mcu {
		blocks = append(blocks, &store[i])
	}
	for mx := range s.cols {
		store = [maxMCUBlocks][64]int16{}
		if d.beginMCU(iMCURow) {
			d.decodeDoubled(blocks, iMCURow)
			d.endMCU(iMCURow)
		}
		for i, b := range blocks {
			if area := d.area(&s.mcu[i], mx, iMCURow, y); area != nil {
				d.inverse(dequantize(&d.block, b, s.mcu[i].c.quant), area, s.mcu[i].c.plane.stride)
			}
		}
	}
}
