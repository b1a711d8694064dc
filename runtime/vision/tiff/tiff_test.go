package tiff_test

import (
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/dev/visiontest"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision/tiff"
)

func TestPixelsArePillows(t *testing.T) {
	visiontest.Corpus(t, "testdata", tiff.Format, visiontest.Damage{Always: []string{"cut-"}})
}

// entry is a directory entry of a little-endian TIFF.
func entry(tag, typ uint16, v uint32) string {
	le := func(v uint32, n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(v >> (8 * i))
		}
		return string(b)
	}
	return le(uint32(tag), 2) + le(uint32(typ), 2) + le(1, 4) + le(v, 4)
}

func TestWhatIsNotDecodedIsRefusedByName(t *testing.T) {
	base := []string{entry(256, 3, 2), entry(257, 3, 2), entry(258, 3, 8), entry(259, 3, 1), entry(262, 3, 1), entry(273, 4, 8)}
	for want, change := range map[string]string{
		"its compression is JPEG":                        entry(259, 3, 7),
		"its compression is CCITT group 4":               entry(259, 3, 4),
		"its compression is Zstandard":                   entry(259, 3, 50000),
		"it holds floating point numbers":                entry(339, 3, 3),
		"its colors are YCbCr":                           entry(262, 3, 6),
		"it has 32 bits a sample":                        entry(258, 3, 32),
		"it is a camera's raw file (DNG)":                entry(50706, 1, 1),
		"accepted are 1 to 67108864":                     entry(256, 4, 1<<31),
		"its photometric interpretation has the number ": entry(262, 3, 32803),
	} {
		list := strings.Join(append(base, change), "")
		file := "II*\x00\x08\x00\x00\x00" + string(rune(len(base)+1)) + "\x00" + list + "\x00\x00\x00\x00"
		if m, err := tiff.Format.Decode([]byte(file), vision.DropAlpha); m != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

func TestTilesAreBounded(t *testing.T) {
	file := "II*\x00\x08\x00\x00\x00\x08\x00" + entry(256, 4, 1<<26) + entry(257, 3, 1) + entry(258, 3, 8) + entry(259, 3, 5) + entry(262, 3, 1) +
		entry(322, 3, 1<<10) + entry(323, 4, 1<<14) + entry(324, 4, 8) + "\x00\x00\x00\x00"
	if m, err := tiff.Format.Decode([]byte(file), vision.DropAlpha); m != nil || err == nil || !strings.Contains(err.Error(), "too many") {
		t.Errorf("error %v", err)
	}
}

func TestStripsAreBounded(t *testing.T) {
	file := "II*\x00\x08\x00\x00\x00\x07\x00" + entry(256, 4, 1) + entry(257, 4, 1<<26) + entry(258, 3, 8) + entry(259, 3, 5) + entry(262, 3, 1) +
		entry(273, 4, 8) + entry(278, 4, 1) + "\x00\x00\x00\x00"
	if m, err := tiff.Format.Decode([]byte(file), vision.DropAlpha); m != nil || err == nil || !strings.Contains(err.Error(), "more than 262144 strips or tiles") {
		t.Errorf("error %v", err)
	}
}

func FuzzDecode(f *testing.F) { visiontest.Fuzz(f, "testdata", tiff.Format) }
