// Package gif decodes the first frame of GIF images to the pixels of Pillow's
// convert("RGB").
//
// The frame lies on a canvas of the file's size. Around it is the transparent
// color, or color 0 if there is none. A frame that reaches over the canvas
// enlarges it.
//
// Damaged data are decoded as Pillow does with LOAD_TRUNCATED_IMAGES. Files
// without a frame are refused.
package gif

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
)

const name = "gif"

// Format is the GIF format. It has no EXIF orientation.
var Format = vision.Format{
	Name: name,
	Match: func(head []byte) bool {
		return strings.HasPrefix(string(head), "GIF87a") || strings.HasPrefix(string(head), "GIF89a")
	},
	Decode: decode,
}

func decode(data []byte, alpha vision.Alpha) (*vision.Image, error) {
	f, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("decoding gif: %w", err)
	}
	if err := vision.CheckSize(name, f.width, f.height); err != nil {
		return nil, err
	}
	canvas := make([]uint8, f.width*f.height)
	if f.transparent > 0 {
		for i := range canvas {
			canvas[i] = uint8(f.transparent)
		}
	}
	damage := f.decompress(canvas)
	img := vision.New(f.width, f.height)
	for i, v := range canvas {
		c, a := f.palette[v], uint8(255)
		if int(v) == f.transparent {
			a = 0
		}
		vision.Blend(img.Pix[3*i:], c[0], c[1], c[2], a, alpha)
	}
	if damage != "" {
		return img, &vision.DamageError{Format: name, Reason: damage}
	}
	return img, nil
}

// frame is the first frame of a file.
type frame struct {
	width, height int // of the canvas
	x, y, w, h    int // of the frame
	palette       [256][3]uint8
	transparent   int // a color, or -1
	interlaced    bool
	codeBits      int
	data          []byte // blocks, and what follows them
}

var errTruncated = errors.New("the file is truncated before its first frame")

// reader reads the parts of a file.
type reader struct{ rest []byte }

// take returns n bytes, or nil at the end of the file.
func (r *reader) take(n int) []byte {
	if n > len(r.rest) {
		r.rest = nil
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

// block returns a block, which is empty at the end of a list of them.
func (r *reader) block() []byte {
	n := r.take(1)
	if n == nil {
		return nil
	}
	return r.take(int(n[0]))
}

// colors reads a palette of 2^bits colors. It reports false for a palette of ordered
// grays. Pillow drops these and uses all 256 grays.
func (r *reader) colors(palette *[256][3]uint8, bits int) bool {
	*palette = [256][3]uint8{}
	b := r.rest[:min(3<<bits, len(r.rest))]
	r.rest = r.rest[len(b):]
	grays := true
	for i := 0; 3*i+3 <= len(b); i++ {
		c := b[3*i:]
		copy(palette[i][:], c)
		grays = grays && c[0] == uint8(i) && c[1] == uint8(i) && c[2] == uint8(i)
	}
	if grays {
		for i := range palette {
			palette[i] = [3]uint8{uint8(i), uint8(i), uint8(i)}
		}
	}
	return !grays
}

// parse reads a file up to the data of its first frame.
func parse(data []byte) (*frame, error) {
	r := reader{data}
	head := r.take(13)
	if head == nil {
		return nil, errTruncated
	}
	f := &frame{transparent: -1}
	f.width, f.height = int(binary.LittleEndian.Uint16(head[6:])), int(binary.LittleEndian.Uint16(head[8:]))
	for i := range f.palette { // of files without a palette
		f.palette[i] = [3]uint8{uint8(i), uint8(i), uint8(i)}
	}
	if flags := head[10]; flags&0x80 != 0 {
		r.colors(&f.palette, int(flags&7)+1)
	}
	for {
		b := r.take(1)
		switch {
		case b == nil:
			return nil, errTruncated
		case b[0] == ';':
			return nil, errors.New("it has no frame")
		case b[0] == '!':
			f.extension(&r)
		case b[0] == ',':
			return f, f.image(&r)
		}
	}
}

// extension reads an extension. Only the transparent color counts.
func (f *frame) extension(r *reader) {
	const graphicControl = 0xf9
	label, block := r.take(1), r.block()
	if label != nil && label[0] == graphicControl && len(block) >= 4 && block[0]&1 != 0 {
		f.transparent = int(block[3])
	}
	for len(block) > 0 {
		block = r.block()
	}
}

// image reads the header of a frame.
func (f *frame) image(r *reader) error {
	b := r.take(9)
	if b == nil {
		return errTruncated
	}
	f.x, f.y = int(binary.LittleEndian.Uint16(b)), int(binary.LittleEndian.Uint16(b[2:]))
	f.w, f.h = int(binary.LittleEndian.Uint16(b[4:])), int(binary.LittleEndian.Uint16(b[6:]))
	if f.w == 0 || f.h == 0 {
		return errors.New("its first frame has no pixels")
	}
	f.width, f.height = max(f.width, f.x+f.w), max(f.height, f.y+f.h)
	flags := b[8]
	f.interlaced = flags&0x40 != 0
	if flags&0x80 != 0 {
		var own [256][3]uint8
		if r.colors(&own, int(flags&7)+1) {
			f.palette = own // one of grays does not replace the file's, as in Pillow
		}
	}
	bits := r.take(1)
	if bits == nil {
		return errTruncated
	}
	f.codeBits, f.data = int(bits[0]), r.rest
	return nil
}
