package vision

import (
	"image"
	"image/color"
)

// FromImage converts an image to RGB. 16-bit channels keep their upper byte,
// CMYK is converted as Pillow does it, transparency is treated as alpha says.
func FromImage(src image.Image, alpha Alpha) *Image {
	b := src.Bounds()
	out := New(b.Dx(), b.Dy())
	if p, ok := src.(*image.Paletted); ok {
		fromPalette(out, p, alpha)
		return out
	}
	for y := range out.H {
		convertRow(out.row(y), src, b.Min.X, b.Min.Y+y, alpha)
	}
	return out
}

func fromPalette(dst *Image, src *image.Paletted, alpha Alpha) {
	var table [256][3]uint8 // indices out of the palette are black
	for i, c := range src.Palette {
		n := color.NRGBAModel.Convert(c).(color.NRGBA)
		Blend(table[i][:], n.R, n.G, n.B, n.A, alpha)
	}
	for y := range dst.H {
		row := dst.row(y)
		for x, i := range src.Pix[y*src.Stride:][:dst.W] {
			copy(row[3*x:], table[i][:])
		}
	}
}

// convertRow fills dst with the pixels of src from (x0, y) on.
func convertRow(dst []uint8, src image.Image, x0, y int, alpha Alpha) {
	switch m := src.(type) {
	case *image.NRGBA:
		from := m.Pix[m.PixOffset(x0, y):]
		for i, j := 0, 0; i < len(dst); i, j = i+3, j+4 {
			Blend(dst[i:i+3], from[j], from[j+1], from[j+2], from[j+3], alpha)
		}
	case *image.RGBA: // the PNG decoder gives it for opaque images only
		from := m.Pix[m.PixOffset(x0, y):]
		for i, j := 0, 0; i < len(dst); i, j = i+3, j+4 {
			dst[i], dst[i+1], dst[i+2] = from[j], from[j+1], from[j+2]
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
				dst[i+k] = uint8(white) - div255(uint32(from[j+k])*white)
			}
		}
	default:
		for i := 0; i < len(dst); i += 3 {
			c := color.NRGBAModel.Convert(src.At(x0+i/3, y)).(color.NRGBA)
			Blend(dst[i:i+3], c.R, c.G, c.B, c.A, alpha)
		}
	}
}
