package tiff

import (
	"bytes"
	"compress/zlib"
	"errors"
	"io"
	"math/bits"

	"golang.org/x/image/tiff/lzw"
)

// decoder decodes the samples of an image.
type decoder struct {
	*header
	data    []byte
	samples []uint8 // kept ones of each pixel; of 16 bits the upper 8
	damage  string
}

// segments decodes all strips or tiles.
func (d *decoder) segments() {
	across, down := d.counts()
	planes, channels := 1, d.perPixel
	if d.separate {
		planes, channels = d.perPixel, 1
	}
	row := make([]byte, (d.segWidth*channels*d.bits+7)/8)
	i := 0
	for plane := range planes {
		for y := 0; y < down*d.segHeight; y += d.segHeight {
			for x := 0; x < across*d.segWidth; x += d.segWidth {
				rows := min(d.segHeight, d.height-y)
				r := d.open(i, len(row)*rows)
				i++
				for k := range rows {
					if _, err := io.ReadFull(r, row); err != nil {
						d.damage = "the image data are truncated or corrupt"
						break
					}
					d.unpredict(row, channels)
					d.keep(row, plane, channels, x, y+k)
				}
				d.finish(r)
			}
		}
	}
}

// finish checks the checksum after deflated data, and closes the segment.
// Surplus data are ignored.
func (d *decoder) finish(r io.ReadCloser) {
	if d.compression == deflate || d.compression == oldDeflate {
		if _, err := io.ReadFull(r, make([]byte, 1)); err != nil && !errors.Is(err, io.EOF) {
			d.damage = "the image data are truncated or corrupt"
		}
	}
	r.Close()
}

// open decompresses segment i, of which size bytes are needed.
func (d *decoder) open(i, size int) io.ReadCloser {
	var src []byte
	if i < len(d.offsets) && d.offsets[i] < len(d.data) {
		src = d.data[d.offsets[i]:]
		if i < len(d.lengths) && d.lengths[i] > 0 && d.lengths[i] < len(src) {
			src = src[:d.lengths[i]]
		}
	}
	if len(src) == 0 {
		return io.NopCloser(bytes.NewReader(nil))
	}
	if d.reversed {
		src = bytes.Clone(src[:min(len(src), 2*size+1024)])
		for k, b := range src {
			src[k] = bits.Reverse8(b)
		}
	}
	switch d.compression {
	case packBits:
		src = unpackBits(src, size)
	case lzwCompression:
		return lzw.NewReader(bytes.NewReader(src), lzw.MSB, 8)
	case deflate, oldDeflate:
		if z, err := zlib.NewReader(bytes.NewReader(src)); err == nil {
			return z
		}
		src = nil
	}
	return io.NopCloser(bytes.NewReader(src))
}

// unpackBits decompresses runs: n+1 bytes after a byte n up to 127, or a byte
// 257-n times after a byte n from 129 on. It returns up to size bytes.
func unpackBits(src []byte, size int) []byte {
	var out []byte
	for len(out) < size && len(src) > 0 {
		n := int(src[0])
		src = src[1:]
		switch {
		case n < 128:
			n = min(n+1, len(src))
			out = append(out, src[:n]...)
			src = src[n:]
		case n > 128 && len(src) > 0:
			for range 257 - n {
				out = append(out, src[0])
			}
			src = src[1:]
		}
	}
	return out
}

// unpredict adds the sample to the left to each sample. Uncompressed data and
// PackBits have no predictor.
func (d *decoder) unpredict(row []byte, channels int) {
	if d.predictor != horizontalDiffs || d.compression == uncompressed || d.compression == packBits {
		return
	}
	if d.bits == 8 {
		for i := channels; i < len(row); i++ {
			row[i] += row[i-channels]
		}
		return
	}
	for i := 2 * channels; i+2 <= len(row); i += 2 {
		d.order.PutUint16(row[i:], d.order.Uint16(row[i:])+d.order.Uint16(row[i-2*channels:]))
	}
}

// keep stores a segment's row at (x, y) of the image.
func (d *decoder) keep(row []byte, plane, channels, x, y int) {
	n := min(d.segWidth, d.width-x)
	for c := range channels {
		to := plane + c
		if to >= d.kept {
			break
		}
		dst := d.samples[(y*d.width+x)*d.kept+to:]
		for i := range n {
			dst[i*d.kept] = d.sample(row, i*channels+c)
		}
	}
}

// sample returns sample i of a row: the upper 8 bits of 16.
func (d *decoder) sample(row []byte, i int) uint8 {
	switch d.bits {
	case 8:
		return row[i]
	case 16:
		return uint8(d.order.Uint16(row[2*i:]) >> 8)
	}
	at := i * d.bits
	return row[at/8] >> (8 - d.bits - at%8) & d.top()
}
