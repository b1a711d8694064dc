// Package webp decodes WebP images to the pixels of Pillow's convert("RGB"),
// which are libwebp's.
//
// It decodes lossy and lossless images, alpha channels and the first frame of
// animations, which lies on a transparent black canvas. The planes come from
// golang.org/x/image/vp8 and vp8l. Lossy images store YCbCr of the limited range
// and half the chroma; this package converts them in libwebp's fixed point, with
// its interpolation of the chroma.
//
// It refuses truncated and corrupt files, as Pillow and OpenCV do.
package webp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"

	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
	"golang.org/x/image/vp8"
	"golang.org/x/image/vp8l"
)

const name = "webp"

// Format is the WebP format.
var Format = vision.Format{
	Name: name,
	Match: func(head []byte) bool {
		return len(head) >= 12 && string(head[:4]) == "RIFF" && string(head[8:12]) == "WEBP"
	},
	Decode:      decode,
	Orientation: orientation,
}

func decode(data []byte, alpha vision.Alpha) (*vision.Image, error) {
	f, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("decoding webp: %w", err)
	}
	if err := vision.CheckSize(name, f.width, f.height); err != nil {
		return nil, err
	}
	img, a, err := f.pixels(alpha)
	if err != nil {
		return nil, fmt.Errorf("decoding webp: %w", err)
	}
	if a != nil && alpha != vision.DropAlpha {
		for i, v := range a {
			p := img.Pix[3*i : 3*i+3]
			vision.Blend(p, p[0], p[1], p[2], v, alpha)
		}
	}
	if img.W == f.width && img.H == f.height {
		return img, nil
	}
	return f.place(img, alpha), nil
}

// frame is an image, or the first frame of an animation.
type frame struct {
	width, height int // of the canvas
	x, y, w, h    int // of the frame on it
	animated      bool
	alpha         bool   // there is an alpha channel
	alphaChunk    []byte // of lossy images; nil if there is none
	data          []byte
	lossless      bool
}

// pixels decodes the frame and its alpha channel, nil if there is none.
func (f *frame) pixels(alpha vision.Alpha) (*vision.Image, []uint8, error) {
	if f.lossless {
		m, err := vp8l.Decode(bytes.NewReader(f.data))
		if err != nil {
			return nil, nil, err
		}
		img, a := fromNRGBA(m.(*image.NRGBA))
		if !f.alpha {
			a = nil
		}
		return img, a, nil
	}
	d := vp8.NewDecoder()
	d.Init(bytes.NewReader(f.data), len(f.data))
	if _, err := d.DecodeFrameHeader(); err != nil {
		return nil, nil, err
	}
	m, err := d.DecodeFrame()
	if err != nil {
		return nil, nil, err
	}
	var a []uint8
	if f.alpha && f.alphaChunk != nil && alpha != vision.DropAlpha {
		if a, err = decodeAlpha(f.alphaChunk, f.w, f.h); err != nil {
			return nil, nil, err
		}
	}
	return fromYCbCr(m, f.w, f.h), a, nil
}

// fromNRGBA separates color and alpha.
func fromNRGBA(m *image.NRGBA) (*vision.Image, []uint8) {
	img := vision.New(m.Rect.Dx(), m.Rect.Dy())
	a := make([]uint8, img.W*img.H)
	for y := range img.H {
		row := m.Pix[y*m.Stride:]
		for x := range img.W {
			i := y*img.W + x
			copy(img.Pix[3*i:3*i+3], row[4*x:])
			a[i] = row[4*x+3]
		}
	}
	return img, a
}

// place puts a frame on its canvas.
func (f *frame) place(img *vision.Image, alpha vision.Alpha) *vision.Image {
	out := vision.New(f.width, f.height)
	if alpha == vision.OverWhite && f.alpha {
		for i := range out.Pix {
			out.Pix[i] = 255
		}
	}
	for y := range img.H {
		copy(out.Pix[3*((f.y+y)*f.width+f.x):], img.Pix[3*y*img.W:3*(y+1)*img.W])
	}
	return out
}

// decodeAlpha decodes an ALPH chunk: a byte with its compression and filter, then the
// data.
func decodeAlpha(chunk []byte, w, h int) ([]uint8, error) {
	errAlpha := errors.New("its alpha channel is corrupt")
	if len(chunk) < 1 {
		return nil, errAlpha
	}
	a := make([]uint8, w*h)
	switch chunk[0] & 3 {
	case 0:
		if len(chunk)-1 < len(a) {
			return nil, errAlpha
		}
		copy(a, chunk[1:])
	case 1:
		// The data encode a lossless image without its header. Its green channel
		// is the alpha.
		if w > 1<<14 || h > 1<<14 {
			return nil, errAlpha
		}
		head := binary.LittleEndian.AppendUint32([]byte{0x2f}, uint32(w-1)|uint32(h-1)<<14)
		m, err := vp8l.Decode(bytes.NewReader(append(head, chunk[1:]...)))
		if err != nil {
			return nil, fmt.Errorf("its alpha channel: %w", err)
		}
		pix := m.(*image.NRGBA).Pix
		for i := range a {
			a[i] = pix[4*i+1]
		}
	default:
		return nil, errAlpha
	}
	unfilter(a, w, chunk[0]>>2&3)
	return a, nil
}

// unfilter undoes the prediction of alpha: from the left (1), from above (2), or
// from both and the corner (3). The first row is always predicted from the left,
// the first column from above.
func unfilter(a []uint8, w int, filter uint8) {
	if filter == 0 {
		return
	}
	for i := 1; i < min(w, len(a)); i++ {
		a[i] += a[i-1]
	}
	for i := w; i < len(a); i++ {
		switch {
		case i%w == 0 || filter == 2:
			a[i] += a[i-w]
		case filter == 1:
			a[i] += a[i-1]
		default:
			p := int(a[i-1]) + int(a[i-w]) - int(a[i-w-1])
			a[i] += uint8(max(0, min(255, p)))
		}
	}
}
