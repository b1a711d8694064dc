package png

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
)

// pass is a part of an image whose pixels are stored together: those of every
// dx-th column from x on, and of every dy-th row from y on.
type pass struct{ x, y, dx, dy int }

// adam7 are the passes of interlaced images (PNG, section 8.1).
var adam7 = []pass{{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}}

// rows reads all rows with read, undoes their filters and stores their pixels. A row is a
// filter and its bytes. read reports whether it filled the row, and whether more rows
// follow. rows stops at a row that cannot be read.
func (d *decoder) rows(read func(row []byte) (ok, more bool)) {
	passes := adam7
	if !d.interlaced {
		passes = []pass{{0, 0, 1, 1}}
	}
	bits := d.depth * d.channels()
	bpp := (bits + 7) / 8
	size := 1 + (d.width*bits+7)/8
	both := make([]byte, 2*size)
	ended := false
	for _, p := range passes {
		n := (d.width - p.x + p.dx - 1) / p.dx
		if n <= 0 {
			continue
		}
		used := 1 + (n*bits+7)/8
		row, above := both[:used], both[size:][:used]
		clear(above)
		for y := p.y; y < d.height; y += p.dy {
			if ended {
				d.damage = "the image data have too few rows"
				return
			}
			ok, more := read(row)
			if !ok {
				return
			}
			ended = !more
			if row[0] > 4 {
				d.damage = fmt.Sprintf("the image data are corrupt: there is no filter %d", row[0])
				return
			}
			unfilter(row[0], row[1:], above[1:], bpp)
			d.store(d.img.Pix[3*(y*d.width+p.x):3*(y+1)*d.width], 3*p.dx, row[1:], n)
			row, above = above, row
		}
	}
}

// unfilter undoes a row's filter (PNG, section 9.2). bpp is the number of bytes
// of a pixel, 1 or more.
func unfilter(filter uint8, row, above []byte, bpp int) {
	switch filter {
	case 1:
		for i := bpp; i < len(row); i++ {
			row[i] += row[i-bpp]
		}
	case 2:
		for i, a := range above[:len(row)] {
			row[i] += a
		}
	case 3:
		for i := range min(bpp, len(row)) {
			row[i] += above[i] / 2
		}
		for i := bpp; i < len(row); i++ {
			row[i] += uint8((int(row[i-bpp]) + int(above[i])) / 2)
		}
	case 4:
		for i := range min(bpp, len(row)) {
			row[i] += above[i]
		}
		for i := bpp; i < len(row); i++ {
			row[i] += paeth(row[i-bpp], above[i], above[i-bpp])
		}
	}
}

// paeth returns the one of left, up and corner that is nearest to
// left+up-corner.
func paeth(left, up, corner uint8) uint8 {
	a, b, c := int(left), int(up), int(corner)
	pa, pb := b-c, a-c
	pc := pa + pb
	pa, pb, pc = max(pa, -pa), max(pb, -pb), max(pc, -pc)
	switch {
	case pa <= pb && pa <= pc:
		return left
	case pb <= pc:
		return up
	}
	return corner
}

// store converts n pixels of a row to RGB. They lie step bytes apart in dst.
func (d *decoder) store(dst []uint8, step int, row []byte, n int) {
	switch {
	case d.colorType == rgb && d.depth == 8 && step == 3 && d.transparent == nil:
		copy(dst, row)
	case d.colorType == indexed:
		for i := range n {
			c := &d.palette[sample(row, i, d.depth)]
			vision.Blend(dst[step*i:], c[0], c[1], c[2], c[3], d.alpha)
		}
	case d.colorType == gray:
		d.storeGray(dst, step, row, n)
	default:
		d.storeWide(dst, step, row, n)
	}
}

// sample returns the i-th sample of depth bits, 8 at most.
func sample(row []byte, i, depth int) uint8 {
	if depth == 8 {
		return row[i]
	}
	at := i * depth
	return row[at/8] >> (8 - depth - at%8) & (1<<depth - 1)
}

// storeGray stores gray pixels without an alpha channel.
func (d *decoder) storeGray(dst []uint8, step int, row []byte, n int) {
	transparent := -1
	if d.transparent != nil {
		transparent = int(binary.BigEndian.Uint16(d.transparent))
	}
	scale := uint8(1)
	if d.depth < 8 {
		scale = 255 / (1<<d.depth - 1)
	}
	for i := range n {
		var v uint8
		var raw int
		if d.depth == 16 {
			v, raw = row[2*i], int(binary.BigEndian.Uint16(row[2*i:]))
		} else {
			v = sample(row, i, d.depth)
			v, raw = v*scale, int(v)
		}
		a := uint8(255)
		if raw == transparent {
			a = 0
		}
		vision.Blend(dst[step*i:], v, v, v, a, d.alpha)
	}
}

// storeWide stores pixels of several channels. Of 16 bits it takes the upper 8.
func (d *decoder) storeWide(dst []uint8, step int, row []byte, n int) {
	size := d.depth / 8
	width := size * d.channels()
	for i := range n {
		p := row[width*i:][:width]
		switch d.colorType {
		case grayAlpha:
			vision.Blend(dst[step*i:], p[0], p[0], p[0], p[size], d.alpha)
		case rgbAlpha:
			vision.Blend(dst[step*i:], p[0], p[size], p[2*size], p[3*size], d.alpha)
		default:
			a := uint8(255)
			if d.isTransparent(p) {
				a = 0
			}
			vision.Blend(dst[step*i:], p[0], p[size], p[2*size], a, d.alpha)
		}
	}
}

// isTransparent reports whether an RGB pixel has the color of the tRNS chunk,
// which has 16 bits a channel.
func (d *decoder) isTransparent(p []byte) bool {
	t := d.transparent
	switch {
	case t == nil:
		return false
	case d.depth == 16:
		return bytes.Equal(p, t[:6])
	}
	return t[0] == 0 && t[2] == 0 && t[4] == 0 && p[0] == t[1] && p[1] == t[3] && p[2] == t[5]
}
