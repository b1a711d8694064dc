package webp

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
)

// The flags of the VP8X chunk.
const (
	hasAnimation = 1 << 1
	hasAlpha     = 1 << 4
)

var (
	errCut     = errors.New("the file is truncated")
	errNoImage = errors.New("it has no image")
)

// chunks iterates over chunks: a name of 4 letters, a length of 4 bytes, and
// that many bytes, padded to an even number.
func chunks(b []byte, yield func(name string, body []byte) error) error {
	for len(b) >= 8 {
		n := int64(binary.LittleEndian.Uint32(b[4:]))
		if n > int64(len(b)-8) {
			return errCut
		}
		if err := yield(string(b[:4]), b[8:8+n]); err != nil {
			return err
		}
		b = b[min(8+int(n+n&1), len(b)):]
	}
	return nil
}

// body returns the chunks of a file.
func body(data []byte) ([]byte, error) {
	n := int64(binary.LittleEndian.Uint32(data[4:]))
	if n+8 > int64(len(data)) {
		return nil, errCut
	}
	return data[12:max(12, 8+n)], nil
}

func uint24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }

// errDone ends an iteration.
var errDone = errors.New("done")

// parse reads a file up to its first frame.
func parse(data []byte) (*frame, error) {
	if len(data) < 20 {
		return nil, errCut
	}
	b, err := body(data)
	if err != nil {
		return nil, err
	}
	f, extended := &frame{}, false
	err = chunks(b, func(name string, c []byte) error {
		switch name {
		case "VP8X":
			if len(c) < 10 {
				return errCut
			}
			extended = true
			f.animated, f.alpha = c[0]&hasAnimation != 0, c[0]&hasAlpha != 0
			f.width, f.height = uint24(c[4:])+1, uint24(c[7:])+1
		case "ANMF":
			if f.animated {
				return f.animation(c)
			}
		case "ALPH", "VP8 ", "VP8L":
			if !f.animated {
				return f.image(name, c)
			}
		}
		return nil
	})
	switch {
	case errors.Is(err, errDone):
	case err != nil:
		return nil, err
	default:
		return nil, errNoImage
	}
	if !extended {
		f.width, f.height = f.w, f.h
		f.alpha = f.lossless && f.data[4]&0x10 != 0 // alpha_is_used
	}
	if !f.animated && (f.w != f.width || f.h != f.height) || f.x+f.w > f.width || f.y+f.h > f.height {
		return nil, fmt.Errorf("its image of %dx%d pixels does not fit its canvas of %dx%d", f.w, f.h, f.width, f.height)
	}
	return f, nil
}

// animation reads a frame of an animation.
func (f *frame) animation(c []byte) error {
	if len(c) < 16 {
		return errCut
	}
	f.x, f.y = 2*uint24(c), 2*uint24(c[3:])
	w, h := uint24(c[6:])+1, uint24(c[9:])+1
	err := chunks(c[16:], f.image)
	if err == nil {
		return errNoImage
	}
	if errors.Is(err, errDone) && (f.w != w || f.h != h) {
		return fmt.Errorf("its first frame has %dx%d pixels, not %dx%d", f.w, f.h, w, h)
	}
	return err
}

// image reads the chunks of an image.
func (f *frame) image(name string, c []byte) error {
	switch name {
	case "ALPH":
		f.alphaChunk = c
		return nil
	case "VP8 ":
		// 3 bytes of the frame tag, 3 of a start code, width and height.
		if len(c) < 10 {
			return errCut
		}
		f.w, f.h = int(binary.LittleEndian.Uint16(c[6:])&0x3fff), int(binary.LittleEndian.Uint16(c[8:])&0x3fff)
	case "VP8L":
		if len(c) < 5 {
			return errCut
		}
		v := binary.LittleEndian.Uint32(c[1:])
		f.w, f.h, f.lossless = int(v&0x3fff)+1, int(v>>14&0x3fff)+1, true
	default:
		return nil
	}
	f.data = c
	return errDone
}

// orientation returns the orientation of the EXIF chunk.
func orientation(data []byte) int {
	o := 1
	if b, err := body(data); err == nil {
		_ = chunks(b, func(name string, c []byte) error {
			if name != "EXIF" {
				return nil
			}
			o = vision.OrientationOf(c)
			return errDone
		})
	}
	return o
}
