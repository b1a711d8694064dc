package formats_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/deploy-kernel/deploy-kernel/dev/visiontest"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision/formats"
)

// A Decoder without formats knows each of them by its name.
func TestEveryFormatIsKnown(t *testing.T) {
	none := vision.Decoder{}
	for _, name := range formats.Names() {
		file := visiontest.Files(t, "../"+name+"/testdata")[0]
		var unknown *vision.FormatError
		if _, err := none.Decode(bytes.NewReader(file.Data)); !errors.As(err, &unknown) || !unknown.Known || unknown.Name != name {
			t.Errorf("%s: error %v", file.Name, err)
		}
	}
}

// Sniff calls the formats by their names, and each file of the corpora matches
// its format alone.
func TestEveryFileHasOneFormat(t *testing.T) {
	for _, name := range formats.Names() {
		for _, file := range visiontest.Files(t, "../"+name+"/testdata") {
			head := file.Data[:min(len(file.Data), 64)]
			if got := vision.Sniff(head); got != name {
				t.Errorf("%s: sniffed as %q", file.Name, got)
			}
			for _, f := range formats.All() {
				if f.Match(head) != (f.Name == name) {
					t.Errorf("%s: matches %s", file.Name, f.Name)
				}
			}
		}
	}
}

// PNG, WebP and the EXIF block of JPEG carry orientations; the corpora have a
// file of orientation 6 of each of the first two.
func TestOrientationsAreApplied(t *testing.T) {
	for name, file := range map[string]string{"png": "chunk-exif.png", "webp": "exif.webp"} {
		files := visiontest.Files(t, "../"+name+"/testdata")
		i := slices.IndexFunc(files, func(f visiontest.File) bool { return f.Name == file })
		d := vision.Decoder{Formats: formats.All(), EXIF: vision.ApplyEXIF}
		m, err := d.Decode(bytes.NewReader(files[i].Data))
		if err != nil || m.W != files[i].Height || m.H != files[i].Width {
			t.Errorf("%s: %v, %v", file, m, err)
		}
	}
}
