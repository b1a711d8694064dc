// Package tiff decodes the first image of TIFF files to the pixels of Pillow's
// convert("RGB").
//
// It decodes gray and palette images of 1, 2, 4 and 8 bits, gray of 16 bits, RGB
// of 8 and 16 bits and CMYK of 8 bits, with or without alpha; strips and tiles;
// interleaved and separate channels; both byte orders; no compression, LZW,
// deflate and PackBits. 16-bit channels keep their upper byte. Pillow clips
// 16-bit gray to 255 instead.
//
// The image is turned upright by its orientation tag: Pillow does so for TIFF files on
// load, whatever the EXIF option says.
//
// Of truncated files it decodes the complete rows. It refuses by name what it
// does not decode: JPEG, CCITT and other compressions, floating point, 32-bit
// and signed samples, YCbCr, Lab, BigTIFF and raw files of cameras.
package tiff

import (
	"fmt"

	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
)

const name = "tiff"

// Format is the TIFF format.
var Format = vision.Format{
	Name:   name,
	Match:  func(head []byte) bool { return vision.Sniff(head) == name },
	Decode: decode,
}

func decode(data []byte, alpha vision.Alpha) (*vision.Image, error) {
	h, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("decoding tiff: %w", err)
	}
	if err := vision.CheckSize(name, h.width, h.height); err != nil {
		return nil, err
	}
	if err := h.check(); err != nil {
		return nil, fmt.Errorf("decoding tiff: %w", err)
	}
	d := &decoder{header: h, data: data, samples: make([]uint8, h.width*h.height*h.kept)}
	d.blank()
	d.segments()
	img := vision.Turn(d.image(alpha), h.orientation)
	if d.damage != "" {
		return img, &vision.DamageError{Format: name, Reason: d.damage}
	}
	return img, nil
}

// blank sets the samples to what Pillow shows if it cannot decode anything: 0, or black
// if 0 would be white.
func (d *decoder) blank() {
	if d.photometric == whiteIsZero {
		for i := range d.samples {
			d.samples[i] = d.top()
		}
	}
}

// top returns the largest value of a sample as the decoder keeps it.
func (h *header) top() uint8 { return uint8(1<<min(h.bits, 8) - 1) }

// image converts the samples to RGB.
func (d *decoder) image(alpha vision.Alpha) *vision.Image {
	img := vision.New(d.width, d.height)
	n, scale := d.kept, 255/d.top()
	for i := range d.width * d.height {
		s, dst := d.samples[n*i:n*i+n], img.Pix[3*i:3*i+3]
		a := uint8(255)
		if d.alpha != noAlpha {
			a = s[n-1]
		}
		switch d.photometric {
		case whiteIsZero, blackIsZero:
			v := s[0]
			if d.photometric == whiteIsZero {
				v = d.top() - v
			}
			v = d.straight(v*scale, a)
			vision.Blend(dst, v, v, v, a, alpha)
		case rgb:
			vision.Blend(dst, d.straight(s[0], a), d.straight(s[1], a), d.straight(s[2], a), a, alpha)
		case palette:
			c := d.colors[s[0]]
			vision.Blend(dst, c[0], c[1], c[2], a, alpha)
		default: // cmyk, as Pillow converts it
			white := uint32(255 - s[3])
			for k := range dst {
				dst[k] = uint8(white) - vision.Div255(uint32(s[k])*white)
			}
		}
	}
	return img
}

// straight undoes the multiplication of a color with alpha, as Pillow does.
func (d *decoder) straight(v, a uint8) uint8 {
	switch {
	case d.alpha != associatedAlpha || a == 255:
		return v
	case a == 0:
		return 0
	}
	return uint8(min(255, 255*int(v)/int(a)))
}
