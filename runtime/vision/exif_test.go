package vision_test

import (
	"encoding/binary"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
)

// tiffBlock returns a TIFF block whose directory holds an image width and then
// one entry of the given tag, type, count and value.
func tiffBlock(order binary.ByteOrder, tag, typ uint16, count, value uint32) []byte {
	b := make([]byte, 8+2+2*12+4)
	copy(b, "MM")
	if order == binary.LittleEndian {
		copy(b, "II")
	}
	order.PutUint16(b[2:], 42)
	order.PutUint32(b[4:], 8)
	order.PutUint16(b[8:], 2)
	order.PutUint16(b[10:], 0x0100)
	order.PutUint16(b[12:], 4)
	order.PutUint32(b[14:], 1)
	order.PutUint32(b[18:], 640)
	order.PutUint16(b[22:], tag)
	order.PutUint16(b[24:], typ)
	order.PutUint32(b[26:], count)
	if typ == 3 {
		order.PutUint16(b[30:], uint16(value))
	} else {
		order.PutUint32(b[30:], value)
	}
	return b
}

func TestOrientationOf(t *testing.T) {
	t.Parallel()
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		for want := uint32(1); want <= 8; want++ {
			for _, typ := range []uint16{3, 4} {
				block := tiffBlock(order, 0x0112, typ, 1, want)
				if got := vision.OrientationOf(block); got != int(want) {
					t.Errorf("%v, type %d: orientation %d, want %d", order, typ, got, want)
				}
				if got := vision.OrientationOf(append([]byte(vision.EXIFHeader), block...)); got != int(want) {
					t.Errorf("%v, type %d, with a header: orientation %d, want %d", order, typ, got, want)
				}
				for n := range len(block) {
					vision.OrientationOf(block[:n]) // must not panic
				}
			}
		}
		for name, block := range map[string][]byte{
			"another tag":  tiffBlock(order, 0x0113, 3, 1, 6),
			"zero":         tiffBlock(order, 0x0112, 3, 1, 0),
			"nine":         tiffBlock(order, 0x0112, 3, 1, 9),
			"two values":   tiffBlock(order, 0x0112, 3, 2, 6),
			"type byte":    tiffBlock(order, 0x0112, 1, 1, 6),
			"far IFD":      append(tiffBlock(order, 0x0112, 3, 1, 6)[:4], 0xff, 0xff, 0xff, 0xff),
			"empty":        nil,
			"no TIFF":      []byte("not a TIFF block"),
			"header alone": tiffBlock(order, 0x0112, 3, 1, 6)[:8],
		} {
			if got := vision.OrientationOf(block); got != 1 {
				t.Errorf("%v, %s: orientation %d, want 1", order, name, got)
			}
		}
	}
}
