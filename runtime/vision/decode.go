package vision

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"os"
)

// MaxPixels is the largest image that Decode accepts: 64 Mi pixels.
const MaxPixels = 1 << 26

// maxFile bounds what is read of a file, in bytes.
const maxFile = 1 << 30

// Decode reads a PNG, JPEG or GIF image to its end. The caller closes r.
func Decode(r io.Reader) (*Image, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading image: %w", err)
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("decoding image: more than %d bytes", maxFile)
	}
	return decode(data)
}

// DecodeFile reads the image file at path. Errors name it.
func DecodeFile(path string) (*Image, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	img, err := Decode(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return img, nil
}

// format is an image format by its first bytes.
type format struct {
	name, magic string
	config      func(io.Reader) (image.Config, error)
	decode      func(io.Reader) (image.Image, error)
}

func formats() []format {
	return []format{
		{"png", "\x89PNG\r\n\x1a\n", png.DecodeConfig, png.Decode},
		{"jpeg", "\xff\xd8", jpeg.DecodeConfig, jpeg.Decode},
		{"gif", "GIF8", gif.DecodeConfig, gif.Decode},
	}
}

func decode(data []byte) (*Image, error) {
	if len(data) == 0 {
		return nil, errors.New("decoding image: the file is empty")
	}
	for _, f := range formats() {
		if !bytes.HasPrefix(data, []byte(f.magic)) {
			continue
		}
		c, err := f.config(bytes.NewReader(data))
		if err != nil {
			return nil, decodeError(f.name, err)
		}
		if c.Width < 1 || c.Height < 1 || c.Width > MaxPixels/c.Height {
			return nil, fmt.Errorf("decoding %s: %dx%d pixels, accepted are 1 to %d", f.name, c.Width, c.Height, MaxPixels)
		}
		src, err := f.decode(bytes.NewReader(data))
		if err != nil {
			return nil, decodeError(f.name, err)
		}
		return FromImage(src), nil
	}
	return nil, errors.New("decoding image: neither PNG, JPEG nor GIF")
}

func decodeError(name string, err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return fmt.Errorf("decoding %s: the file is truncated", name)
	}
	return fmt.Errorf("decoding %s: %w", name, err)
}

// FromImage converts an image to RGB. 16-bit channels keep their upper byte,
// CMYK is converted as Pillow does it, transparent pixels lie over white.
func FromImage(src image.Image) *Image {
	b := src.Bounds()
	out := New(b.Dx(), b.Dy())
	if p, ok := src.(*image.Paletted); ok {
		fromPalette(out, p)
		return out
	}
	for y := range out.H {
		convertRow(out.row(y), src, b.Min.X, b.Min.Y+y)
	}
	return out
}

func fromPalette(dst *Image, src *image.Paletted) {
	var table [256][3]uint8 // indices out of the palette are black
	for i, c := range src.Palette {
		n := color.NRGBAModel.Convert(c).(color.NRGBA)
		overWhite(table[i][:], []uint8{n.R, n.G, n.B, n.A})
	}
	for y := range dst.H {
		row := dst.row(y)
		for x, i := range src.Pix[y*src.Stride:][:dst.W] {
			copy(row[3*x:], table[i][:])
		}
	}
}

// convertRow fills dst with the pixels of src from (x0, y) on.
func convertRow(dst []uint8, src image.Image, x0, y int) {
	switch m := src.(type) {
	case *image.NRGBA:
		from := m.Pix[m.PixOffset(x0, y):]
		for i, j := 0, 0; i < len(dst); i, j = i+3, j+4 {
			overWhite(dst[i:i+3], from[j:j+4])
		}
	case *image.RGBA: // the PNG decoder gives it for opaque images only
		from := m.Pix[m.PixOffset(x0, y):]
		for i, j := 0, 0; i < len(dst); i, j = i+3, j+4 {
			rest := 255 - from[j+3]
			dst[i], dst[i+1], dst[i+2] = from[j]+rest, from[j+1]+rest, from[j+2]+rest
		}
	case *image.Gray:
		from := m.Pix[m.PixOffset(x0, y):]
		for i, j := 0, 0; i < len(dst); i, j = i+3, j+1 {
			dst[i], dst[i+1], dst[i+2] = from[j], from[j], from[j]
		}
	case *image.YCbCr:
		for i := 0; i < len(dst); i += 3 {
			x := x0 + i/3
			c := m.COffset(x, y)
			dst[i], dst[i+1], dst[i+2] = color.YCbCrToRGB(m.Y[m.YOffset(x, y)], m.Cb[c], m.Cr[c])
		}
	case *image.CMYK:
		from := m.Pix[m.PixOffset(x0, y):]
		for i, j := 0, 0; i < len(dst); i, j = i+3, j+4 {
			white := uint32(255 - from[j+3])
			for k := range 3 {
				dst[i+k] = uint8(white - div255(uint32(from[j+k])*white))
			}
		}
	default:
		for i := 0; i < len(dst); i += 3 {
			c := color.NRGBAModel.Convert(src.At(x0+i/3, y)).(color.NRGBA)
			overWhite(dst[i:i+3], []uint8{c.R, c.G, c.B, c.A})
		}
	}
}

// overWhite blends one pixel of straight alpha with white, as Pillow's paste
// does it.
func overWhite(dst, rgba []uint8) {
	a := uint32(rgba[3])
	for k := range 3 {
		dst[k] = uint8(div255(uint32(rgba[k])*a + 255*(255-a)))
	}
}

// div255 is x/255 rounded, for x up to 255*255 (Pillow's DIV255).
func div255(x uint32) uint32 {
	x += 128
	return (x>>8 + x) >> 8
}
