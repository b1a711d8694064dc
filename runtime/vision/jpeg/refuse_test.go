package jpeg_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision/jpeg"
)

// segment returns a marker segment.
func segment(marker byte, body ...byte) []byte {
	s := []byte{0xff, marker}
	s = binary.BigEndian.AppendUint16(s, uint16(len(body)+2))
	return append(s, body...)
}

// frame returns a frame header of the given sampling factors.
func frame(marker, bits byte, w, h uint16, factors ...byte) []byte {
	body := []byte{bits, byte(h >> 8), byte(h), byte(w >> 8), byte(w), byte(len(factors))}
	for i, f := range factors {
		body = append(body, byte(i+1), f, 0)
	}
	return segment(marker, body...)
}

// scanOf returns a scan header of components 1 to n.
func scanOf(n byte, ss, se, a byte) []byte {
	body := []byte{n}
	for i := range n {
		body = append(body, i+1, 0)
	}
	return segment(0xda, append(body, ss, se, a)...)
}

// file joins parts to a file with a quantization table.
func file(parts ...[]byte) []byte {
	f := append([]byte{0xff, 0xd8}, segment(0xdb, append([]byte{0}, bytes.Repeat([]byte{1}, 64)...)...)...)
	return append(f, bytes.Join(parts, nil)...)
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	sof := func(marker byte) []byte { return file(frame(marker, 8, 16, 16, 0x11), scanOf(1, 0, 63, 0)) }
	for want, data := range map[string][]byte{
		"no start of image":                  []byte("GIF89a"),
		"ends before the image data":         {0xff, 0xd8, 0xff},
		"arithmetic coding is not supported": sof(0xc9),
		"lossless JPEG is not supported":     sof(0xc3),
		"hierarchical JPEG is not supported": sof(0xc5),
		"12 bits a sample are not supported": file(frame(0xc1, 12, 16, 16, 0x11), scanOf(1, 0, 63, 0)),
		"16 bits a sample are not supported": file(frame(0xc1, 16, 16, 16, 0x11), scanOf(1, 0, 63, 0)),
		"2 components are not supported":     file(frame(0xc0, 8, 16, 16, 0x11, 0x11), scanOf(2, 0, 63, 0)),
		"5 components are not supported":     file(frame(0xc0, 8, 16, 16, 0x11, 0x11, 0x11, 0x11, 0x11)),
		"2x1 of 3x2 are no whole ratio":      file(frame(0xc0, 8, 16, 16, 0x32, 0x31, 0x21), scanOf(3, 0, 63, 0)),
		"sampling factors 5x1":               file(frame(0xc0, 8, 16, 16, 0x51), scanOf(1, 0, 63, 0)),
		"18 blocks an MCU":                   file(frame(0xc0, 8, 16, 16, 0x44, 0x11, 0x11), scanOf(3, 0, 63, 0)),
		"the image has 16x0 pixels":          file(frame(0xc0, 8, 16, 0, 0x11), scanOf(1, 0, 63, 0)),
		"65535x16 pixels":                    file(frame(0xc0, 8, 65535, 16, 0x11), scanOf(1, 0, 63, 0)),
		"60000x60000 pixels":                 file(frame(0xc0, 8, 60000, 60000, 0x11), scanOf(1, 0, 63, 0)),
		"before the frame header":            file(scanOf(1, 0, 63, 0)),
		"names component 2":                  file(frame(0xc0, 8, 16, 16, 0x11), scanOf(2, 0, 63, 0)),
		"a second frame":                     file(frame(0xc0, 8, 16, 16, 0x11), frame(0xc0, 8, 16, 16, 0x11)),
		"progression of scan 1 is malformed": file(frame(0xc2, 8, 16, 16, 0x11), scanOf(1, 0, 63, 0)),
		"Huffman table 0 is missing":         file(frame(0xc2, 8, 16, 16, 0x11), scanOf(1, 0, 0, 0)),
		"a Huffman table is malformed":       file(segment(0xc4, 0x00, 0xff)),
		"more codes than fit":                file(segment(0xc4, append([]byte{0, 3}, make([]byte, 18)...)...), frame(0xc0, 8, 16, 16, 0x11), scanOf(1, 0, 63, 0)),
		"a quantization table is malformed":  file(segment(0xdb, 4)),
		"quantization table 0 is missing":    append([]byte{0xff, 0xd8}, append(frame(0xc0, 8, 16, 16, 0x11), scanOf(1, 0, 63, 0)...)...),
		"marker 0xfff7 is not supported":     file(segment(0xf7)),
	} {
		img, err := jpeg.Format.Decode(data, vision.DropAlpha)
		if err == nil || img != nil || vision.Damaged(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("got the error %v and image %v, want %q and none", err, img != nil, want)
		}
	}
}

// A file of thousands of empty scans is refused before it takes long.
func TestScanBomb(t *testing.T) {
	t.Parallel()
	dht := append([]byte{0, 1}, make([]byte, 16)...)
	f := file(frame(0xc2, 8, 4000, 4000, 0x11), segment(0xc4, dht...), segment(0xc4, append([]byte{0x10}, dht[1:]...)...), scanOf(1, 0, 0, 0))
	f = append(f, bytes.Repeat(scanOf(1, 1, 63, 0), 50000)...)
	_, err := jpeg.Format.Decode(f, vision.DropAlpha)
	if err == nil || !strings.Contains(err.Error(), "too many scans") {
		t.Errorf("got the error %v", err)
	}
}

func TestOrientation(t *testing.T) {
	t.Parallel()
	tiff := []byte("MM\x00\x2a\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00")
	exif := segment(0xe1, append([]byte("Exif\x00\x00"), tiff...)...)
	other := segment(0xe1, []byte("http://ns.adobe.com/xap/1.0/\x00")...)
	for _, c := range []struct {
		name string
		data []byte
		want int
	}{
		{"EXIF", file(exif), 6},
		{"EXIF behind XMP", file(other, []byte{0xff}, exif), 6},
		{"none", file(other), 1},
		{"EXIF behind the header", file(scanOf(1, 0, 63, 0), exif), 1},
		{"cut", file(exif[:20]), 1},
		{"no JPEG", tiff, 1},
	} {
		if got := jpeg.Format.Orientation(c.data); got != c.want {
			t.Errorf("%s: orientation %d, want %d", c.name, got, c.want)
		}
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	for head, want := range map[string]bool{
		"\xff\xd8\xff\xe0": true,
		"\xff\xd8":         false,
		"\x89PNG":          false,
		"":                 false,
	} {
		if got := jpeg.Format.Match([]byte(head)); got != want {
			t.Errorf("%q: %v, want %v", head, got, want)
		}
	}
}
