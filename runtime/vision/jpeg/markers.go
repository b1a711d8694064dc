package jpeg

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The markers that the decoder handles (T.81, table B.1).
const (
	mTEM   = 0x01
	mSOF0  = 0xc0 // baseline
	mSOF1  = 0xc1 // extended sequential
	mSOF2  = 0xc2 // progressive
	mSOF3  = 0xc3 // lossless
	mDHT   = 0xc4
	mSOF5  = 0xc5 // hierarchical, to SOF7
	mSOF7  = 0xc7
	mJPG   = 0xc8
	mSOF9  = 0xc9 // arithmetic coding, to SOF11
	mSOF11 = 0xcb
	mDAC   = 0xcc
	mSOF13 = 0xcd // hierarchical, arithmetic, to SOF15
	mSOF15 = 0xcf
	mRST0  = 0xd0
	mRST7  = 0xd7
	mSOI   = 0xd8
	mEOI   = 0xd9
	mSOS   = 0xda
	mDQT   = 0xdb
	mDNL   = 0xdc
	mDRI   = 0xdd
	mDHP   = 0xde
	mAPP0  = 0xe0
	mAPP1  = 0xe1
	mAPP14 = 0xee
	mAPP15 = 0xef
	mCOM   = 0xfe
)

var (
	errTruncated = errors.New("the file is truncated between its markers")
	errLength    = errors.New("the length of a marker is malformed")
	errNoScan    = errors.New("the file ends before the image data")
)

// readMarkers reads up to the next start of scan or the end of the image and
// returns which of the two it found.
func (d *decoder) readMarkers() (byte, error) {
	for {
		if d.marker == 0 && !d.nextMarker() {
			return 0, errTruncated
		}
		m := d.marker
		d.marker = 0
		switch {
		case m == mEOI:
			return mEOI, nil
		case m == mSOS:
			return mSOS, d.readSOS()
		case m == mSOI:
			return 0, errors.New("the file holds a second start of image")
		case m == mTEM || m >= mRST0 && m <= mRST7:
			continue // markers without parameters
		}
		if err := d.readSegment(m); err != nil {
			return 0, err
		}
	}
}

// readSegment reads the parameters of a marker and acts on them.
func (d *decoder) readSegment(m byte) error {
	if m == mCOM || m == mDNL || m > mAPP0 && m <= mAPP15 && m != mAPP14 {
		if !d.skipSegment() {
			return errTruncated
		}
		return nil
	}
	if err := refusedMarker(m); err != nil {
		return err
	}
	s, err := d.segment()
	if err != nil && (err != errLength || m != mAPP0 && m != mAPP14) {
		return err
	}
	switch m {
	case mSOF0, mSOF1, mSOF2:
		return d.readSOF(m, s)
	case mDHT:
		return d.readDHT(s)
	case mDQT:
		return d.readDQT(s)
	case mDRI:
		if len(s) != 2 {
			return errors.New("the restart interval is malformed")
		}
		d.restartInterval = int(binary.BigEndian.Uint16(s))
	case mAPP0:
		d.sawJFIF = d.sawJFIF || len(s) >= 14 && string(s[:5]) == "JFIF\x00"
	case mAPP14:
		if len(s) >= 12 && string(s[:5]) == "Adobe" {
			d.sawAdobe, d.adobeTransform = true, s[11]
		}
	}
	return nil
}

// refusedMarker returns the name of the unsupported feature that a marker starts.
func refusedMarker(m byte) error {
	switch {
	case m == mSOF3:
		return errors.New("lossless JPEG is not supported; convert the image to baseline JPEG or PNG")
	case m >= mSOF5 && m <= mSOF7, m == mDHP:
		return errors.New("hierarchical JPEG is not supported; convert the image to baseline JPEG or PNG")
	case m >= mSOF9 && m <= mSOF11, m >= mSOF13 && m <= mSOF15:
		return errors.New("arithmetic coding is not supported; convert the image to baseline JPEG or PNG")
	case m >= mSOF0 && m <= mSOF2, m == mDHT, m == mDAC, m == mDQT, m == mDRI, m == mAPP0, m == mAPP14:
		return nil
	}
	return fmt.Errorf("marker 0xff%02x is not supported", m)
}

// readDQT reads quantization tables (T.81, B.2.4.1).
func (d *decoder) readDQT(s []byte) error {
	for len(s) > 0 {
		wide, id := s[0]>>4 != 0, s[0]&15
		size := 64
		if wide {
			size = 128
		}
		if id > 3 || len(s) < 1+size {
			return errors.New("a quantization table is malformed")
		}
		t := new([64]uint16)
		for k := range 64 {
			if wide {
				t[zigzag[k]] = binary.BigEndian.Uint16(s[1+2*k:])
			} else {
				t[zigzag[k]] = uint16(s[1+k])
			}
		}
		d.quant[id] = t
		s = s[1+size:]
	}
	return nil
}

// readDHT reads Huffman tables (T.81, B.2.4.2).
func (d *decoder) readDHT(s []byte) error {
	bad := errors.New("a Huffman table is malformed")
	for len(s) > 0 {
		if len(s) < 17 {
			return bad
		}
		class, id := s[0]>>4, s[0]&15
		count := 0
		for _, c := range s[1:17] {
			count += int(c)
		}
		if class > 1 || id > 3 || count > 256 || len(s) < 17+count {
			return bad
		}
		t := new(huffSpec)
		copy(t.counts[1:], s[1:17])
		copy(t.symbols[:], s[17:17+count])
		d.huff[class][id] = t
		s = s[17+count:]
	}
	return nil
}

// zigzag maps the order of coefficients in the file to their positions in a block
// (T.81, figure A.6). Corrupt runs that leave the block end at its last position.
var zigzag = [128]uint8{
	0, 1, 8, 16, 9, 2, 3, 10,
	17, 24, 32, 25, 18, 11, 4, 5,
	12, 19, 26, 33, 40, 48, 41, 34,
	27, 20, 13, 6, 7, 14, 21, 28,
	35, 42, 49, 56, 57, 50, 43, 36,
	29, 22, 15, 23, 30, 37, 44, 51,
	58, 59, 52, 45, 38, 31, 39, 46,
	53, 60, 61, 54, 47, 55, 62, 63,
	63, 63, 63, 63, 63, 63, 63, 63,
	63, 63, 63, 63, 63, 63, 63, 63,
}
