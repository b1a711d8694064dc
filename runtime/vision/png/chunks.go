package png

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// The color types (PNG, third edition, section 11.2.1).
const (
	gray      = 0
	rgb       = 2
	indexed   = 3
	grayAlpha = 4
	rgbAlpha  = 6
)

// maxPiece is how much image data Pillow reads at once: ImageFile.MAXBLOCK.
const maxPiece = 65536

// file holds the contents of a PNG's chunks.
type file struct {
	width, height    int
	depth, colorType int
	interlaced       bool
	palette          [256][4]uint8 // R, G, B, alpha; black and opaque where the file has no color
	transparent      []byte        // the tRNS chunk
	idat             []byte        // all image data, without the chunks around them
	ends             []int         // of the pieces of idat that Pillow reads at once
	damage           string        // of the chunks
}

// chunk is a part of a PNG:
//
//	4 bytes  length of the body
//	4 bytes  name
//	         body
//	4 bytes  CRC-32 of name and body
type chunk struct {
	name   string
	body   []byte // shorter than its length if the file is truncated
	cut    bool   // the file ends in the body
	summed []byte // name and body
	crc    []byte // less than 4 bytes if the file is truncated
	end    int    // where the next chunk starts
}

// crcWrong reports whether the checksum is wrong or missing. It reads the whole
// chunk.
func (c *chunk) crcWrong() bool {
	return len(c.crc) < 4 || binary.BigEndian.Uint32(c.crc) != crc32.ChecksumIEEE(c.summed)
}

func (c *chunk) critical() bool { return c.name[0]&0x20 == 0 }

// nextChunk returns the chunk at an offset, and whether there is one.
func nextChunk(data []byte, at int) (c chunk, ok bool) {
	if at > len(data)-8 {
		return c, false
	}
	n := int64(binary.BigEndian.Uint32(data[at:]))
	c.name = string(data[at+4 : at+8])
	rest := data[at+8:]
	if n > int64(len(rest)) {
		c.body, c.cut, c.end = rest, true, len(data)
		return c, true
	}
	c.body, c.end = rest[:n], min(at+8+int(n)+4, len(data))
	c.summed, c.crc = data[at+4:at+8+int(n)], rest[n:]
	return c, true
}

// parse reads the chunks of a file up to the end of its image data.
func parse(data []byte) (*file, error) {
	f := &file{colorType: -1}
	for i := range f.palette {
		f.palette[i][3] = 255
	}
	at := len(signature)
	for {
		c, ok := nextChunk(data, at)
		if !ok {
			return nil, errors.New("the file is truncated before its image data")
		}
		switch c.name {
		case "IDAT":
			if f.colorType < 0 {
				return nil, errors.New("there is no header")
			}
			f.collect(data, at)
			f.applyTransparency()
			return f, nil
		case "IEND":
			return nil, errors.New("there are no image data")
		case "CgBI":
			return nil, errors.New("it is of Apple's variant CgBI, which is not supported; convert it to PNG or JPEG")
		}
		if c.cut {
			return nil, errors.New("the file is truncated before its image data")
		}
		if c.critical() && c.crcWrong() {
			return nil, fmt.Errorf("the checksum of its chunk %q is wrong", c.name)
		}
		var err error
		switch c.name {
		case "IHDR":
			err = f.header(c.body)
		case "PLTE":
			err = f.colors(c.body)
		case "tRNS":
			f.transparent = c.body
		}
		if err != nil {
			return nil, err
		}
		at = c.end
	}
}

// header reads the IHDR chunk.
func (f *file) header(b []byte) error {
	if len(b) < 13 {
		return errors.New("its header is too short")
	}
	w, h := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	f.width, f.height = int(min(w, 1<<31-1)), int(min(h, 1<<31-1))
	f.depth, f.colorType = int(b[8]), int(b[9])
	valid := false
	switch f.colorType {
	case gray:
		valid = f.depth == 1 || f.depth == 2 || f.depth == 4 || f.depth == 8 || f.depth == 16
	case indexed:
		valid = f.depth == 1 || f.depth == 2 || f.depth == 4 || f.depth == 8
	case rgb, grayAlpha, rgbAlpha:
		valid = f.depth == 8 || f.depth == 16
	}
	if !valid {
		return fmt.Errorf("no PNG has color type %d with %d bits", f.colorType, f.depth)
	}
	if b[11] != 0 {
		return fmt.Errorf("its filter method %d is unknown", b[11])
	}
	f.interlaced = b[12] != 0
	return nil
}

// colors reads the PLTE chunk.
func (f *file) colors(b []byte) error {
	if f.colorType != indexed {
		return nil // a suggestion for displays of few colors
	}
	if len(b) > 3*len(f.palette) {
		return fmt.Errorf("its palette has %d colors, at most are 256", len(b)/3)
	}
	for i := 0; 3*i+3 <= len(b); i++ {
		copy(f.palette[i][:3], b[3*i:])
	}
	return nil
}

// collect joins the bodies of the IDAT chunks from an offset on. Any other chunk
// ends them.
func (f *file) collect(data []byte, at int) {
	for first := true; ; first = false {
		c, ok := nextChunk(data, at)
		if !ok || c.name != "IDAT" {
			return
		}
		switch {
		case c.cut:
			f.damage = "the file is truncated"
		case f.damage == "" && c.crcWrong():
			f.damage = "the checksum of the image data is wrong"
		}
		if first {
			f.idat = c.body[:len(c.body):len(c.body)]
		} else {
			f.idat = append(f.idat, c.body...)
		}
		for n := len(f.idat) - len(c.body); n < len(f.idat); {
			n = min(n+maxPiece, len(f.idat))
			f.ends = append(f.ends, n)
		}
		at = c.end
	}
}

// applyTransparency sets the palette's alpha, and drops a tRNS chunk that the color type
// does not allow.
func (f *file) applyTransparency() {
	need := 0
	switch f.colorType {
	case indexed:
		for i, a := range f.transparent[:min(len(f.transparent), len(f.palette))] {
			f.palette[i][3] = a
		}
	case gray:
		need = 2
	case rgb:
		need = 6
	}
	if need == 0 || len(f.transparent) < need {
		f.transparent = nil
	}
}

// channels returns the number of samples of a pixel.
func (f *file) channels() int {
	switch f.colorType {
	case rgb:
		return 3
	case grayAlpha:
		return 2
	case rgbAlpha:
		return 4
	}
	return 1
}
