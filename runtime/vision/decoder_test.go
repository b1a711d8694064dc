package vision_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
)

func TestSniffNamesWhatCantBeDecoded(t *testing.T) {
	ftyp := func(brand string) string { return "\x00\x00\x00\x18ftyp" + brand + "\x00\x00\x00\x00mif1miaf" }
	for head, want := range map[string]string{
		ftyp("heic"): "HEIC",
		ftyp("avif"): "AVIF",
		ftyp("isom"): "MP4",
		"\x00\x00\x00\x14ftypmif1\x00\x00\x00\x00heic": "HEIC",
		"\xff\x0a\x01\x02":                           "JPEG XL",
		"\x00\x00\x00\x0cJXL \r\n\x87\n":             "JPEG XL",
		"\xff\x4f\xff\x51":                           "JPEG 2000",
		"\x00\x00\x00\x0cjP  \r\n\x87\n":             "JPEG 2000",
		strings.Repeat("\x00", 128) + "DICM":         "DICOM",
		"8BPS\x00\x01":                               "PSD",
		"<svg xmlns=":                                "SVG",
		"<?xml version=\"1.0\"?>\n<!-- x -->\n<svg>": "SVG",
		"\x00\x00\x01\x00\x01\x00":                   "ICO",
		"%PDF-1.7":                                   "PDF",
		"\x89HDF\r\n\x1a\n":                          "HDF5",
		"\x1f\x8b\x08":                               "gzip",
		"PK\x03\x04":                                 "zip",
		"\r\n <!DOCTYPE html>":                       "an HTML page",
		"<HTML>":                                     "an HTML page",
		"version https://git-lfs.github.com/spec/v1\noid": "a Git LFS pointer",
		"id,attribute_ids\n":                              "text",
		"caf\xc3":                                         "text",
		"{\"error\": 1}":                                  "JSON",
		"P5\n3 3":                                         "PGM",
		"P5x":                                             "text",
		"\x00\x00\x00\x00\x00\x00\x00":                    "nothing but zeros",
		"\x01\x02\x03\x04":                                "",
		"":                                                "",
		"BM":                                              "text",
	} {
		if got := vision.Sniff([]byte(head)); got != want {
			t.Errorf("%q is %q, want %q", head, got, want)
		}
	}
}

func TestADecoderRefusesOtherFormatsByName(t *testing.T) {
	none := vision.Decoder{}
	for _, c := range []struct {
		data  string
		known bool
		want  string
	}{
		{"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1miaf", false, "photo.x: format HEIC is not supported; convert it to PNG or JPEG"},
		{"<html>", false, "photo.x: the file is an HTML page, not an image; download the image again"},
		{"PK\x03\x04", false, "photo.x: format zip is not supported; unpack the file"},
		{"\x01\x02\x03\x04", false, "photo.x: the format of this file is unknown; convert it to PNG or JPEG"},
		{"RIFF\x00\x00\x00\x00WEBPVP8 ", true, "photo.x: format webp is not built into this program; convert it to PNG or JPEG, or deploy the kernel with webp in --formats"},
	} {
		path := filepath.Join(t.TempDir(), "photo.x")
		if err := os.WriteFile(path, []byte(c.data), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := none.DecodeFile(path)
		var format *vision.FormatError
		if !errors.As(err, &format) || format.Known != c.known || !strings.HasSuffix(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}

func TestADecoderSurvivesItsFormats(t *testing.T) {
	fake := vision.Format{Name: "fake", Match: func([]byte) bool { return true }}
	d := vision.Decoder{Formats: []vision.Format{fake}}
	d.Formats[0].Decode = func([]byte, vision.Alpha) (*vision.Image, error) { panic("index out of range") }
	if m, err := d.Decode(strings.NewReader("x")); m != nil || err == nil {
		t.Errorf("a panic gives %v, %v", m, err)
	}
	d.Formats[0].Decode = func([]byte, vision.Alpha) (*vision.Image, error) {
		return pattern(3, 2), &vision.DamageError{Format: "fake", Reason: "cut"}
	}
	if m, err := d.Decode(strings.NewReader("x")); m == nil || !vision.Damaged(err) {
		t.Errorf("a damaged image gives %v, %v", m, err)
	}
	d.Formats[0].Decode = func([]byte, vision.Alpha) (*vision.Image, error) { return pattern(3, 2), errors.New("no") }
	if m, err := d.Decode(strings.NewReader("x")); m != nil || err == nil {
		t.Errorf("an error gives %v, %v", m, err)
	}
	d.Formats[0].Decode = func([]byte, vision.Alpha) (*vision.Image, error) { return pattern(3, 2), nil }
	d.Formats[0].Orientation = func([]byte) int { return 6 }
	if m, err := d.Decode(strings.NewReader("x")); err != nil || m.W != 3 {
		t.Errorf("the orientation is not ignored: %v, %v", m, err)
	}
	d.EXIF = vision.ApplyEXIF
	if m, err := d.Decode(strings.NewReader("x")); err != nil || m.W != 2 {
		t.Errorf("the orientation is ignored: %v, %v", m, err)
	}
}

// The test numbers the six pixels of a 3x2 image. Pillow's exif_transpose
// gives these orders.
func TestTurn(t *testing.T) {
	m := vision.New(3, 2)
	for i := range m.Pix {
		m.Pix[i] = uint8(i / 3)
	}
	for o, want := range map[int][]uint8{
		0: {0, 1, 2, 3, 4, 5}, 1: {0, 1, 2, 3, 4, 5}, 2: {2, 1, 0, 5, 4, 3}, 3: {5, 4, 3, 2, 1, 0}, 4: {3, 4, 5, 0, 1, 2},
		5: {0, 3, 1, 4, 2, 5}, 6: {3, 0, 4, 1, 5, 2}, 7: {5, 2, 4, 1, 3, 0}, 8: {2, 5, 1, 4, 0, 3}, 9: {0, 1, 2, 3, 4, 5},
	} {
		var got []uint8
		turned := vision.Turn(m, o)
		for i := 0; i < len(turned.Pix); i += 3 {
			got = append(got, turned.Pix[i])
		}
		if !slices.Equal(got, want) || o >= 5 && o <= 8 && turned.W != 2 {
			t.Errorf("orientation %d: %v of width %d, want %v", o, got, turned.W, want)
		}
	}
}
