package jpeg_test

import (
	"testing"

	"github.com/deploy-kernel/deploy-kernel/dev/visiontest"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision"
	"github.com/deploy-kernel/deploy-kernel/runtime/vision/jpeg"
)

// corpus returns the files of testdata/corpus.zip by name.
func corpus(tb testing.TB) map[string][]byte {
	tb.Helper()
	files := make(map[string][]byte)
	for _, f := range visiontest.Files(tb, "testdata") {
		files[f.Name] = f.Data
	}
	return files
}

func TestPixelsArePillows(t *testing.T) {
	if n := len(visiontest.Files(t, "testdata")); n < 500 {
		t.Errorf("only %d files", n)
	}
	visiontest.Corpus(t, "testdata", jpeg.Format, visiontest.Damage{
		Always: []string{"truncated-"},
		Maybe:  []string{"corrupt-", "factors-", "doubled-"},
	})
}

func FuzzDecode(f *testing.F) { visiontest.Fuzz(f, "testdata", jpeg.Format) }

// A file cut anywhere is refused or decoded to an image of the full size.
func TestEveryTruncation(t *testing.T) {
	t.Parallel()
	files := corpus(t)
	for _, name := range []string{"size-2x2-17x33.jpg", "script-3.jpg", "restart-2.jpg", "cmyk-1.jpg"} {
		data := files[name]
		whole, err := jpeg.Format.Decode(data, vision.DropAlpha)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for n := range data {
			img, err := jpeg.Format.Decode(data[:n], vision.DropAlpha)
			switch {
			case vision.Damaged(err):
				if img == nil || img.W != whole.W || img.H != whole.H || len(img.Pix) != len(whole.Pix) {
					t.Errorf("%s cut to %d bytes: a damaged image of another size", name, n)
				}
			case err != nil && img != nil:
				t.Errorf("%s cut to %d bytes: an image and the error %v", name, n, err)
			case err == nil && string(img.Pix) != string(whole.Pix):
				t.Errorf("%s cut to %d bytes: other pixels and no error", name, n)
			}
		}
	}
}
