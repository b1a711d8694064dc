package vision_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/runtime/npy"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision/formats"
)

// resizeCase is a line of testdata/resize/cases.json: the output of Pillow 9.4.
type resizeCase struct {
	Input, Filter, Output string
	Width, Height         int
}

func TestResizeEqualsPillow(t *testing.T) {
	b, err := os.ReadFile("testdata/resize/cases.json")
	if err != nil {
		t.Fatal(err)
	}
	var list struct{ Cases []resizeCase }
	if err := json.Unmarshal(b, &list); err != nil || len(list.Cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	filters := map[string]vision.Interpolation{}
	for _, f := range []vision.Interpolation{vision.Bilinear, vision.Bicubic, vision.Lanczos} {
		filters[f.String()] = f
	}
	for _, c := range list.Cases {
		t.Run(c.Output, func(t *testing.T) {
			in, err := all.DecodeFile(filepath.Join("testdata/resize", c.Input))
			if err != nil {
				t.Fatal(err)
			}
			got := vision.Resize(in, c.Width, c.Height, filters[c.Filter])
			want := readPixels(t, c.Output)
			if !bytes.Equal(got.Pix, want) {
				t.Errorf("%d values differ", differing(got.Pix, want))
			}
		})
	}
}

func readPixels(t *testing.T, name string) []uint8 {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata/resize", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	data, _, err := npy.ReadInts(f)
	if err != nil {
		t.Fatal(err)
	}
	pixels := make([]uint8, len(data))
	for i, v := range data {
		pixels[i] = uint8(v)
	}
	return pixels
}

func differing(a, b []uint8) int {
	if len(a) != len(b) {
		return max(len(a), len(b))
	}
	n := 0
	for i := range a {
		if a[i] != b[i] {
			n++
		}
	}
	return n
}

// all is a decoder of every format.
var all = vision.Decoder{Formats: formats.All()}

// pattern returns a small image of distinct pixels.
func pattern(w, h int) *vision.Image {
	m := vision.New(w, h)
	for i := range m.Pix {
		m.Pix[i] = uint8(i*7 + i/w)
	}
	return m
}

func TestResizeKeepsFlatColorsCopiesAndMirrors(t *testing.T) {
	flat := vision.Pad(vision.New(0, 0), vision.Border{Top: 9, Left: 14}, [3]uint8{3, 200, 255})
	m := pattern(17, 11)
	for _, f := range []vision.Interpolation{vision.Bilinear, vision.Bicubic, vision.Lanczos} {
		for _, size := range [][2]int{{1, 1}, {7, 30}, {40, 2}, {14, 9}} {
			got := vision.Resize(flat, size[0], size[1], f)
			for i, v := range got.Pix {
				if v != flat.Pix[i%3] {
					t.Fatalf("%v to %v: one color became another", f, size)
				}
			}
		}
		same := vision.Resize(m, m.W, m.H, f)
		if !bytes.Equal(same.Pix, m.Pix) || &same.Pix[0] == &m.Pix[0] {
			t.Errorf("%v: the same size is not a copy", f)
		}
		a := vision.FlipH(vision.Resize(m, 29, 5, f))
		b := vision.Resize(vision.FlipH(m), 29, 5, f)
		for i := range a.Pix { // mirrored weights may round differently at ties
			if d := int(a.Pix[i]) - int(b.Pix[i]); d < -1 || d > 1 {
				t.Fatalf("%v: flipping before and after differ by %d", f, d)
			}
		}
	}
}

func TestCropUndoesPadAndFlipUndoesItself(t *testing.T) {
	m := pattern(5, 4)
	p := vision.Pad(m, vision.Border{Top: 1, Bottom: 2, Left: 3, Right: 4}, [3]uint8{9, 8, 7})
	if p.W != 12 || p.H != 7 || !bytes.Equal(p.Pix[:3], []uint8{9, 8, 7}) {
		t.Errorf("padded to %dx%d, corner %v", p.W, p.H, p.Pix[:3])
	}
	if c := vision.Crop(p, 3, 1, 5, 4); !bytes.Equal(c.Pix, m.Pix) {
		t.Error("crop does not undo pad")
	}
	if f := vision.FlipH(vision.FlipH(m)); !bytes.Equal(f.Pix, m.Pix) {
		t.Error("flip does not undo itself")
	}
	if f := vision.FlipH(m); !bytes.Equal(f.Pix[:3], m.Pix[12:15]) {
		t.Error("the first pixel of a flipped row is not the last one")
	}
}

// models returns the same opaque and translucent pixels in every color model that the
// decoders support.
func TestDecodeKnowsEveryColorModel(t *testing.T) {
	r := image.Rect(0, 0, 2, 1)
	nrgba, nrgba64, rgba := image.NewNRGBA(r), image.NewNRGBA64(r), image.NewRGBA(r)
	palette := image.NewPaletted(r, color.Palette{color.NRGBA{200, 100, 0, 255}, color.NRGBA{100, 0, 50, 51}})
	gray, gray16, rgba64 := image.NewGray(r), image.NewGray16(r), image.NewRGBA64(r)
	for x, c := range []color.NRGBA{{200, 100, 0, 255}, {100, 0, 50, 51}} {
		nrgba.Set(x, 0, c)
		nrgba64.Set(x, 0, c)
		palette.Set(x, 0, c)
		c.A = 255
		rgba.Set(x, 0, c)
		rgba64.Set(x, 0, c)
	}
	gray.Pix = []uint8{7, 250}
	gray16.Pix = []uint8{7, 200, 250, 1}
	white := []uint8{200, 100, 0, 224, 204, 214} // 255 - (255-c)*51/255
	black := []uint8{200, 100, 0, 20, 0, 10}     // c*51/255
	opaque, grays := []uint8{200, 100, 0, 100, 0, 50}, []uint8{7, 7, 7, 250, 250, 250}
	for _, c := range []struct {
		name               string
		img                image.Image
		drop, white, black []uint8
	}{
		{"nrgba", nrgba, opaque, white, black},
		{"nrgba64", nrgba64, opaque, white, black},
		{"palette", palette, opaque, white, black},
		{"rgba", rgba, opaque, opaque, opaque},
		{"rgba64", rgba64, opaque, opaque, opaque},
		{"gray", gray, grays, grays, grays},
		{"gray16", gray16, grays, grays, grays},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b bytes.Buffer
			if err := png.Encode(&b, c.img); err != nil {
				t.Fatal(err)
			}
			for alpha, want := range [][]uint8{c.drop, c.white, c.black} {
				d := vision.Decoder{Formats: formats.All(), Alpha: vision.Alpha(alpha)}
				got, err := d.Decode(bytes.NewReader(b.Bytes()))
				if err != nil || got.W != 2 || got.H != 1 || !slices.Equal(got.Pix, want) {
					t.Errorf("alpha %d: got %v, %v, want %v", alpha, got, err, want)
				}
			}
		})
	}
}

func TestDecodeReadsJPEGAndGIF(t *testing.T) {
	m := image.NewPaletted(image.Rect(0, 0, 16, 16), color.Palette{color.RGBA{220, 30, 60, 255}})
	var j, g bytes.Buffer
	if err := jpeg.Encode(&j, m, &jpeg.Options{Quality: 100}); err != nil {
		t.Fatal(err)
	}
	if err := gif.Encode(&g, m, nil); err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"jpeg": j.Bytes(), "gif": g.Bytes()} {
		got, err := all.Decode(bytes.NewReader(b))
		if err != nil || got.W != 16 || got.H != 16 {
			t.Fatalf("%s: %v", name, err)
		}
		for i, v := range got.Pix {
			if d := int(v) - []int{220, 30, 60}[i%3]; d < -3 || d > 3 {
				t.Fatalf("%s: value %d is %d", name, i, v)
			}
		}
		// A truncated file gives an error, wherever it is cut.
		for _, n := range []int{8, len(b) / 2, len(b) - len(b)/4} {
			if img, err := all.Decode(bytes.NewReader(b[:n])); err == nil {
				t.Errorf("%s: %d of %d bytes gave an image of %dx%d", name, n, len(b), img.W, img.H)
			}
		}
	}
}

// claim returns a PNG that claims w x h pixels but has 4 bytes of data.
func claim(w, h uint32) []byte {
	chunk := []byte("IHDR")
	chunk = binary.BigEndian.AppendUint32(chunk, w)
	chunk = binary.BigEndian.AppendUint32(chunk, h)
	chunk = append(chunk, 8, 6, 0, 0, 0)
	b := binary.BigEndian.AppendUint32([]byte("\x89PNG\r\n\x1a\n"), 13)
	b = binary.BigEndian.AppendUint32(append(b, chunk...), crc32.ChecksumIEEE(chunk))
	return append(b, "\x00\x00\x00\x04IDAT\x78\x9c\x00\x00"...)
}

func TestDecodeRefusesWhatItCannotRead(t *testing.T) {
	noise, err := os.ReadFile("testdata/resize/noise.png")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"empty", nil, "decoding image: the file is empty"},
		{"text", []byte("id,attribute_ids\n"), "the file is text, not an image; put the image in its place"},
		{"magic alone", noise[:8], "decoding png: the file is truncated before its image data"},
		{"too large", claim(1<<20, 1<<20), "decoding png: 1048576x1048576 pixels, accepted are 1 to 67108864"},
		{"jpeg start", []byte("\xff\xd8\xff"), "decoding jpeg: the file ends before the image data"},
	} {
		_, err := all.Decode(bytes.NewReader(c.data))
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
	}
	path := filepath.Join(t.TempDir(), "a.png")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := all.DecodeFile(path); err == nil || !strings.HasPrefix(err.Error(), path+": ") {
		t.Errorf("got %v, want the file named", err)
	}
}

func FuzzDecode(f *testing.F) {
	for _, name := range []string{"1f600.png", "noise.png"} {
		b, err := os.ReadFile(filepath.Join("testdata/resize", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	var j, g bytes.Buffer
	m := image.NewPaletted(image.Rect(0, 0, 9, 5), color.Palette{color.White, color.Transparent})
	if err := jpeg.Encode(&j, m, nil); err != nil {
		f.Fatal(err)
	}
	if err := gif.Encode(&g, m, nil); err != nil {
		f.Fatal(err)
	}
	f.Add(j.Bytes())
	f.Add(g.Bytes())
	f.Add(claim(3, 3))
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, _, err := image.DecodeConfig(bytes.NewReader(data)); err == nil && c.Width*c.Height > 1<<20 {
			t.Skip("large images only take time")
		}
		img, err := all.Decode(bytes.NewReader(data))
		if err == nil && (img.W < 1 || img.H < 1 || len(img.Pix) != 3*img.W*img.H) {
			t.Errorf("%dx%d pixels in %d bytes", img.W, img.H, len(img.Pix))
		}
	})
}
