// Package bmp decodes BMP images to the pixels of Pillow's convert("RGB").
//
// It decodes 1, 4, 8, 16, 24 and 32 bits a pixel, palettes, bit fields, run
// lengths (RLE4 and RLE8), rows from the bottom up and from the top down, and
// the headers of OS/2 and of Windows up to version 5. Only bit fields have an
// alpha channel: the fourth byte of other 32-bit pixels is unused.
//
// Of a truncated file it decodes the complete rows, as Pillow does with
// LOAD_TRUNCATED_IMAGES. It refuses files with a JPEG or PNG inside, and OS/2's
// Huffman codes and RLE24.
package bmp

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
)

const (
	name       = "bmp"
	fileHeader = 14 // bytes before the bitmap's header
)

// The compressions.
const (
	uncompressed = 0
	rle8         = 1
	rle4         = 2
	bitFields    = 3
)

// Format is the BMP format. It has no EXIF orientation.
var Format = vision.Format{
	Name:   name,
	Match:  func(head []byte) bool { return vision.Sniff(head) == name },
	Decode: decode,
}

var le = binary.LittleEndian

// header holds the headers and the palette.
type header struct {
	width, height int
	topDown       bool
	bits          int
	compression   uint32
	masks         [4]uint32 // of red, green, blue, alpha
	palette       [256][3]uint8
	pixels        int // where they start
}

func decode(data []byte, alpha vision.Alpha) (*vision.Image, error) {
	h, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("decoding bmp: %w", err)
	}
	if err := vision.CheckSize(name, h.width, h.height); err != nil {
		return nil, err
	}
	img := vision.New(h.width, h.height)
	d := &decoder{h, img, alpha}
	whole := false
	if h.compression == rle8 || h.compression == rle4 {
		whole = d.runs(data)
	} else {
		whole = d.rows(data[min(h.pixels, len(data)):])
	}
	if !whole {
		return img, &vision.DamageError{Format: name, Reason: "the file is truncated"}
	}
	return img, nil
}

// parse reads the headers and the palette.
func parse(data []byte) (*header, error) {
	errShort := errors.New("the file is truncated before its pixels")
	if len(data) < fileHeader+4 {
		return nil, errShort
	}
	offset, size := int(le.Uint32(data[10:])), int64(le.Uint32(data[fileHeader:]))
	if int64(len(data)) < fileHeader+size {
		return nil, errShort
	}
	b := data[fileHeader:][:size]
	h := &header{compression: uncompressed}
	colors, padding := 0, 4
	switch size {
	case 12:
		h.width, h.height = int(le.Uint16(b[4:])), int(le.Uint16(b[6:]))
		h.bits, padding = int(le.Uint16(b[10:])), 3
	case 40, 52, 56, 64, 108, 124:
		h.width, h.height = int(le.Uint32(b[4:])), int(le.Uint32(b[8:]))
		if h.topDown = b[11] == 0xff; h.topDown {
			h.height = 1<<32 - h.height
		}
		h.bits, h.compression, colors = int(le.Uint16(b[14:])), le.Uint32(b[16:]), int(le.Uint32(b[32:]))
	default:
		return nil, fmt.Errorf("its header of %d bytes is unknown", size)
	}
	h.width, h.height = min(h.width, 1<<31-1), min(h.height, 1<<31-1)
	if colors == 0 {
		colors = 1 << min(h.bits, 16)
	}
	rest := data[fileHeader+size:]
	if err := h.check(int(size)); err != nil {
		return nil, err
	}
	if h.compression == bitFields {
		fields := b[min(40, size):]
		if size < 52 {
			fields = rest[:min(12, len(rest))]
			rest = rest[len(fields):]
		}
		for i := 0; i < 4 && 4*i+4 <= len(fields); i++ {
			h.masks[i] = le.Uint32(fields[4*i:])
		}
	}
	h.defaultMasks()
	if h.bits <= 8 {
		if colors > 1<<16 {
			return nil, fmt.Errorf("its palette of %d colors is too large", colors)
		}
		if offset == int(fileHeader+size) {
			offset += padding * colors
		}
		rest = h.colors(rest, colors, padding)
	}
	if h.pixels = offset; offset == 0 {
		h.pixels = len(data) - len(rest)
	}
	return h, nil
}

// check refuses unsupported kinds of pixels.
func (h *header) check(size int) error {
	const os2 = 64
	switch {
	case h.compression == 4 && size != os2:
		return errors.New("it holds a JPEG, which is not supported; convert it to PNG or JPEG")
	case h.compression == 5 && size != os2:
		return errors.New("it holds a PNG, which is not supported; convert it to PNG or JPEG")
	case h.compression > bitFields, h.compression == bitFields && size == os2:
		return fmt.Errorf("its compression %d is not supported; convert it to PNG or JPEG", h.compression)
	}
	valid := false
	switch h.bits {
	case 1, 4, 8:
		valid = h.compression != bitFields
	case 16, 24, 32:
		valid = h.compression == uncompressed || h.compression == bitFields
	}
	if !valid {
		return fmt.Errorf("%d bits a pixel with compression %d are not supported; convert it to PNG or JPEG", h.bits, h.compression)
	}
	return nil
}

// defaultMasks sets the masks of pixels without bit fields.
func (h *header) defaultMasks() {
	switch {
	case h.compression == bitFields && h.masks != [4]uint32{}:
	case h.bits == 16:
		h.masks = [4]uint32{0x7c00, 0x3e0, 0x1f}
	case h.compression == bitFields && h.bits == 32:
		h.masks = [4]uint32{0xff0000, 0xff00, 0xff, 0xff000000}
	default:
		h.masks = [4]uint32{0xff0000, 0xff00, 0xff}
	}
}

// colors reads the palette. Missing colors are black. Pillow drops a palette of ordered
// grays and uses all 256 grays.
func (h *header) colors(b []byte, n, padding int) (rest []byte) {
	grays := true
	for i := range n {
		gray := i
		if n == 2 {
			gray = 255 * i
		}
		if len(b) < 3 {
			grays = false
			break
		}
		grays = grays && int(b[0]) == gray && int(b[1]) == gray && int(b[2]) == gray
		if i < len(h.palette) {
			h.palette[i] = [3]uint8{b[2], b[1], b[0]}
		}
		b = b[min(padding, len(b)):]
	}
	if grays {
		for i := range h.palette {
			v := uint8(i)
			if n <= 2 && i > 0 {
				v = 255
			}
			h.palette[i] = [3]uint8{v, v, v}
		}
	}
	return b
}

// decoder decodes the pixels.
type decoder struct {
	*header
	img   *vision.Image
	alpha vision.Alpha
}

// row returns the pixels of the y-th row of the file.
func (d *decoder) row(y int) []uint8 {
	if !d.topDown {
		y = d.height - 1 - y
	}
	return d.img.Pix[3*y*d.width : 3*(y+1)*d.width]
}

// rows decodes uncompressed rows. It reports whether all of them are there; missing
// pixels are 0.
func (d *decoder) rows(b []byte) bool {
	used := (d.width*d.bits + 7) / 8
	stride := (d.width*d.bits + 31) / 32 * 4
	convert := d.direct
	if d.bits <= 8 {
		convert = d.indexed
	}
	for y := range d.height {
		if len(b) < used {
			blank := make([]byte, used)
			for ; y < d.height; y++ {
				convert(d.row(y), blank)
			}
			return false
		}
		convert(d.row(y), b)
		b = b[min(stride, len(b)):]
	}
	return true
}

// indexed converts a row of colors of the palette.
func (d *decoder) indexed(dst []uint8, b []byte) {
	for x := range d.width {
		at := x * d.bits
		i := b[at/8] >> (8 - d.bits - at%8) & uint8(1<<d.bits-1)
		copy(dst[3*x:], d.palette[i][:])
	}
}

// direct converts a row of red, green and blue.
func (d *decoder) direct(dst []uint8, b []byte) {
	var fields [4]field
	for i, m := range d.masks {
		fields[i] = newField(m)
	}
	size := d.bits / 8
	for x := range d.width {
		p := b[size*x:]
		v := uint32(p[0]) | uint32(p[1])<<8
		if size > 2 {
			v |= uint32(p[2]) << 16
		}
		if size > 3 {
			v |= uint32(p[3]) << 24
		}
		a := uint8(255)
		if d.masks[3] != 0 {
			a = fields[3].of(v)
		}
		vision.Blend(dst[3*x:], fields[0].of(v), fields[1].of(v), fields[2].of(v), a, d.alpha)
	}
}

// field is a channel in a pixel.
type field struct {
	shift uint
	top   uint32 // its largest value; 0 if there is no such channel
}

func newField(mask uint32) field {
	var f field
	for mask != 0 && mask&1 == 0 {
		mask >>= 1
		f.shift++
	}
	f.top = mask
	return f
}

// of returns the channel of a pixel, scaled to 255 and cut, as Pillow does.
func (f field) of(v uint32) uint8 {
	if f.top == 0 {
		return 0
	}
	return uint8(uint64(v>>f.shift&f.top) * 255 / uint64(f.top))
}
