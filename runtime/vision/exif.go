package vision

import (
	"bytes"
	"encoding/binary"
)

// The layout of the TIFF block that OrientationOf reads (TIFF 6.0, section 2, and
// Exif 2.32, section 4.6.4).
const (
	tiffHeader      = 8  // byte order, 42, offset of the first IFD
	tiffEntry       = 12 // tag, type, count, value
	tagOrientation  = 0x0112
	typeShort       = 3
	typeLong        = 4
	maxIFDEntries   = 4096 // more entries are ignored
	lastOrientation = 8
)

// EXIFHeader precedes the EXIF block in JPEG files and in some others.
const EXIFHeader = "Exif\x00\x00"

// OrientationOf returns the orientation, 1 to 8, in a block of EXIF metadata. The
// block is a TIFF header that starts with "II" or "MM", optionally after an
// [EXIFHeader]. It returns 1, the upright orientation, if the first directory has
// no orientation or is damaged.
func OrientationOf(exif []byte) int {
	tiffBlock := bytes.TrimPrefix(exif, []byte(EXIFHeader))
	if len(tiffBlock) < tiffHeader {
		return 1
	}
	var order binary.ByteOrder
	switch string(tiffBlock[:2]) {
	case "II":
		order = binary.LittleEndian
	case "MM":
		order = binary.BigEndian
	default:
		return 1
	}
	if order.Uint16(tiffBlock[2:]) != 42 {
		return 1
	}
	at := uint64(order.Uint32(tiffBlock[4:]))
	if at+2 > uint64(len(tiffBlock)) {
		return 1
	}
	entries := tiffBlock[at+2:]
	count := min(int(order.Uint16(tiffBlock[at:])), maxIFDEntries, len(entries)/tiffEntry)
	for i := range count {
		entry := entries[i*tiffEntry:][:tiffEntry]
		if order.Uint16(entry) != tagOrientation {
			continue
		}
		var value uint32
		switch order.Uint16(entry[2:]) {
		case typeShort:
			value = uint32(order.Uint16(entry[8:]))
		case typeLong:
			value = order.Uint32(entry[8:])
		}
		if order.Uint32(entry[4:]) != 1 || value < 1 || value > lastOrientation {
			return 1
		}
		return int(value)
	}
	return 1
}
