package jpeg

import (
	"bytes"
	"fmt"

	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
)

// name is the format's name.
const name = "jpeg"

// Format is the JPEG format.
var Format = vision.Format{
	Name:        name,
	Match:       match,
	Decode:      decode,
	Orientation: orientation,
	Trouble:     trouble,
}

func match(head []byte) bool { return bytes.HasPrefix(head, []byte{0xff, mSOI, 0xff}) }

// decode decodes a whole file. JPEG files have no transparency.
func decode(data []byte, _ vision.Alpha) (*vision.Image, error) {
	d := &decoder{reader: reader{data: data}, routines: selected()}
	if err := d.readHeader(); err != nil {
		return nil, fmt.Errorf("decoding jpeg: %w", err)
	}
	if err := d.prepare(); err != nil {
		return nil, fmt.Errorf("decoding jpeg: %w", err)
	}
	d.img = vision.New(d.width, d.height)
	if d.multiScan {
		if err := d.decodeScans(); err != nil {
			return nil, fmt.Errorf("decoding jpeg: %w", err)
		}
	} else {
		d.decodeSingleScan()
	}
	if d.damage != "" {
		return d.img, &vision.DamageError{Format: name, Reason: d.damage}
	}
	return d.img, nil
}

// orientation returns the EXIF orientation of a file, or 1.
func orientation(data []byte) int {
	r := reader{data: data}
	if !r.firstMarker() {
		return 1
	}
	for {
		if !r.nextMarker() {
			return 1
		}
		m := r.marker
		r.marker = 0
		switch {
		case m == mSOS || m == mEOI:
			return 1
		case m == mTEM || m == mSOI || m >= mRST0 && m <= mRST7:
			continue
		}
		segment, err := r.segment()
		if err != nil {
			return 1
		}
		if m == mAPP1 && bytes.HasPrefix(segment, []byte(vision.EXIFHeader)) {
			return vision.OrientationOf(segment)
		}
	}
}
