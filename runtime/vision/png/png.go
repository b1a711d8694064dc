// Package png decodes PNG images to the pixels of Pillow's convert("RGB").
//
// It decodes all bit depths, color types and interlaced images. 16-bit
// channels keep their upper byte. Pillow clips 16-bit gray to 255 instead,
// which no network was trained on; OpenCV keeps the upper byte. Of an APNG it
// decodes the default image.
//
// Damaged files are decoded as Pillow does with LOAD_TRUNCATED_IMAGES: rows
// that could not be decoded are black. Wrong checksums of ancillary chunks,
// unknown chunks, surplus image data and a missing IEND are no damage.
//
// It refuses files without image data, with a wrong checksum of the header or
// palette, and Apple's CgBI variant, which is no PNG.
package png

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"

	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
)

const (
	name      = "png"
	signature = "\x89PNG\r\n\x1a\n"
)

// Format is the PNG format.
var Format = vision.Format{
	Name:        name,
	Match:       func(head []byte) bool { return bytes.HasPrefix(head, []byte(signature)) },
	Decode:      decode,
	Orientation: orientation,
}

func decode(data []byte, alpha vision.Alpha) (*vision.Image, error) {
	f, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("decoding png: %w", err)
	}
	if err := vision.CheckSize(name, f.width, f.height); err != nil {
		return nil, err
	}
	d := &decoder{file: f, alpha: alpha, img: vision.New(f.width, f.height)}
	if !d.quick() {
		d.blank()
		d.careful()
	}
	if d.damage == "" {
		d.damage = f.damage
	}
	if d.damage != "" {
		return d.img, &vision.DamageError{Format: name, Reason: d.damage}
	}
	return d.img, nil
}

// decoder decodes the rows of a file.
type decoder struct {
	*file
	alpha  vision.Alpha
	img    *vision.Image
	damage string
}

// quick decodes an undamaged file by the standard library. It reports false if
// the file is damaged.
func (d *decoder) quick() bool {
	r, err := zlib.NewReader(bytes.NewReader(d.idat))
	if err != nil {
		return false
	}
	defer r.Close()
	d.rows(func(row []byte) (ok, more bool) {
		_, err = io.ReadFull(r, row)
		return err == nil, err == nil
	})
	if err != nil || d.damage != "" {
		d.damage = ""
		return false
	}
	// The checksum follows the last row. Surplus rows are ignored.
	n := 0
	for n == 0 && err == nil {
		n, err = r.Read(make([]byte, 1))
	}
	return n > 0 || errors.Is(err, io.EOF)
}

// blank sets all pixels to samples of 0, which Pillow leaves in rows that it cannot
// decode.
func (d *decoder) blank() {
	zero := make([]byte, 8) // a pixel of four 16-bit channels
	for i := 0; i < len(d.img.Pix); i += 3 {
		d.store(d.img.Pix[i:i+3], 3, zero, 1)
	}
}

// careful decodes the same rows of a damaged file as Pillow. Pillow's zlib decompresses
// one row per call, and looks ahead to the next byte of output in its current piece of
// data. A row is lost if the decompressor meets an error there, or if the call starts
// without input.
func (d *decoder) careful() {
	z := inflater{in: d.idat, ends: d.ends}
	d.rows(func(row []byte) (ok, more bool) {
		n, err := z.read(row)
		switch {
		case err == nil:
			return true, true
		case errors.Is(err, errInput):
			d.damage = "the image data are truncated"
			return false, false
		case errors.Is(err, io.EOF):
			if n < len(row) {
				d.damage = "the image data have too few rows"
			}
			return n == len(row), false
		}
		d.damage = "the image data are corrupt: " + err.Error()
		return false, false
	})
}

// orientation returns the orientation of the eXIf chunk.
func orientation(data []byte) int {
	at := len(signature)
	for {
		c, ok := nextChunk(data, at)
		if !ok {
			return 1
		}
		if c.name == "eXIf" {
			return vision.OrientationOf(c.body)
		}
		at = c.end
	}
}
