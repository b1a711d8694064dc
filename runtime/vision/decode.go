package vision

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// MaxPixels is the number of pixels of the largest image that a Decoder accepts.
const MaxPixels = 1 << 26

// maxFile is the maximum size of an image file in bytes.
const maxFile = 1 << 30

// headLen is the number of bytes by which a format is recognized.
const headLen = 64

// Decoder decodes image files of the listed formats. The zero values of Alpha and
// EXIF treat images like Pillow. A Decoder is safe for concurrent use.
type Decoder struct {
	Formats []Format
	Alpha   Alpha
	EXIF    EXIF
}

// Decode reads an image from r up to the end. It recognizes the format by the
// content. It returns a *FormatError if Formats does not contain the format. For a
// damaged file it returns the image together with a *DamageError; see [Damaged].
func (d *Decoder) Decode(r io.Reader) (*Image, error) { return d.read(r, 0) }

// read is Decode for a file of about size bytes.
func (d *Decoder) read(r io.Reader, size int64) (*Image, error) {
	var b bytes.Buffer
	b.Grow(int(min(size, maxFile)) + bytes.MinRead)
	if _, err := b.ReadFrom(io.LimitReader(r, maxFile+1)); err != nil {
		return nil, fmt.Errorf("reading image: %w", err)
	}
	if b.Len() > maxFile {
		return nil, fmt.Errorf("decoding image: more than %d bytes", maxFile)
	}
	return d.decode(b.Bytes())
}

// DecodeFile decodes the image file at path like [Decoder.Decode]. Errors begin
// with the path.
func (d *Decoder) DecodeFile(path string) (*Image, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	img, err := d.read(f, info.Size())
	if err != nil {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return img, err
}

func (d *Decoder) decode(data []byte) (*Image, error) {
	if len(data) == 0 {
		return nil, errors.New("decoding image: the file is empty")
	}
	head := data[:min(len(data), headLen)]
	for _, f := range d.Formats {
		if f.Match(head) {
			img, err := decodeAs(f, data, d.Alpha)
			if img != nil && d.EXIF == ApplyEXIF && f.Orientation != nil {
				img = Turn(img, f.Orientation(data))
			}
			return img, err
		}
	}
	return nil, unsupported(data)
}

// decodeAs decodes a file of format f. A panic of the decoder becomes an error, so
// that a broken file cannot end the program.
func decodeAs(f Format, data []byte, alpha Alpha) (img *Image, err error) {
	defer func() {
		if r := recover(); r != nil {
			img, err = nil, fmt.Errorf("decoding %s: the decoder fails on this file: %v", f.Name, r)
		}
	}()
	img, err = f.Decode(data, alpha)
	if err != nil && !Damaged(err) {
		img = nil
	}
	return img, err
}

// Damaged reports whether err means only that the file is damaged. The decoder has
// then returned the image together with err.
func Damaged(err error) bool {
	var damage *DamageError
	return errors.As(err, &damage)
}

// CheckSize returns an error for images of no pixels or of more than [MaxPixels].
// Formats call it before they allocate memory. width and height are in pixels.
func CheckSize(format string, width, height int) error {
	if width < 1 || height < 1 || width > MaxPixels/height {
		return fmt.Errorf("decoding %s: %dx%d pixels, accepted are 1 to %d", format, width, height, MaxPixels)
	}
	return nil
}

// Blend writes one pixel with straight alpha to dst[:3]. [OverWhite] gives the
// bytes of Pillow's paste with a mask.
func Blend(dst []uint8, r, g, b, a uint8, alpha Alpha) {
	_ = dst[2]
	switch alpha {
	case OverWhite:
		white := 255 * (255 - uint32(a))
		dst[0] = Div255(uint32(r)*uint32(a) + white)
		dst[1] = Div255(uint32(g)*uint32(a) + white)
		dst[2] = Div255(uint32(b)*uint32(a) + white)
	case OverBlack:
		dst[0] = Div255(uint32(r) * uint32(a))
		dst[1] = Div255(uint32(g) * uint32(a))
		dst[2] = Div255(uint32(b) * uint32(a))
	default:
		dst[0], dst[1], dst[2] = r, g, b
	}
}

// Div255 returns x/255 rounded, for x up to 255*255 (Pillow's DIV255).
func Div255(x uint32) uint8 {
	x += 128
	return uint8((x>>8 + x) >> 8)
}
