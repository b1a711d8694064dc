package jpeg

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
)

// Limits of the format and of libjpeg.
const (
	maxSide      = 65500
	maxFactor    = 4
	maxMCUBlocks = 10 // T.81, B.2.3
)

// colorSpace is the meaning of a file's components.
type colorSpace uint8

const (
	gray colorSpace = iota
	yCbCr
	rgb
	cmyk
	ycck
)

// decoder decodes one file.
type decoder struct {
	reader

	// From the markers.
	width, height   int
	comps           []*component
	progressive     bool
	quant           [4]*[64]uint16
	huff            [2][4]*huffSpec // DC and AC
	restartInterval int
	sawJFIF         bool
	sawAdobe        bool
	adobeTransform  byte
	space           colorSpace
	multiScan       bool // the coefficients come in several scans
	scans           int  // start-of-scan markers read

	// Geometry: an iMCU row is maxV rows of blocks.
	maxH, maxV int
	iMCURows   int
	iMCUCols   int

	scan   scan
	work   int    // blocks visited in all scans
	damage string // the first damage found, or empty

	img      *vision.Image
	context  bool // upsampling needs the rows above and below
	routines *routines
	dctJob          // of the current block
	row      rowJob // of the current row
}

// component is a plane of the image.
type component struct {
	id         byte
	h, v       int
	quantID    int
	quant      *[64]uint16 // the table in force at the component's first scan
	wBlocks    int         // width and height in blocks that hold samples
	hBlocks    int
	padW, padH int // width and height in blocks, rounded up to whole MCUs
	dw, dh     int // width and height in samples

	// coefs are the coefficients of a file of several scans: padH rows of
	// padW blocks of 64.
	coefs []int16
	// bits holds the successive approximation state of each coefficient, or -1
	// if it has not been seen. prevBits is the state before the last scan.
	// Smoothing needs only the first ten.
	bits, prevBits [64]int

	plane plane
}

// readSOF reads a frame header (T.81, B.2.2).
func (d *decoder) readSOF(m byte, s []byte) error {
	if d.comps != nil {
		return errors.New("the file holds a second frame")
	}
	if len(s) < 6 {
		return errors.New("the frame header is malformed")
	}
	d.progressive = m == mSOF2
	if s[0] != 8 {
		return fmt.Errorf("%d bits a sample are not supported, 8 are; convert the image to 8 bits", s[0])
	}
	d.height = int(binary.BigEndian.Uint16(s[1:]))
	d.width = int(binary.BigEndian.Uint16(s[3:]))
	n := int(s[5])
	if d.width == 0 || d.height == 0 {
		return fmt.Errorf("the image has %dx%d pixels", d.width, d.height)
	}
	if d.width > maxSide || d.height > maxSide || d.width > vision.MaxPixels/d.height {
		return fmt.Errorf("%dx%d pixels, accepted are 1 to %d, and %d a side", d.width, d.height, vision.MaxPixels, maxSide)
	}
	if n != 1 && n != 3 && n != 4 {
		return fmt.Errorf("%d components are not supported; 1, 3 and 4 are", n)
	}
	if len(s) != 6+3*n {
		return errors.New("the frame header is malformed")
	}
	for i := range n {
		p := s[6+3*i:]
		c := &component{id: p[0], h: int(p[1] >> 4), v: int(p[1] & 15), quantID: int(p[2])}
		for k := range c.bits {
			c.bits[k] = -1
		}
		d.comps = append(d.comps, c)
	}
	return nil
}

// readHeader reads the markers up to the first scan.
func (d *decoder) readHeader() error {
	if !d.firstMarker() {
		return errors.New("the file has no start of image")
	}
	m, err := d.readMarkers()
	switch {
	case errors.Is(err, errTruncated):
		return errNoScan
	case err != nil:
		return err
	case m == mEOI:
		return errNoScan
	}
	d.guessColorSpace()
	return nil
}

// prepare checks the sampling factors, computes the geometry and allocates the
// buffers.
func (d *decoder) prepare() error {
	d.maxH, d.maxV = 1, 1
	for _, c := range d.comps {
		if c.h < 1 || c.h > maxFactor || c.v < 1 || c.v > maxFactor {
			return fmt.Errorf("sampling factors %dx%d, accepted are 1 to %d", c.h, c.v, maxFactor)
		}
		d.maxH, d.maxV = max(d.maxH, c.h), max(d.maxV, c.v)
	}
	d.iMCUCols = ceilDiv(d.width, 8*d.maxH)
	d.iMCURows = ceilDiv(d.height, 8*d.maxV)
	for _, c := range d.comps {
		c.wBlocks = ceilDiv(d.width*c.h, 8*d.maxH)
		c.hBlocks = ceilDiv(d.height*c.v, 8*d.maxV)
		c.padW, c.padH = d.iMCUCols*c.h, d.iMCURows*c.v
		c.dw = ceilDiv(d.width*c.h, d.maxH)
		c.dh = ceilDiv(d.height*c.v, d.maxV)
		if d.maxH%c.h != 0 || d.maxV%c.v != 0 {
			return fmt.Errorf("sampling factors %dx%d of %dx%d are no whole ratio; convert the image with other factors",
				c.h, c.v, d.maxH, d.maxV)
		}
	}
	d.multiScan = d.progressive || len(d.scan.comps) < len(d.comps)
	if !d.progressive {
		d.addStandardTables()
	}
	if err := d.startScan(); err != nil {
		return err
	}
	if d.multiScan {
		for _, c := range d.comps {
			c.coefs = make([]int16, 64*c.padW*c.padH)
		}
	}
	d.preparePlanes()
	return nil
}

// guessColorSpace determines the meaning of the components, like libjpeg.
func (d *decoder) guessColorSpace() {
	switch len(d.comps) {
	case 1:
		d.space = gray
	case 3:
		d.space = yCbCr
		if d.sawJFIF {
			return
		}
		ids := [3]byte{d.comps[0].id, d.comps[1].id, d.comps[2].id}
		if d.sawAdobe && d.adobeTransform == 0 || !d.sawAdobe && ids == [3]byte{'R', 'G', 'B'} {
			d.space = rgb
		}
	case 4:
		d.space = cmyk
		if d.sawAdobe && d.adobeTransform != 0 {
			d.space = ycck
		}
	}
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }
